#include "base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"

namespace salvor {
namespace {

class FdTest : public ::testing::Test {
 protected:
  std::filesystem::path path(std::string_view name) const { return directory_.path() / name; }

  std::filesystem::path file(std::string_view name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

  TemporaryDirectory directory_{"/tmp"};
};

bool is_open(int fd) {
  return fcntl(fd, F_GETFD) != -1;
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777U;
}

template <class Call>
Error error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ErrorCode::failed, ""};
}

TEST_F(FdTest, ClosesWhenItGoes) {
  int number = -1;
  {
    const Fd fd = open_file(file("a", "x"), O_RDONLY);
    number = fd.get();
    EXPECT_TRUE(fd);
    EXPECT_TRUE(is_open(number));
    EXPECT_NE(fcntl(number, F_GETFD) & FD_CLOEXEC, 0) << "children must not inherit it";
  }
  EXPECT_FALSE(is_open(number));
}

TEST_F(FdTest, MovingClosesOnlyWhatIsReplaced) {
  Fd first = open_file(file("a", "x"), O_RDONLY);
  Fd second = open_file(path("a"), O_RDONLY);
  const int kept = first.get();
  const int replaced = second.get();
  second = std::move(first);
  EXPECT_EQ(second.get(), kept);
  EXPECT_FALSE(is_open(replaced));
  const int released = second.release();
  EXPECT_FALSE(second.valid());
  EXPECT_TRUE(is_open(released));
  Fd again(released);
  again.close();
  EXPECT_FALSE(is_open(released));
}

TEST_F(FdTest, ErrorsNameThePath) {
  const Error missing = error_of([&] { open_file(path("missing"), O_RDONLY); });
  EXPECT_EQ(missing.code(), ErrorCode::not_found);
  EXPECT_NE(missing.message().find(path("missing").native()), std::string::npos);
  EXPECT_EQ(error_of([&] { read_file(path("missing"), 10); }).code(), ErrorCode::not_found);
  EXPECT_EQ(error_of([&] { read_file(directory_.path(), 10); }).code(), ErrorCode::failed);
}

TEST_F(FdTest, ReadsStopAtTheEndOfTheFileOnly) {
  const Fd fd = open_file(file("a", "0123456789"), O_RDONLY);
  Bytes out(4);
  EXPECT_EQ(read_some(fd.get(), out, "a"), 4U);
  EXPECT_EQ(as_text(out), "0123");
  EXPECT_EQ(pread_some(fd.get(), out, 8, "a"), 2U);
  EXPECT_EQ(as_text(out).substr(0, 2), "89");
  EXPECT_EQ(pread_some(fd.get(), out, 10, "a"), 0U);
  EXPECT_EQ(pread_some(fd.get(), out, 1000, "a"), 0U);
  Bytes rest(100);
  EXPECT_EQ(read_some(fd.get(), rest, "a"), 6U) << "pread does not move the position";
}

TEST_F(FdTest, ReadsWaitForAllOfAPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Fd reader(ends[0]);
  {
    const Fd writer(ends[1]);
    write_all(writer.get(), as_bytes("ab"), "pipe");
    write_all(writer.get(), as_bytes("cd"), "pipe");
  }
  Bytes out(10);
  EXPECT_EQ(read_some(reader.get(), out, "pipe"), 4U);
  EXPECT_EQ(as_text(out).substr(0, 4), "abcd");
}

TEST_F(FdTest, WritesWhereItIsTold) {
  {
    const Fd fd = open_file(path("a"), O_WRONLY | O_CREAT | O_EXCL);
    write_all(fd.get(), as_bytes("head"), "a");
    pwrite_all(fd.get(), as_bytes("tail"), 6, "a");
    sync_file(fd.get(), "a");
  }
  sync_directory(directory_.path());
  const Bytes found = read_file(path("a"), 100);
  EXPECT_EQ(as_text(found), std::string_view("head\0\0tail", 10));
  EXPECT_EQ(mode_of(path("a")), 0600U);
}

TEST_F(FdTest, AFullMediumIsNoSpace) {
  const Fd full = open_file("/dev/full", O_WRONLY);
  const Error error = error_of([&] { write_all(full.get(), as_bytes("x"), "/dev/full"); });
  EXPECT_EQ(error.code(), ErrorCode::no_space);
  EXPECT_NE(error.message().find("/dev/full"), std::string::npos);
}

TEST_F(FdTest, ReadFileHasALimit) {
  file("a", "0123456789");
  EXPECT_EQ(as_text(read_file(path("a"), 10)), "0123456789");
  const Error error = error_of([&] { read_file(path("a"), 9); });
  EXPECT_EQ(error.code(), ErrorCode::failed);
  EXPECT_NE(error.message().find("10 bytes, expected at most 9"), std::string::npos);
  EXPECT_TRUE(read_file(file("empty", ""), 0).empty());
}

TEST_F(FdTest, SecretFilesAreReadTheSameWay) {
  EXPECT_EQ(as_text(read_secret_file(file("a", "passphrase\n"), 4096).view()), "passphrase\n");
  EXPECT_EQ(error_of([&] { read_secret_file(path("a"), 3); }).code(), ErrorCode::failed);
}

std::size_t files_in(const std::filesystem::path& path) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
}

TEST_F(FdTest, AtomicWritesReplaceAndLeaveNothingElse) {
  write_file_atomically(path("a"), as_bytes("old"));
  write_file_atomically(path("a"), as_bytes("the new content"), 0640);
  EXPECT_EQ(as_text(read_file(path("a"), 100)), "the new content");
  EXPECT_EQ(mode_of(path("a")), 0640U);
  EXPECT_EQ(files_in(directory_.path()), 1U);
}

TEST_F(FdTest, AFailedAtomicWriteKeepsTheOldAndCleansUp) {
  std::filesystem::create_directory(path("a"));
  file("a/inside", "x");
  error_of([&] { write_file_atomically(path("a"), as_bytes("a file over a directory")); });
  EXPECT_EQ(as_text(read_file(path("a/inside"), 10)), "x");
  EXPECT_EQ(files_in(directory_.path()), 1U);
  EXPECT_EQ(error_of([&] { write_file_atomically(path("no/b"), as_bytes("x")); }).code(),
            ErrorCode::not_found);
}

TEST_F(FdTest, PrivateDirectoriesAreMadeWhereTheyAreMissing) {
  std::filesystem::create_directory(path("there"));
  std::filesystem::permissions(path("there"), std::filesystem::perms{0755});
  make_private_directories(path("there/a/b"));
  EXPECT_EQ(mode_of(path("there/a/b")), 0700U);
  EXPECT_EQ(mode_of(path("there/a")), 0700U);
  EXPECT_EQ(mode_of(path("there")), 0755U) << "what was there is left alone";
  make_private_directories(path("there/a/b"));
  file("file", "x");
  error_of([&] { make_private_directories(path("file")); });
  error_of([&] { make_private_directories(path("file/below")); });
}

TEST(TemporaryDirectory, IsPrivateAndGoesWithAllInIt) {
  std::filesystem::path path;
  {
    TemporaryDirectory made("/tmp", "salvor-test-");
    const TemporaryDirectory directory(std::move(made));
    path = directory.path();
    EXPECT_TRUE(path.filename().native().starts_with("salvor-test-"));
    EXPECT_EQ(mode_of(path), 0700U);
    std::filesystem::create_directories(path / "a/b");
    std::ofstream(path / "a/b/c") << "x";
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(error_of([&] { TemporaryDirectory below(path); }).code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace salvor
