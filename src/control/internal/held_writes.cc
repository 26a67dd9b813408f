#include "control/internal/held_writes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "recovery/execute.h"

namespace salvor::control::internal {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(100);

/// The note that writes are held. Empty: they are not, or not by a backup.
class Note {
 public:
  /// Waits until no other backup has it.   Errors: cancelled.
  Note(const std::filesystem::path& path, const std::stop_token& stop)
      : path_(path), fd_(open_file(path, O_RDWR | O_CREAT)) {
    while (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR)
        throw_system_error("cannot lock", path.native(), errno);
      if (stop.stop_requested()) throw Error(ErrorCode::cancelled, "the backup was stopped");
      std::this_thread::sleep_for(kPoll);
    }
  }

  bool is_written() const {
    struct stat status {};
    return ::fstat(fd_.get(), &status) == 0 && status.st_size > 0;
  }

  void write(std::string_view text) const {
    write_all(fd_.get(), as_bytes(text), path_.native());
    sync_file(fd_.get(), path_.native());
    sync_directory(path_.parent_path());
  }

  void clear() const {
    if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) != 0) {
      throw_system_error("cannot empty", path_.native(), errno);
    }
  }

 private:
  const std::filesystem::path path_;
  const Fd fd_;
};

}  // namespace

HeldWrites::HeldWrites(const Config& config, const ServiceConfig& service,
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
  const bool is_ours = note.is_written();
  if (is_ours) {
    log::warning("a backup that was killed had left the writes of {} held", service_.name);
  } else if (are_held(false, stop_)) {
    return mark();  // by somebody who lets them in when it is time
  }
  note.write(run_ + '\n');
  try {
    hold();
    mark();
  } catch (const std::exception&) {
    try {
      release();
      note.clear();
    } catch (const Error& error) {
      log::warning("the writes of {} may still be held: {}", service_.name, error.message());
    }
    throw;
  }
  release();
  note.clear();
}

void HeldWrites::hold() const {
  run_command("writes.lock", service_.writes->lock, stop_);
  if (are_held(true, stop_)) return;
  throw Error(ErrorCode::failed,
              "writes.lock succeeded, but writes.locked says that writes are not held",
              fmt::format("mend the commands of [service.{}.writes]", service_.name));
}

/// Not to be stopped: a service whose writes stay held is down.
void HeldWrites::release() const {
  if (recovery::open_run(repository_, service_.name)) {
    log::warning("a restore of {} has begun meanwhile: writes stay held for it", service_.name);
    return;
  }
  run_command("writes.unlock", service_.writes->unlock, {});
  if (!are_held(false, {})) return;
  throw Error(ErrorCode::failed,
              "writes.unlock succeeded, but writes.locked says that writes are still held",
              fmt::format("let them in by hand, and mend the commands of [service.{}.writes]",
                          service_.name));
}

/// What writes.locked says; `otherwise`, where there is no such command.
bool HeldWrites::are_held(bool otherwise, std::stop_token stop) const {
  const auto& locked = service_.writes->locked;
  if (!locked) return otherwise;
  return recovery::answer_of(
      recovery::run_hook(*locked, context(), service_.writes->timeout_s, std::move(stop)),
      "the command writes.locked");
}

void HeldWrites::run_command(const std::string& name, const std::string& command,
                             std::stop_token stop) const {
  recovery::require_success(
      recovery::run_hook(command, context(), service_.writes->timeout_s, std::move(stop)),
      "the command " + name, "run it by hand, and see why it fails");
}

recovery::HookContext HeldWrites::context() const {
  recovery::HookContext context;
  context.mode = recovery::Mode::backup;
  context.run = run_;
  context.service = service_.name;
  context.directory = config_.file.parent_path().native();
  for (const StoreConfig& store : service_.stores) {
    context.store_paths[store.name] = store.path().native();
  }
  return context;
}

void HeldWrites::refuse_open_restore() const {
  const auto run = recovery::open_run(repository_, service_.name);
  if (!run) return;
  throw Error(
      ErrorCode::conflict,
      fmt::format("restore {} of service {} is open, and holds its writes", *run, service_.name),
      fmt::format("end it first: salvor restore --resume {0}, or --undo {0}", *run));
}

}  // namespace salvor::control::internal
