#include "control/internal/held_writes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "control/caller.h"
#include "control/restore_in_place.h"
#include "recovery/claim.h"
#include "recovery/execute.h"

namespace salvor::control::internal {
namespace {

using catalog::RunState;

constexpr auto kPoll = std::chrono::milliseconds(100);

/// The note that writes are held: the run that holds them, and on a second line the restore that it
/// has left them to. Empty: they are not held, or not by a backup.
class Note {
 public:
  /// Waits until no other backup has it.   Errors: cancelled.
  Note(const std::filesystem::path& path, const std::stop_token& stop)
      : path_(path), fd_(open_file(path, O_RDWR | O_CREAT)) {
    while (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) {
        throw_system_error("cannot lock", path.native(), errno);
      }
      if (stop.stop_requested()) throw Error(ErrorCode::cancelled, "the backup was stopped");
      std::this_thread::sleep_for(kPoll);
    }
  }

  std::string read() const {
    constexpr std::uint64_t kRunBytesMax = 1000;
    return std::string(as_text(read_file(path_, kRunBytesMax)));
  }

  /// At no instant is it empty.
  void write(std::string_view text) const {
    pwrite_all(fd_.get(), as_bytes(text), 0, path_.native());
    if (::ftruncate(fd_.get(), static_cast<off_t>(text.size())) != 0) {
      throw_system_error("cannot write", path_.native(), errno);
    }
    sync_file(fd_.get(), path_.native());
    sync_directory(path_.parent_path());
  }

  void clear() const {
    if (::ftruncate(fd_.get(), 0) != 0) {
      throw_system_error("cannot empty", path_.native(), errno);
    }
  }

 private:
  const std::filesystem::path path_;
  const Fd fd_;
};

}  // namespace

HeldWrites::HeldWrites(const config::Config& config, const service::Service& service,
                       repo::Repository& repository, std::string run, std::stop_token stop)
    : config_(config),
      service_(service),
      repository_(repository),
      run_(std::move(run)),
      stop_(std::move(stop)) {}

void HeldWrites::during(const std::function<void()>& mark) const {
  const std::filesystem::path directory = config_.state_directory / "held-writes";
  make_private_directories(directory);
  const Note note(directory / service_.name, stop_);
  refuse_open_restore();
  if (is_left_held(note.read())) {
    log::warning("an earlier backup left the writes of {} locked", service_.name);
  } else if (are_held(false, stop_)) {
    return mark();  // by somebody who unlocks them when it is time
  }
  note.write(run_);
  const auto unlock = [&] {
    if (const auto restore = release()) {
      note.write(run_ + '\n' + *restore);
    } else {
      note.clear();
    }
  };
  try {
    hold();
    mark();
  } catch (const std::exception&) {
    try {
      unlock();
    } catch (const Error& error) {
      log::warning("{}", error.message());
    }
    throw;
  }
  unlock();
}

/// What a note says that no backup has open.
bool HeldWrites::is_left_held(const std::string& note) const {
  if (note.empty()) return false;
  const std::size_t end = std::min(note.find('\n'), note.size());
  // The command that holds writes may still be running.
  service::require_no_running_hook(note.substr(0, end));
  if (end == note.size()) return true;
  // A restore that has succeeded has unlocked them; one that was undone has left them as it found
  // them.
  try {
    const auto restore = recovery::find_run(repository_, note.substr(end + 1));
    return !restore ||
           (restore->state != RunState::succeeded && restore->state != RunState::closed);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption) throw;
    log::warning("cannot read how restore {} ended: {}", printable(note.substr(end + 1)),
                 error.message());
    return true;
  }
}

void HeldWrites::hold() const {
  run_command("writes.lock", service_.writes->lock, stop_);
  if (are_held(true, stop_)) return;
  throw Error(ErrorCode::failed,
              "writes.lock succeeded, but writes.locked says that writes are not locked",
              fmt::format("correct the commands of [service.{}.writes]", service_.name));
}

/// Not to be stopped: a service whose writes stay held is down. Yields the restore that they are
/// left to; empty: they are unlocked.
std::optional<std::string> HeldWrites::release() const {
  if (auto restore = open_restore()) return restore;
  try {
    run_command("writes.unlock", service_.writes->unlock, {});
    const bool still = are_held(false, {});
    // A backup that has begun meanwhile may have found them held.
    if (auto restore = open_restore()) return restore;
    if (!still) return std::nullopt;
  } catch (const Error& error) {
    throw error.with_context(fmt::format("the writes of {} may still be locked", service_.name));
  }
  throw Error(ErrorCode::failed,
              fmt::format("the writes of {} are still locked: writes.unlock succeeded, but "
                          "writes.locked says that they are locked",
                          service_.name),
              fmt::format("unlock writes by hand, and correct the commands of [service.{}.writes]",
                          service_.name));
}

std::optional<std::string> HeldWrites::open_restore() const {
  try {
    const auto open = recovery::open_restore(repository_, service_.name);
    // A restore whose records can't be read does not count: nobody held the writes for it.
    if (!open || !open->rot.empty()) return std::nullopt;
    log::warning("a restore of {} has begun: writes stay locked for it", service_.name);
    return open->run;
  } catch (const Error& error) {
    log::warning("cannot tell whether a restore of {} is open ({}): writes are unlocked",
                 service_.name, error.message());
    return std::nullopt;
  }
}

/// The answer of writes.locked, or `otherwise` where there is no such command.
bool HeldWrites::are_held(bool otherwise, std::stop_token stop) const {
  const auto& locked = service_.writes->locked;
  if (!locked) return otherwise;
  return service::answer_of(service::run_hook(locked->run, context(), locked->timeout_s,
                                              std::move(stop), "the command writes.locked"),
                            "the command writes.locked");
}

void HeldWrites::run_command(const std::string& name, const service::Command& command,
                             std::stop_token stop) const {
  const std::string what = "the command " + name;
  service::require_success(
      service::run_hook(command.run, context(), command.timeout_s, std::move(stop), what), what,
      "run the command by hand to see why it fails");
}

service::HookContext HeldWrites::context() const {
  service::HookContext context;
  context.mode = service::Mode::backup;
  context.run = run_;
  context.service = service_.name;
  context.directory = config_.file.parent_path().native();
  for (const service::Store& store : service_.stores) {
    context.store_paths[store.name] = store.location().text;
  }
  return context;
}

void HeldWrites::refuse_open_restore() const {
  const auto open = recovery::open_restore(repository_, service_.name);
  if (!open) return;
  if (!open->rot.empty()) {
    log::warning("cannot tell whether a restore of {} is open ({}): the backup continues",
                 service_.name, open->rot);
    return;
  }
  throw Error(ErrorCode::conflict,
              fmt::format("restore {} of service {} is open, and has its writes locked", open->run,
                          service_.name),
              recovery::ways_on_with(open->run, service_.name, open->is_running));
}

namespace {

/// The note of a backup that nobody carries out any more; empty: there is none.
std::string note_left(const config::Config& config, const service::Service& service) {
  const std::filesystem::path path = config.state_directory / "held-writes" / service.name;
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // Where a backup has it, it holds the writes now, and releases them.
  if (!fd || ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0) return {};
  constexpr std::uint64_t kRunBytesMax = 1000;
  return std::string(as_text(read_file(path, kRunBytesMax)));
}

}  // namespace

std::optional<std::string> left_held(const config::Config& config, const service::Service& service,
                                     repo::Repository* repository, catalog::Catalog* catalog) {
  try {
    const std::string note = note_left(config, service);
    const std::size_t end = std::min(note.find('\n'), note.size());
    if (!note.empty() && end == note.size()) return note;
    if (repository == nullptr) return std::nullopt;
    if (!note.empty()) {
      const auto restore = recovery::find_run(*repository, note.substr(end + 1), catalog);
      if (restore && restore->state != RunState::succeeded && restore->state != RunState::closed) {
        return note.substr(end + 1);
      }
    }
    const auto open = recovery::open_run(*repository, service.name, catalog);
    if (!open) return std::nullopt;
    const auto run = recovery::find_run(*repository, *open, catalog);
    return run && holds_writes(*run) ? open : std::nullopt;
  } catch (const Error& error) {
    log::warning("cannot tell whether the writes of {} are locked: {}", service.name,
                 error.message());
    return std::nullopt;
  }
}

}  // namespace salvor::control::internal
