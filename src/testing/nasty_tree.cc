#include "testing/nasty_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace salvor::testing {
namespace {

constexpr std::int64_t kBaseTime_s = 1'600'000'000;

/// Makes things below a root, and stamps all directories at the end.
class Builder {
 public:
  Builder(const std::filesystem::path& root, std::uint64_t seed)
      : root_path_(root), root_(open_file(root, O_RDONLY | O_DIRECTORY)), random_(seed) {}

  void directory(const std::string& path, mode_t mode = 0755) {
    check(mkdirat(root_.get(), path.c_str(), 0700), path);
    directories_.push_back({path, mode});
  }

  void file(const std::string& path, std::size_t bytes, mode_t mode = 0644) {
    Bytes content(bytes);
    for (std::byte& byte : content) byte = static_cast<std::byte>(random_());
    pieces(path, bytes, {{0, content}}, mode);
  }

  struct Piece {
    std::uint64_t offset;
    Bytes content;
  };
  void pieces(const std::string& path, std::uint64_t size, const std::vector<Piece>& pieces,
              mode_t mode = 0644) {
    const Fd fd(openat(root_.get(), path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) throw_system_error("cannot create", path, errno);
    for (const Piece& piece : pieces) pwrite_all(fd.get(), piece.content, piece.offset, path);
    check(ftruncate(fd.get(), static_cast<off_t>(size)), path);
    check(fchmod(fd.get(), mode), path);
    stamp(path, kBaseTime_s + ++made_, 123'456'789);
  }

  void symlink(const std::string& target, const std::string& path) {
    check(symlinkat(target.c_str(), root_.get(), path.c_str()), path);
    stamp(path, kBaseTime_s + ++made_, 987'654'321);
  }

  void hard_link(const std::string& first, const std::string& path) {
    check(linkat(root_.get(), first.c_str(), root_.get(), path.c_str(), 0), path);
  }

  /// False when the user may not make it.
  bool node(const std::string& path, mode_t mode, dev_t device = 0) {
    const int result = mknodat(root_.get(), path.c_str(), mode, device);
    if (result != 0 && errno == EPERM) return false;
    check(result, path);
    check(fchmodat(root_.get(), path.c_str(), mode & 07777U, 0), path);
    stamp(path, kBaseTime_s + ++made_, 1);
    return true;
  }

  void stamp(const std::string& path, std::int64_t seconds, long ns) {
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{seconds, ns}};
    check(utimensat(root_.get(), path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW), path);
  }

  void owner(const std::string& path, uid_t uid, gid_t gid, mode_t mode_again = 0) {
    const int result = fchownat(root_.get(), path.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW);
    if (result != 0 && errno == EPERM) return;
    check(result, path);
    if (mode_again != 0) check(fchmodat(root_.get(), path.c_str(), mode_again, 0), path);
  }

  void attribute(const std::string& path, const std::string& name, ByteView value) {
    const std::string place = root_path_ / path;
    const int result = lsetxattr(place.c_str(), name.c_str(), value.data(), value.size(), 0);
    if (result != 0 && (errno == EPERM || errno == ENOTSUP)) return;
    check(result, path);
  }

  void deep(unsigned depth) {
    Fd at(openat(root_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (unsigned level = 0; level < depth; ++level) {
      const std::string name = "level-" + std::to_string(level) + std::string(30, '-');
      check(mkdirat(at.get(), name.c_str(), 0755), name);
      at = Fd(openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!at) throw_system_error("cannot open", name, errno);
    }
    const Fd fd(openat(at.get(), "bottom", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    write_all(fd.get(), as_bytes("far down"), "bottom");
  }

  /// Last of all: whatever is made in a directory changes its time.
  void stamp_directories() {
    std::reverse(directories_.begin(), directories_.end());
    for (const auto& [path, mode] : directories_) {
      check(fchmodat(root_.get(), path.c_str(), mode, 0), path);
      stamp(path, kBaseTime_s - ++made_, 999'999'999);
    }
  }

 private:
  static void check(int result, const std::string& path) {
    if (result != 0) throw_system_error("cannot make", path, errno);
  }

  const std::filesystem::path root_path_;
  const Fd root_;
  std::mt19937_64 random_;
  std::vector<std::pair<std::string, mode_t>> directories_;
  std::int64_t made_ = 0;
};

Bytes filled(std::size_t size, char with) {
  return to_bytes(std::string(size, with));
}

struct AclLine {
  std::uint16_t tag;
  std::uint16_t may;
  std::uint32_t id;
};

/// The kernel's form of an ACL: version 2, then tag, permissions and id of each line.
Bytes acl(std::uint32_t user, std::uint16_t user_may) {
  constexpr std::uint32_t kNobody = 0xFFFFFFFFU;
  const std::array<AclLine, 5> lines{AclLine{0x01, 7, kNobody}, AclLine{0x02, user_may, user},
                                     AclLine{0x04, 4, kNobody}, AclLine{0x10, 7, kNobody},
                                     AclLine{0x20, 4, kNobody}};
  constexpr std::uint32_t kVersion = 2;
  Bytes value(sizeof kVersion + sizeof lines);
  std::memcpy(value.data(), &kVersion, sizeof kVersion);
  std::memcpy(value.data() + sizeof kVersion, lines.data(), sizeof lines);
  return value;
}

void make_names(Builder& builder) {
  builder.directory("names");
  for (const std::string& name :
       {std::string("new\nline"), std::string("\xff\xfe not UTF-8 \x80"), std::string(255, 'n'),
        std::string("-rf"), std::string(" blanks "), std::string("back\\slash"),
        std::string("\x01"), std::string("'\"$(true)`*?["), std::string("\xc3\xa9 composed"),
        std::string("e\xcc\x81 decomposed"), std::string("..."), std::string(".hidden")}) {
    builder.file("names/" + name, 10 + name.size());
  }
  // The order of keys is neither that of paths nor that of a plain sort.
  builder.directory("sort");
  builder.directory("sort/a");
  for (const char* path : {"sort/a/x", "sort/a.b", "sort/a b", "sort/a-", "sort/ab", "sort/A"}) {
    builder.file(path, 7);
  }
}

void make_modes(Builder& builder) {
  builder.directory("modes");
  builder.file("modes/empty", 0);
  // Only root can read it, and so back it up.
  if (geteuid() == 0) builder.file("modes/nobody-may", 5, 0000);
  builder.file("modes/read-only", 5, 0444);
  builder.file("modes/setuid", 5, 04755);
  builder.file("modes/setgid", 5, 02755);
  builder.file("modes/foreign", 5);
  builder.owner("modes/foreign", 1234, 4321);
  builder.file("modes/foreign-setuid", 5);
  builder.owner("modes/foreign-setuid", 1234, 4321, 06755);
  builder.directory("modes/sticky", 01777);
  builder.directory("modes/setgid-directory", 02775);
  builder.directory("modes/closed", 0555);
  builder.file("modes/closed/inside", 5);
  builder.directory("modes/empty-directory", 0700);
  builder.directory("times");
  builder.file("times/1901", 1);
  builder.stamp("times/1901", -2'147'483'648, 0);
  builder.file("times/just-before-1970", 1);
  builder.stamp("times/just-before-1970", -1, 999'999'999);
  builder.file("times/1970", 1);
  builder.stamp("times/1970", 0, 0);
  builder.file("times/2100", 1);
  builder.stamp("times/2100", 4'102'444'800, 5);
}

void make_links(Builder& builder) {
  builder.directory("links");
  builder.directory("links/below");
  builder.symlink("nowhere", "links/dangling");
  builder.symlink("/etc/passwd", "links/absolute");
  builder.symlink("..", "links/upwards");
  builder.symlink("below", "links/to-directory");
  builder.symlink("new\nline \xff", "links/odd");
  builder.symlink(std::string(4095, 't'), "links/longest");
  builder.owner("links/dangling", 1234, 4321);
  builder.file("links/first", 5000);
  builder.hard_link("links/first", "links/below/second");
  builder.hard_link("links/first", "links/third");
  builder.hard_link("links/odd", "links/odd-too");
  builder.node("links/pipe", S_IFIFO | 0640U);
  builder.hard_link("links/pipe", "links/pipe-too");
  builder.directory("nodes");
  builder.node("nodes/fifo", S_IFIFO | 0600U);
  builder.node("nodes/null", S_IFCHR | 0666U, makedev(1, 3));
  builder.node("nodes/block", S_IFBLK | 0660U, makedev(259, 70'000));
}

void make_contents(Builder& builder, bool huge) {
  constexpr std::uint64_t kMiB = 1 << 20U;
  builder.directory("contents");
  builder.file("contents/one-byte", 1);
  builder.file("contents/page", 4096);
  builder.file("contents/large", 3 * kMiB + 17);
  builder.pieces("contents/zeros", 200'000, {{0, Bytes(200'000)}});
  builder.directory("holes");
  builder.pieces("holes/only", 10 * kMiB, {});
  builder.pieces("holes/first", 2 * kMiB + 100, {{2 * kMiB, filled(100, 'x')}});
  builder.pieces("holes/last", 3 * kMiB, {{0, filled(5000, 'y')}});
  builder.pieces("holes/between", 5 * kMiB,
                 {{0, filled(4096, 'a')}, {kMiB, filled(70'000, 'b')}, {4 * kMiB, filled(9, 'c')}});
  if (huge) {
    builder.pieces("holes/huge", 20'480 * kMiB,
                   {{kMiB, filled(4096, 'h')}, {20'000 * kMiB, filled(4096, 'H')}});
  }
}

void make_attributes(Builder& builder) {
  builder.directory("attributes");
  builder.directory("attributes/directory");
  builder.file("attributes/file", 100);
  builder.file("attributes/acl", 100, 0674);
  builder.file("attributes/capability", 100, 0755);
  for (const char* path : {"attributes/file", "attributes/directory"}) {
    builder.attribute(path, "user.text", as_bytes("a comment"));
    builder.attribute(path, "user.empty", {});
    builder.attribute(path, "user.binary", as_bytes(std::string_view("\0\xff\n\0", 4)));
    builder.attribute(path, "user.large", filled(2000, 'v'));
    builder.attribute(path, "trusted.for-root", as_bytes("secret"));
  }
  builder.attribute("attributes/acl", "system.posix_acl_access", acl(1234, 5));
  builder.attribute("attributes/directory", "system.posix_acl_access", acl(1234, 7));
  builder.attribute("attributes/directory", "system.posix_acl_default", acl(4321, 3));
  builder.file("attributes/directory/heir", 10);
  // cap_net_bind_service, permitted and effective, in the second version of the kernel's layout.
  const std::array<std::uint32_t, 5> capability{0x02000001, 1U << 10U, 0, 0, 0};
  builder.attribute("attributes/capability", "security.capability",
                    std::as_bytes(std::span(capability)));
  builder.symlink("file", "attributes/symlink");
  builder.attribute("attributes/symlink", "trusted.on-a-link", as_bytes("1"));
  builder.stamp("attributes/directory/heir", kBaseTime_s, 3);
}

}  // namespace

void make_nasty_tree(const std::filesystem::path& root, const NastyTreeOptions& options) {
  Builder builder(root, options.seed);
  make_names(builder);
  make_modes(builder);
  make_links(builder);
  make_contents(builder, options.huge_sparse_file);
  make_attributes(builder);
  builder.deep(options.depth);
  builder.stamp_directories();
}

}  // namespace salvor::testing
