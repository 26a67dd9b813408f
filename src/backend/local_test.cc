#include "backend/local.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <vector>

#include "backend/internal/directory_cache.h"
#include "backend/internal/medium_error.h"
#include "base/fd.h"
#include "testing/seeded_rng.h"

namespace salvor::backend {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kPlenty = std::uint64_t{64} << 20;

std::optional<ErrorCode> error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

std::vector<std::string> names_in(Backend& backend, const std::string& prefix = {}) {
  std::vector<std::string> names;
  backend.list(prefix, "", [&](const Object& object) { names.push_back(object.name); });
  return names;
}

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(lstat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

/// Every file below `root`, as sorted relative paths.
std::vector<std::string> files_below(const fs::path& root) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_directory()) files.push_back(entry.path().lexically_relative(root));
  }
  std::sort(files.begin(), files.end());
  return files;
}

class LocalTest : public ::testing::Test {
 protected:
  const TemporaryDirectory scratch_{fs::temp_directory_path()};
  const fs::path root_ = scratch_.path() / "repo";
};

/// The same for each way of placing objects.
class LocalPlacingTest : public LocalTest, public ::testing::WithParamInterface<Placing> {
 protected:
  std::unique_ptr<Backend> open() { return create_local(root_, {.first = GetParam()}); }
};

std::string name_of_placing(const ::testing::TestParamInfo<Placing>& info) {
  switch (info.param) {
    case Placing::unnamed:
      return "unnamed";
    case Placing::linked:
      return "linked";
    case Placing::renamed:
      return "renamed";
  }
  return {};
}

INSTANTIATE_TEST_SUITE_P(Placings, LocalPlacingTest,
                         ::testing::Values(Placing::unnamed, Placing::linked, Placing::renamed),
                         name_of_placing);

TEST_F(LocalTest, a_directory_that_is_not_there_is_not_found) {
  try {
    open_local(root_);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_NE(error.message().find(root_.native()), std::string::npos);
    EXPECT_NE(error.hint().find("`salvor init`"), std::string::npos);
  }
  EXPECT_FALSE(fs::exists(root_));
}

TEST_F(LocalTest, a_file_is_no_repository) {
  open_file(root_, O_CREAT | O_WRONLY);
  EXPECT_EQ(error_of([&] { open_local(root_); }), ErrorCode::failed);
  EXPECT_EQ(error_of([&] { create_local(root_); }), ErrorCode::failed);
}

TEST_F(LocalTest, objects_outlive_the_backend) {
  create_local(root_ / "deep" / "down" / "")->put_if_absent("a/b", as_bytes("x"));
  const auto again = open_local(root_ / "deep" / "down");
  EXPECT_EQ(again->get("a/b", 1), to_bytes("x"));
  EXPECT_EQ(again->location(), (root_ / "deep" / "down").native());
  EXPECT_GT(again->free_bytes(), 0U);
}

TEST_F(LocalTest, a_bad_place_is_damage_and_a_medium_that_is_gone_is_not) {
  create_local(root_)->put_if_absent("packs/good", Bytes(1000));
  create_local(root_)->put_if_absent("packs/bad", Bytes(1000));
  bool all_are_bad = false;
  LocalOptions options;
  options.read_fault = [&](const std::string& name, std::uint64_t offset, std::size_t bytes) {
    if (all_are_bad) return EIO;
    return name == "packs/bad" && offset <= 500 && offset + bytes > 500 ? EIO : 0;
  };
  const auto backend = open_local(root_, options);
  EXPECT_EQ(error_of([&] { backend->get("packs/bad", kPlenty); }), ErrorCode::corruption);
  Bytes part(500);
  EXPECT_EQ(backend->get_range("packs/bad", 0, part), 500U);
  EXPECT_EQ(error_of([&] { backend->get_range("packs/bad", 400, part); }), ErrorCode::corruption);
  EXPECT_EQ(backend->get("packs/good", kPlenty).size(), 1000U);
  all_are_bad = true;
  EXPECT_EQ(error_of([&] { backend->get("packs/bad", kPlenty); }), ErrorCode::unreachable);
  EXPECT_EQ(error_of([&] { backend->get("packs/good", kPlenty); }), ErrorCode::unreachable);
}

TEST_F(LocalTest, an_error_that_does_not_come_again_is_none) {
  create_local(root_)->put_if_absent("packs/a", Bytes(1000));
  create_local(root_)->put_if_absent("packs/b", Bytes(1000));
  int errors = 1;
  LocalOptions options;
  options.read_fault = [&](const std::string&, std::uint64_t, std::size_t) {
    return errors-- > 0 ? EIO : 0;
  };
  EXPECT_EQ(open_local(root_, options)->get("packs/a", kPlenty).size(), 1000U);
}

TEST_P(LocalPlacingTest, only_the_owner_has_access) {
  const mode_t before = umask(0);
  open()->put_if_absent("packs/ab/x", as_bytes("x"));
  umask(before);
  for (const char* directory : {"", "packs", "packs/ab"}) {
    EXPECT_EQ(mode_of(root_ / directory), 0700U) << directory;
  }
  EXPECT_EQ(mode_of(root_ / "packs/ab/x"), 0600U);
}

TEST_P(LocalPlacingTest, puts_leave_nothing_else_behind) {
  const auto backend = open();
  for (int i = 0; i < 2; ++i) {
    backend->put_if_absent("a/b", as_bytes("x"));
    backend->put_if_absent("c", as_bytes("y"));
  }
  EXPECT_EQ(files_below(root_), (std::vector<std::string>{"a/b", "c"}));
}

TEST_F(LocalTest, files_that_are_no_objects_are_left_alone) {
  const auto backend = create_local(root_);
  backend->put_if_absent("packs/a", as_bytes("x"));
  for (const char* name : {"README", "packs/A", "packs/a~", "tmp/mine", "lost+found/x"}) {
    make_private_directories((root_ / name).parent_path());
    write_file_atomically(root_ / name, as_bytes("foreign"));
  }
  ASSERT_EQ(mkfifo((root_ / "packs/fifo").c_str(), 0600), 0);
  const auto files = files_below(root_);
  const auto again = open_local(root_);
  EXPECT_EQ(names_in(*again), std::vector<std::string>{"packs/a"});
  EXPECT_EQ(again->size("packs/fifo"), std::nullopt);
  EXPECT_EQ(error_of([&] { again->get("packs/fifo", 1); }), ErrorCode::not_found);
  EXPECT_EQ(files_below(root_), files);
}

TEST_P(LocalPlacingTest, what_stands_in_the_way_is_reported_not_replaced) {
  const auto backend = open();
  backend->put_if_absent("a/b", as_bytes("x"));
  fs::create_symlink("b", root_ / "a/link");
  ASSERT_EQ(mkfifo((root_ / "a/fifo").c_str(), 0600), 0);
  for (const char* name : {"a", "a/b/c", "a/link", "a/fifo"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(error_of([&] { backend->put_if_absent(name, as_bytes("y")); }), ErrorCode::failed);
  }
  EXPECT_EQ(backend->get("a/b", 1), to_bytes("x"));
  EXPECT_EQ(files_below(root_), (std::vector<std::string>{"a/b", "a/fifo", "a/link"}));
}

TEST_F(LocalTest, links_out_of_the_repository_are_not_followed) {
  const fs::path outside = scratch_.path() / "outside";
  make_private_directories(outside);
  write_file_atomically(outside / "secret", as_bytes("s"));
  const auto backend = create_local(root_);
  fs::create_symlink(outside / "secret", root_ / "file");
  EXPECT_EQ(error_of([&] { backend->get("file", 10); }), ErrorCode::not_found);
  EXPECT_EQ(backend->size("file"), std::nullopt);
  EXPECT_EQ(names_in(*backend), std::vector<std::string>{});

  fs::create_directory_symlink(outside, root_ / "packs");
  EXPECT_EQ(error_of([&] { backend->get("packs/secret", 10); }), ErrorCode::failed);
  EXPECT_EQ(error_of([&] { backend->put_if_absent("packs/x", as_bytes("x")); }), ErrorCode::failed);
  EXPECT_EQ(error_of([&] { backend->remove("packs/secret"); }), ErrorCode::failed);
  EXPECT_EQ(error_of([&] { names_in(*backend); }), ErrorCode::failed);
  EXPECT_EQ(error_of([&] { names_in(*backend, "packs/"); }), ErrorCode::failed);
  EXPECT_EQ(files_below(outside), std::vector<std::string>{"secret"});
}

TEST_P(LocalPlacingTest, directories_may_be_removed_and_replaced_by_others) {
  const auto backend = open();
  backend->put_if_absent("packs/ab/x", as_bytes("old"));
  EXPECT_EQ(backend->get("packs/ab/x", 10), to_bytes("old"));

  fs::remove_all(root_ / "packs");
  EXPECT_EQ(backend->size("packs/ab/x"), std::nullopt);
  fs::remove_all(root_ / "tmp");
  EXPECT_EQ(backend->put_if_absent("packs/ab/x", as_bytes("new")), PutResult::created);
  EXPECT_EQ(backend->put_if_absent("packs/cd/y", as_bytes("new")), PutResult::created);
  fs::remove_all(root_ / "packs");
  EXPECT_EQ(backend->put_if_absent("packs/ef/z", as_bytes("new")), PutResult::created);
  EXPECT_EQ(backend->put_if_absent("packs/ab/x", as_bytes("new")), PutResult::created);

  fs::rename(root_ / "packs", root_ / "aside");
  make_private_directories(root_ / "packs/ab");
  write_file_atomically(root_ / "packs/ab/copied", as_bytes("c"));
  EXPECT_EQ(backend->get("packs/ab/copied", 10), to_bytes("c"));
  EXPECT_EQ(names_in(*backend, "packs/ab/"), std::vector<std::string>{"packs/ab/copied"});
  EXPECT_EQ(backend->size("packs/ab/x"), std::nullopt);
}

TEST_F(LocalTest, what_dead_writers_left_is_removed_what_living_ones_hold_is_not) {
  create_local(root_);
  make_private_directories(root_ / "tmp");
  for (const char* name : {"put-1", "put-2", "other"}) {
    write_file_atomically(root_ / "tmp" / name, as_bytes("half an obj"));
  }
  {
    const Fd living = open_file(root_ / "tmp/put-2", O_RDWR);
    ASSERT_EQ(flock(living.get(), LOCK_EX), 0);
    open_local(root_);
    EXPECT_EQ(files_below(root_), (std::vector<std::string>{"tmp/other", "tmp/put-2"}));
  }
  open_local(root_);
  EXPECT_EQ(files_below(root_), (std::vector<std::string>{"tmp/other"}));
}

TEST_F(LocalTest, media_that_do_not_answer_are_unreachable) {
  for (const int error : {EIO, ESTALE, ENOTCONN, ETIMEDOUT}) {
    try {
      throw_medium_error("cannot read", "x\n", error);
    } catch (const Error& caught) {
      EXPECT_EQ(caught.code(), ErrorCode::unreachable);
      EXPECT_TRUE(caught.retryable());
      EXPECT_EQ(caught.message(), "cannot read x\\x0a: " + errno_text(error));
    }
  }
  try {
    throw_medium_error("cannot write", "x", ENOSPC);
  } catch (const Error& caught) {
    EXPECT_EQ(caught.code(), ErrorCode::no_space);
    EXPECT_FALSE(caught.retryable());
  }
}

TEST_F(LocalTest, what_a_medium_takes_nothing_new_for) {
  const auto error_for = [](int error) -> Error {
    try {
      throw_write_error("cannot create", "x", error);
    } catch (const Error& caught) {
      return caught;
    }
  };
  for (const int error : {EROFS, ENOSPC, EDQUOT, EACCES, EPERM}) {
    EXPECT_TRUE(error_for(error).unwritable()) << errno_text(error);
    EXPECT_FALSE(error_for(error).hint().empty()) << errno_text(error);
    EXPECT_TRUE(error_for(error).with_context("more").unwritable());
  }
  EXPECT_EQ(error_for(EROFS).code(), ErrorCode::failed);
  EXPECT_EQ(error_for(EDQUOT).code(), ErrorCode::no_space);
  for (const int error : {EIO, ENOTDIR, ELOOP, ENAMETOOLONG, EFBIG}) {
    EXPECT_FALSE(error_for(error).unwritable()) << errno_text(error);
  }
  EXPECT_TRUE(error_for(EIO).retryable());
}

TEST_F(LocalTest, more_directories_than_are_kept_open) {
  make_private_directories(root_);
  const auto open_files = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), {}); };
  const auto before = open_files();
  DirectoryCache cache(open_file(root_, O_RDONLY | O_DIRECTORY), root_, 3);
  const auto first = cache.make("d/0");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(cache.make("d/" + std::to_string(i)));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(cache.find("d/" + std::to_string(i)));
  EXPECT_FALSE(cache.find("d/20"));
  EXPECT_FALSE(cache.drop_if_stale("d/0", first));
  EXPECT_LT(open_files() - before, 10);
}

/// A file system of 2 MiB, for as long as the object lives.
class SmallFileSystem {
 public:
  explicit SmallFileSystem(const fs::path& path) : path_(path) {
    make_private_directories(path);
    mounted_ = mount("none", path.c_str(), "tmpfs", 0, "size=2m,mode=0700") == 0;
  }
  SmallFileSystem(const SmallFileSystem&) = delete;
  SmallFileSystem& operator=(const SmallFileSystem&) = delete;
  ~SmallFileSystem() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  const fs::path path_;
  bool mounted_ = false;
};

TEST_P(LocalPlacingTest, a_full_medium_keeps_what_it_has) {
  const SmallFileSystem small(root_);
  if (!small.mounted()) GTEST_SKIP() << "may not mount a file system here";
  const auto backend = open();
  const auto content = [](int i) {
    return testing::SeededRng(static_cast<std::uint64_t>(i)).bytes(300'000);
  };
  const auto name = [](int i) { return "packs/" + std::to_string(i); };
  int stored = 0;
  const auto fill = [&] {
    for (; stored < 20; ++stored) backend->put_if_absent(name(stored), content(stored));
  };
  EXPECT_EQ(error_of(fill), ErrorCode::no_space);
  ASSERT_GE(stored, 5);
  ASSERT_LE(stored, 6);
  EXPECT_EQ(backend->size(name(stored)), std::nullopt);
  EXPECT_EQ(files_below(root_).size(), static_cast<std::size_t>(stored));
  for (int i = 0; i < stored; ++i) EXPECT_EQ(backend->get(name(i), kPlenty), content(i));
  EXPECT_LT(backend->free_bytes(), 300'000U);
  EXPECT_FALSE(backend->why_unwritable()) << "there is room for a block";
  EXPECT_EQ(error_of([&] {
              for (int i = 0; i < 1000; ++i) {
                backend->put_if_absent("small/" + std::to_string(i), Bytes(4096));
              }
            }),
            ErrorCode::no_space);
  const auto why = backend->why_unwritable();
  ASSERT_TRUE(why);
  EXPECT_TRUE(why->unwritable());
  EXPECT_NE(why->message().find(root_.native() + " can't be written to"), std::string::npos);

  backend->remove(name(0));
  EXPECT_EQ(backend->put_if_absent(name(stored), content(stored)), PutResult::created);
  EXPECT_EQ(backend->get(name(stored), kPlenty), content(stored));
}

std::string name_of(std::uint64_t i) {
  return "packs/" + std::to_string(i % 7) + "/" + std::to_string(i);
}

Bytes content_of(std::uint64_t i) {
  testing::SeededRng rng(i);
  return rng.bytes(1 + rng.below(400'000));
}

/// In the child: puts from `first` on, and tells of each that is done. Never returns.
[[noreturn]] void put_for_ever(Backend& backend, std::uint64_t first, int told) {
  for (std::uint64_t i = first;; ++i) {
    if (backend.put_if_absent(name_of(i), content_of(i)) != PutResult::created) _exit(1);
    if (write(told, "x", 1) != 1) _exit(2);
  }
}

/// Kills a writer after it has told of `puts` objects. Returns how many there must be at least.
std::uint64_t run_and_kill(Backend& backend, std::uint64_t first, std::uint64_t puts) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t child = fork();
  if (child == 0) put_for_ever(backend, first, writer.get());
  writer.close();
  std::byte told{};
  for (std::uint64_t i = 0; i < puts; ++i) {
    if (read_some(reader.get(), {&told, 1}, "pipe") != 1) break;
  }
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << status;
  // What it told of before the signal reached it.
  while (read_some(reader.get(), {&told, 1}, "pipe") == 1) ++puts;
  return first + puts;
}

TEST_P(LocalPlacingTest, a_killed_writer_leaves_whole_objects_and_nothing_else) {
  testing::SeededRng rng(testing::test_seed());
  std::uint64_t first = 0;
  for (int round = 0; round < 12; ++round) {
    const std::uint64_t told = run_and_kill(*open(), first, 1 + rng.below(12));
    const auto backend = open_local(root_, {GetParam()});
    std::vector<std::string> names = names_in(*backend);
    EXPECT_EQ(files_below(root_), names);
    // The last one may have come to its name without being told of.
    ASSERT_GE(names.size(), told);
    ASSERT_LE(names.size(), told + 1);
    for (std::uint64_t i = 0; i < names.size(); ++i) {
      ASSERT_EQ(backend->get(name_of(i), kPlenty), content_of(i)) << name_of(i);
    }
    first = names.size();
  }
}

}  // namespace
}  // namespace salvor::backend
