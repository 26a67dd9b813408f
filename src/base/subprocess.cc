#include "base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "base/fd.h"

namespace salvor {
namespace {

constexpr std::int64_t kMillisecond_ns = 1'000'000;
constexpr std::size_t kReadBytes = std::size_t{16} << 10U;
/// A large process takes seconds to go.
constexpr std::int64_t kEndOfKilled_ms = 10'000;

struct Pipe {
  Fd read_end;
  Fd write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error("cannot create", "a pipe", errno);
  Pipe made{Fd(ends[0]), Fd(ends[1])};
  // Only our end: the child expects its output to block when we are slow.
  if (::fcntl(made.read_end.get(), F_SETFL, O_NONBLOCK) != 0) {
    throw_system_error("cannot set up", "a pipe", errno);
  }
  return made;
}

/// The input lies in a memory file, not in a pipe: nobody has to feed it while the child runs, and
/// a child that does not read it can't raise SIGPIPE in us.
Fd make_input(ByteView input) {
  Fd file(::memfd_create("salvor-input", MFD_CLOEXEC));
  if (!file) throw_system_error("cannot create", "a memory file", errno);
  write_all(file.get(), input, "a memory file");
  if (::lseek(file.get(), 0, SEEK_SET) != 0) throw_system_error("cannot rewind", "it", errno);
  return file;
}

void require_plain(std::string_view text) {
  if (text.find('\0') == std::string_view::npos) return;
  throw Error(ErrorCode::usage, "cannot run a command that contains a zero byte");
}

std::vector<std::string> merged_environment(
    const std::vector<std::pair<std::string, std::string>>& additions, const std::string& without) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view line = *entry;
    const std::string_view name = line.substr(0, line.find('='));
    const bool replaced = std::any_of(additions.begin(), additions.end(),
                                      [&](const auto& added) { return added.first == name; });
    const bool unwanted = !without.empty() && line.starts_with(without);
    if (!replaced && !unwanted) merged.emplace_back(line);
  }
  for (const auto& [name, value] : additions) {
    merged.push_back(name + "=" + value);
    require_plain(merged.back());
  }
  return merged;
}

std::vector<char*> pointers_of(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// posix_spawn's two sets of instructions, freed together.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

void require(int error) {
  if (error != 0) throw_system_error("cannot prepare", "a subprocess", error);
}

void set_up_signals(SpawnPlan& plan) {
  sigset_t none;
  sigset_t defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD, SIGUSR1, SIGUSR2}) {
    sigaddset(&defaults, signal);
  }
  require(posix_spawnattr_setsigmask(&plan.attributes, &none));
  require(posix_spawnattr_setsigdefault(&plan.attributes, &defaults));
  require(posix_spawnattr_setflags(
      &plan.attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
}

/// A started process. One that is still running when the object goes is killed with its group.
/// Threads: one.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (reaped_) return;
    signal_group(SIGKILL);
    reap();
  }

  pid_t pid() const { return pid_; }
  void signal_group(int signal) const { ::kill(-pid_, signal); }

  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
    return status;
  }

  /// Stops waiting for its end.
  void leave() { reaped_ = true; }

 private:
  pid_t pid_;
  bool reaped_ = false;
};

pid_t spawn(const SubprocessOptions& options, int input, int output, int error_output) {
  SALVOR_ASSERT(!options.argv.empty());
  std::vector<std::string> arguments = options.argv;
  for (const std::string& argument : arguments) require_plain(argument);
  std::vector<std::string> environment =
      merged_environment(options.environment, options.environment_without);
  SpawnPlan plan;
  set_up_signals(plan);
  if (!options.directory.empty()) {
    if (!std::filesystem::is_directory(options.directory)) {
      throw_system_error("cannot run a command in", options.directory.native(), ENOTDIR);
    }
    require(posix_spawn_file_actions_addchdir_np(&plan.actions, options.directory.c_str()));
  }
  require(posix_spawn_file_actions_adddup2(&plan.actions, input, STDIN_FILENO));
  require(posix_spawn_file_actions_adddup2(&plan.actions, output, STDOUT_FILENO));
  require(posix_spawn_file_actions_adddup2(&plan.actions, error_output, STDERR_FILENO));
  require(posix_spawn_file_actions_addclosefrom_np(&plan.actions, STDERR_FILENO + 1));
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, arguments.front().c_str(), &plan.actions, &plan.attributes,
                                 pointers_of(arguments).data(), pointers_of(environment).data());
  if (error != 0) throw_system_error("cannot run", arguments.front(), error);
  return pid;
}

/// Our end of one output of the child.
class Collector {
 public:
  Collector(Fd fd, std::size_t bytes_max, bool keep_end, Bytes& bytes, bool& truncated)
      : fd_(std::move(fd)),
        bytes_max_(bytes_max),
        keep_end_(keep_end),
        bytes_(bytes),
        truncated_(truncated) {
    // Reserved at once, so that small outputs (a passphrase) are never moved and leave no copy.
    bytes_.reserve(std::min(bytes_max, kReadBytes) + kReadBytes);
  }

  int fd() const { return fd_.get(); }

  /// Reads what is there. False when nothing is, or at the end (then the descriptor is closed).
  bool read_once() {
    if (!fd_) return false;
    const std::size_t before = bytes_.size();
    bytes_.resize(before + kReadBytes);
    const ssize_t count = ::read(fd_.get(), bytes_.data() + before, kReadBytes);
    const int error = errno;
    const std::size_t got = count > 0 ? static_cast<std::size_t>(count) : 0;
    bytes_.resize(before + got);
    // An end is cut now and then, so that each byte is moved about once.
    if (!keep_end_ || bytes_.size() >= 2 * bytes_max_ + kReadBytes) cut();
    if (count == 0 || (count < 0 && error != EAGAIN && error != EINTR)) fd_.close();
    return count > 0;
  }

  /// Drops what exceeds the limit.
  void cut() {
    if (bytes_.size() <= bytes_max_) return;
    truncated_ = true;
    const auto surplus = static_cast<std::ptrdiff_t>(bytes_.size() - bytes_max_);
    if (keep_end_) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + surplus);
    } else {
      bytes_.erase(bytes_.end() - surplus, bytes_.end());
    }
  }

 private:
  Fd fd_;
  std::size_t bytes_max_;
  bool keep_end_;
  Bytes& bytes_;
  bool& truncated_;
};

/// Makes poll() wake up on a stop request.
class StopEvent {
 public:
  explicit StopEvent(const std::stop_token& stop)
      : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), callback_(stop, Wake{event_.get()}) {
    if (!event_) throw_system_error("cannot create", "an event descriptor", errno);
  }
  int fd() const { return event_.get(); }

 private:
  struct Wake {
    int fd;
    void operator()() const {
      const std::uint64_t one = 1;
      // Can only fail when the counter is full, and then poll() wakes up anyway.
      [[maybe_unused]] const ssize_t ignored = ::write(fd, &one, sizeof one);
    }
  };

  Fd event_;
  std::stop_callback<Wake> callback_;
};

std::int64_t now_ms() {
  return Clock::system().monotonic().ns / kMillisecond_ns;
}

/// A killed process that does not end waits in the kernel for a server that is gone.
[[noreturn]] void leave_behind(const SubprocessOptions& options, Child& child) {
  child.leave();
  const std::string& name = options.name.empty() ? options.argv.front() : options.name;
  throw Error(ErrorCode::unreachable,
              printable(name) +
                  " was killed, and has not ended: it waits for a path that does "
                  "not answer",
              "look for mounts whose server is gone, and detach them with umount -l");
}

/// Waits for the child's end and reads its outputs meanwhile; ends it when its time is up.
/// Result: whether its time was up.   Errors: unreachable: nothing ends it.
bool supervise(const SubprocessOptions& options, Child& child, Collector& output,
               Collector& error_output) {
  // Not through <sys/pidfd.h>: glibc 2.36 declares it without C linkage.
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0)));
  if (!process) throw_system_error("cannot watch", options.argv.front(), errno);
  const StopEvent stop(options.stop);
  std::int64_t deadline_ms = now_ms() + options.time_limit_ms;
  bool ending = false;
  bool timed_out = false;
  bool killed = false;
  while (true) {
    std::array<pollfd, 4> watched{pollfd{process.get(), POLLIN, 0}, pollfd{output.fd(), POLLIN, 0},
                                  pollfd{error_output.fd(), POLLIN, 0},
                                  pollfd{ending ? -1 : stop.fd(), POLLIN, 0}};
    const std::int64_t wait_ms = std::clamp<std::int64_t>(deadline_ms - now_ms(), 0, 3'600'000);
    const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(wait_ms));
    if (ready < 0 && errno != EINTR) throw_system_error("cannot wait for", "a subprocess", errno);
    if (watched[0].revents != 0) break;
    if (watched[1].revents != 0) output.read_once();
    if (watched[2].revents != 0) error_output.read_once();
    const bool stop_requested = !ending && options.stop.stop_requested();
    if (!stop_requested && now_ms() < deadline_ms) continue;
    timed_out = timed_out || !stop_requested;
    if (killed) leave_behind(options, child);
    child.signal_group(ending ? SIGKILL : SIGTERM);
    killed = ending;
    deadline_ms = now_ms() + (killed ? kEndOfKilled_ms : options.kill_grace_ms);
    ending = true;
  }
  if (ending) child.signal_group(SIGKILL);
  return timed_out;
}

/// Reads what the child wrote before its end, but not what others keep writing for ever.
void drain(Collector& collector, std::size_t bytes_max) {
  constexpr std::size_t kPipeBytesMax = std::size_t{1} << 20U;
  const std::size_t reads_max = (std::min(bytes_max, kPipeBytesMax) + kPipeBytesMax) / 4096;
  for (std::size_t i = 0; i < reads_max && collector.read_once(); ++i) {
  }
  collector.cut();
}

}  // namespace

std::string SubprocessResult::describe() const {
  if (timed_out) return "it did not end within its time limit";
  if (signal != 0) return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
  return "exit status " + std::to_string(exit_status);
}

SubprocessResult run(const SubprocessOptions& options) {
  Pipe output = make_pipe();
  Pipe error_output = make_pipe();
  std::optional<Child> child;
  {
    const Fd input = make_input(options.input);
    child.emplace(
        spawn(options, input.get(), output.write_end.get(), error_output.write_end.get()));
  }
  output.write_end.close();
  error_output.write_end.close();
  SubprocessResult result;
  Collector collect_output(std::move(output.read_end), options.output_bytes_max, options.keep_ends,
                           result.output, result.output_truncated);
  Collector collect_errors(std::move(error_output.read_end), options.error_output_bytes_max,
                           options.keep_ends, result.error_output, result.error_output_truncated);
  result.timed_out = supervise(options, *child, collect_output, collect_errors);
  const int status = child->reap();
  drain(collect_output, options.output_bytes_max);
  drain(collect_errors, options.error_output_bytes_max);
  if (options.stop.stop_requested() && !result.timed_out) {
    const std::string& name = options.name.empty() ? options.argv.front() : options.name;
    throw Error(ErrorCode::cancelled, "stopped while running " + printable(name));
  }
  if (WIFSIGNALED(status)) {
    result.signal = WTERMSIG(status);
  } else {
    result.exit_status = WEXITSTATUS(status);
  }
  return result;
}

}  // namespace salvor
