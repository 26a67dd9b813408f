#include "cli/stop_on_signal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/error.h"
#include "cli/output.h"

namespace salvor::cli {
namespace {

/// Without signals that the parent process made us ignore (nohup): blocked ones would still be
/// reported.
sigset_t stopping_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction present {};
    ::sigaction(signal, nullptr, &present);
    if (present.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

StopOnSignal::StopOnSignal() {
  const sigset_t set = stopping_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC));
  end_ = Fd(::eventfd(0, EFD_CLOEXEC));
  if (!signals_ || !end_) throw_system_error("cannot wait for", "signals", errno);
  thread_ = std::jthread([this] { wait(); });
}

StopOnSignal::~StopOnSignal() {
  const std::uint64_t one = 1;
  // An eventfd with nothing in it takes 8 bytes, always.
  [[maybe_unused]] const ssize_t written = ::write(end_.get(), &one, sizeof one);
}

void StopOnSignal::wait() {
  while (true) {
    std::array<pollfd, 2> both{{{signals_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
    if (::poll(both.data(), both.size(), -1) < 0) continue;  // EINTR
    if (both[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) continue;
    // Ends the process whatever its threads wait for. A thread that hangs on a mount without an
    // answer keeps it until that call returns.
    if (stop_.stop_requested()) ::_exit(exit_status(ErrorCode::cancelled));
    tell("\nsalvor: stopping; interrupt again to end at once\n");
    stop_.request_stop();
  }
}

}  // namespace salvor::cli
