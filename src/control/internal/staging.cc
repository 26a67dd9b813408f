#include "control/internal/staging.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/remove_tree.h"
#include "config/silent_paths.h"

namespace salvor::control::internal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRunIdLike = "00000000t000000-00000000";

/// Whether the name is one that a drill makes. Nothing else is ever removed.
bool is_run_id(std::string_view name) {
  return name.size() == kRunIdLike.size() && name[8] == 't' && name[15] == '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == 't' || c == '-';
         });
}

/// Waits for the lock, or else returns no descriptor when somebody has it. Processes that are gone
/// have no locks.
Fd lock_directory(const fs::path& path, bool wait) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fd;
  while (::flock(fd.get(), wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR) return {};
  }
  return fd;
}

void require_private(const fs::path& root) {
  struct stat status {};
  if (::stat(root.c_str(), &status) != 0) throw_system_error("cannot read", root.native(), errno);
  const bool ours = status.st_uid == ::geteuid() || status.st_uid == 0;
  if (ours && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return;
  throw Error(
      ErrorCode::refused,
      fmt::format("other users may write to the staging directory {}", printable(root.native())),
      "name another directory with staging, or run chmod go-w on it: drills restore what may be "
      "confidential");
}

/// Hold the root's lock meanwhile: no drill must be between making its directory and locking it.
void remove_leftovers(const fs::path& root) {
  std::error_code error;
  for (fs::directory_iterator at(root, error), end; !error && at != end; at.increment(error)) {
    if (!is_run_id(at->path().filename().native())) continue;
    const Fd lock = lock_directory(at->path(), false);
    if (!lock) continue;
    try {
      remove_tree(at->path());
      log::warning("removed {}, which a drill that was killed had left",
                   printable(at->path().native()));
    } catch (const Error& failure) {
      log::warning("cannot remove what a killed drill left: {}", failure.message());
    }
  }
}

/// Errors: as those of a file that is written there.
void try_to_write(const fs::path& directory) {
  constexpr std::size_t kProbeBytes = 64 << 10;
  make_private_directories(directory);
  std::string name = (directory / ".probe-XXXXXX").native();
  const Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) throw_system_error("cannot write to", directory.native(), errno);
  ::unlink(name.c_str());
  pwrite_all(fd.get(), Bytes(kProbeBytes, std::byte{1}), 0, directory.native());
  sync_file(fd.get(), directory.native());
}

void require_own(const fs::path& directory) {
  struct stat status {};
  if (::lstat(directory.c_str(), &status) != 0) {
    throw_system_error("cannot use", directory.native(), errno);
  }
  const bool own = S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() &&
                   (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  if (own) return;
  throw Error(ErrorCode::refused,
              fmt::format("{} belongs to another user, or other users may use it",
                          printable(directory.native())),
              "remove it, or name another directory with TMPDIR");
}

}  // namespace

fs::path work_place(const config::Config& config) {
  std::string problem;
  try {
    try_to_write(config.state_directory);
    return config.state_directory;
  } catch (const Error& error) {
    problem = error.message();
  }
  const char* named = std::getenv("TMPDIR");
  const fs::path base = named != nullptr && *named == '/' ? named : "/var/tmp";
  const fs::path place = base / fmt::format("salvor-{}", ::geteuid());
  config::require_answers_of({{base, "the directory for temporary files"}}, config, {});
  make_private_directories(place);
  require_own(place);
  try_to_write(place);
  log::warning("state_dir can't be used ({}): {} is used instead, and no history is kept", problem,
               printable(place.native()));
  return place;
}

Staging::Staging(const fs::path& root, const std::string& run) : path_(root / run) {
  make_private_directories(root);
  require_private(root);
  const Fd root_lock = lock_directory(root, true);
  if (!root_lock) throw_system_error("cannot lock", root.native(), errno);
  remove_leftovers(root);
  if (::mkdir(path_.c_str(), 0700) != 0) {
    if (errno == EEXIST) {
      throw Error(ErrorCode::conflict, printable(path_.native()) + " exists already");
    }
    throw_system_error("cannot create directory", path_.native(), errno);
  }
  lock_ = lock_directory(path_, false);
  if (!lock_) throw_system_error("cannot lock", path_.native(), errno);
}

Staging::~Staging() {
  try {
    remove();
  } catch (const Error& error) {
    log::warning("the drill left something behind: {}", error.message());
  }
}

void Staging::remove() {
  std::error_code error;
  if (fs::symlink_status(path_, error).type() == fs::file_type::directory) remove_tree(path_);
}

}  // namespace salvor::control::internal
