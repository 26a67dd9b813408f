#include "stores/disk/exchange.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/error.h"
#include "base/fd.h"
#include "base/remove_tree.h"
#include "base/umask.h"

namespace salvor::stores::disk {
namespace {

namespace fs = std::filesystem;

constexpr int kSymlinksMax = 40;
constexpr std::uint64_t kNoteBytesMax = 1 << 20U;
constexpr std::string_view kMarker = "salvor workplace 1\n";

[[noreturn]] void throw_move_error(const fs::path& from, const fs::path& to, int error) {
  const std::string what =
      "cannot move " + printable(from.native()) + " to " + printable(to.native());
  if (error == EXDEV || error == EBUSY) {
    throw Error(ErrorCode::refused, what + ": " + errno_text(error),
                "a mount point can't be exchanged; restore with --in-place-delta");
  }
  if (error == EEXIST || error == ENOTEMPTY) {
    throw Error(ErrorCode::conflict, what + ": found something there, expected nothing",
                "find out who made it, move it aside, and resume or undo the restore");
  }
  throw_system_error("cannot move", from.native(), error);
}

bool lacks_flags(int error) {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

void sync_with_parents(const fs::path& directory) {
  sync_directory(directory);
  sync_directory(directory.parent_path());
}

/// Directories above a store that is gone, with owner and mode of the nearest one that is there:
/// whoever made that one made those that are missing as well, and their readers must come through.
void make_parents(const fs::path& path) {
  if (fs::is_directory(path)) return;
  make_parents(path.parent_path());
  struct stat model {};
  if (stat(path.parent_path().c_str(), &model) != 0) {
    throw_system_error("cannot look at", path.parent_path().native(), errno);
  }
  if (mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return;
    throw_system_error("cannot create directory", path.native(), errno);
  }
  // Who is not root has made it as himself, and may still be a member of the group.
  if (chown(path.c_str(), model.st_uid, model.st_gid) != 0 && errno != EPERM) {
    throw_system_error("cannot set owner and group of", path.native(), errno);
  }
  if (chmod(path.c_str(), model.st_mode & 07777U) != 0) {
    throw_system_error("cannot set the mode of", path.native(), errno);
  }
  sync_with_parents(path);
}

}  // namespace

fs::path real_place(const fs::path& path) {
  fs::path at = fs::absolute(path).lexically_normal();
  if (!at.has_filename()) at = at.parent_path();
  for (int i = 0; i < kSymlinksMax; ++i) {
    std::error_code ignored;
    at = fs::weakly_canonical(at.parent_path()) / at.filename();
    if (!fs::is_symlink(at, ignored)) return at;
    const fs::path leads_to = fs::read_symlink(at);
    at = (leads_to.is_absolute() ? leads_to : at.parent_path() / leads_to).lexically_normal();
    if (!at.has_filename()) at = at.parent_path();
  }
  throw_system_error("cannot follow", path.native(), ELOOP);
}

fs::path workplace_for(const fs::path& live, const std::string& run, const std::string& tag) {
  const std::string name = ".salvor-" + run + "-" + tag;
  constexpr std::size_t kNameBytesMax = 200;
  if (!live.has_filename() || name.find('/') != std::string::npos || run.empty() || tag.empty() ||
      name.size() > kNameBytesMax) {
    throw Error(ErrorCode::usage, "there is no place beside " + printable(live.native()) +
                                      " for a directory " + printable(name));
  }
  return live.parent_path() / name;
}

std::uint64_t inode_at(const fs::path& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0) return status.st_ino;
  if (errno != ENOENT && errno != ENOTDIR) {
    throw_system_error("cannot look at", path.native(), errno);
  }
  return 0;
}

Exchange::Exchange(Places places, ReplacementFaults faults)
    : places_(std::move(places)), faults_(std::move(faults)) {}

bool Exchange::is_provisioned() const {
  const fs::path marker = places_.workplace / "workplace";
  if (inode_at(marker) == 0) return false;
  const Bytes found = read_file(marker, kNoteBytesMax);
  const std::string expected = std::string(kMarker) + places_.live.native();
  if (as_text(found) == expected) return true;
  throw Error(ErrorCode::conflict,
              printable(places_.workplace.native()) + " belongs to another path than " +
                  printable(places_.live.native()),
              "the store's path has changed since the run began; change it back");
}

void Exchange::provision() {
  if (being_discarded() == "copy") remove_workplace("copy");
  if (is_provisioned()) return;
  make_parents(places_.live.parent_path());
  step("make the workplace");
  const std::string name = printable(places_.workplace.native());
  if (mkdir(places_.workplace.c_str(), 0700) != 0 && errno != EEXIST) {
    throw_system_error("cannot create directory", places_.workplace.native(), errno);
  }
  struct stat status {};
  if (lstat(places_.workplace.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
      status.st_uid != geteuid() || (status.st_mode & 077U) != 0) {
    throw Error(ErrorCode::refused, name + " is not a directory that this user alone may enter",
                "find out who made it, and remove it");
  }
  for (const fs::path& directory : {places_.fresh.parent_path(), places_.parked.parent_path()}) {
    if (directory != places_.workplace) make_private_directories(directory);
  }
  step("note what the workplace is for");
  write_file_atomically(places_.workplace / "workplace",
                        as_bytes(std::string(kMarker) + places_.live.native()));
  sync_with_parents(places_.workplace);
}

std::optional<std::uint64_t> Exchange::noted_live() const {
  const fs::path note = places_.workplace / "places";
  if (inode_at(note) == 0) return std::nullopt;
  const Bytes found = read_file(note, kNoteBytesMax);
  const std::string_view text = as_text(found);
  std::uint64_t inode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), inode);
  if (error != std::errc() || std::string_view(end, 1) != "\n") {
    throw Error(ErrorCode::corruption, "found nonsense in " + printable(note.native()),
                "compare the workplace with the live path by hand");
  }
  return inode;
}

void Exchange::note_live(std::uint64_t inode) {
  step("note what is live");
  write_file_atomically(places_.workplace / "places", as_bytes(std::to_string(inode) + "\n"));
}

bool Exchange::is_cut_over() const {
  if (const std::string rest_of = being_discarded(); !rest_of.empty()) return rest_of == "old";
  const std::optional<std::uint64_t> live = noted_live();
  if (!live) return false;
  const std::uint64_t fresh = inode_at(places_.fresh);
  if (*live == 0) return fresh == 0;
  return fresh == *live || (fresh == 0 && inode_at(places_.parked) == *live);
}

void Exchange::sync() const {
  sync_directory(places_.live.parent_path());
  sync_directory(places_.fresh.parent_path());
  sync_directory(places_.parked.parent_path());
}

void Exchange::move(const fs::path& from, const fs::path& to, std::string_view name) {
  step(name);
  int result = renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
  if (result != 0 && lacks_flags(errno)) {
    if (inode_at(to) != 0) throw_move_error(from, to, EEXIST);
    result = rename(from.c_str(), to.c_str());
  }
  if (result != 0) throw_move_error(from, to, errno);
  sync();
}

bool Exchange::exchange(const fs::path& incoming) {
  if (!faults_.can_exchange_names) return false;
  step("exchange the names");
  if (renameat2(AT_FDCWD, incoming.c_str(), AT_FDCWD, places_.live.c_str(), RENAME_EXCHANGE) != 0) {
    if (lacks_flags(errno)) return false;
    throw_move_error(incoming, places_.live, errno);
  }
  sync();
  return true;
}

void Exchange::settle() {
  const std::uint64_t live = noted_live().value_or(0);
  if (live == 0) return;
  const std::uint64_t fresh = inode_at(places_.fresh);
  const std::uint64_t parked = inode_at(places_.parked);
  if (fresh == live && parked == 0) {
    move(places_.fresh, places_.parked, "park what was live");
  } else if (fresh == 0 && parked != 0 && parked != live) {
    move(places_.parked, places_.fresh, "park the copy");
  }
}

void Exchange::bring_in() {
  settle();
  if (is_cut_over()) return;
  if (inode_at(places_.fresh) == 0) {
    throw Error(ErrorCode::not_found, "found no copy at " + printable(places_.fresh.native()),
                "resume the restore, so that it is made");
  }
  const std::uint64_t live = inode_at(places_.live);
  const bool is_parked = inode_at(places_.parked) != 0;
  // Where names can't be exchanged, somebody may have made one between the two moves.
  if (live != 0 && is_parked) throw_move_error(places_.fresh, places_.live, EEXIST);
  if (!is_parked) note_live(live);
  if (live != 0 && exchange(places_.fresh)) {
    settle();
    return;
  }
  if (live != 0) move(places_.live, places_.parked, "move away what is live");
  move(places_.fresh, places_.live, "move the copy in");
}

void Exchange::bring_back() {
  settle();
  const std::optional<std::uint64_t> was_live = noted_live();
  if (!was_live) return;
  const bool is_live = inode_at(places_.live) != 0;
  if (*was_live == 0) {
    if (is_cut_over() && is_live) move(places_.live, places_.fresh, "move the copy away");
    return;
  }
  if (inode_at(places_.parked) != *was_live) return;
  if (inode_at(places_.fresh) == 0 && is_live) {
    if (exchange(places_.parked)) {
      settle();
      return;
    }
    move(places_.live, places_.fresh, "move the copy away");
  }
  move(places_.parked, places_.live, "move back what was live");
}

void Exchange::remove_workplace(std::string_view what) {
  // Goes last, and says until then what this is the rest of.
  constexpr std::string_view kNote = "discarding";
  if (inode_at(places_.workplace / kNote) == 0) {
    step("note what is discarded");
    write_file_atomically(places_.workplace / kNote, as_bytes(what));
  }
  step("empty the workplace");
  remove_tree_but(places_.workplace, kNote);
  step("remove the workplace");
  remove_tree(places_.workplace);
  sync_directory(places_.live.parent_path());
}

std::string Exchange::being_discarded() const {
  const fs::path note = places_.workplace / "discarding";
  if (inode_at(note) == 0) return {};
  return std::string(as_text(read_file(note, kNoteBytesMax)));
}

void Exchange::require_old() const {
  if (being_discarded() != "old") return;
  throw Error(ErrorCode::refused,
              "the old data in " + printable(places_.workplace.native()) +
                  " is being removed, and can't be made live again",
              "finish the removal: salvor restore --close; the safety snapshot is still a point");
}

void Exchange::discard_copy() {
  if (inode_at(places_.workplace) == 0) return;
  const bool goes_on = !being_discarded().empty();
  const std::optional<std::uint64_t> live = noted_live();
  const std::uint64_t parked = inode_at(places_.parked);
  const bool holds_live = live && *live != 0 && (inode_at(places_.fresh) == *live || parked != 0);
  if (!goes_on && (holds_live || is_cut_over())) {
    throw Error(ErrorCode::conflict,
                printable(places_.workplace.native()) +
                    " has the data from before the restore, or its copy is live by now",
                "undo the restore first");
  }
  remove_workplace("copy");
}

void Exchange::require_live() const {
  // An empty one is what a crash has left of a discarded one.
  if (inode_at(places_.workplace) == 0 || fs::is_empty(places_.workplace)) return;
  if (!is_cut_over()) {
    throw Error(ErrorCode::conflict,
                "the copy in " + printable(places_.workplace.native()) + " is not live",
                "undo the restore, which removes it");
  }
  if (inode_at(places_.live) == 0) {
    throw Error(
        ErrorCode::conflict,
        "found nothing at " + printable(places_.live.native()) + ", so the old data is not deleted",
        "undo the restore");
  }
}

void Exchange::discard_old() {
  require_live();
  if (inode_at(places_.workplace) != 0) remove_workplace("old");
}

}  // namespace salvor::stores::disk
