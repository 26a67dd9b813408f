#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/remove_tree.h"

namespace salvor {
namespace {

/// False where this user or file system can't.
bool set_immutable(const std::filesystem::path& path, bool on) {
  const Fd fd = open_file(path, O_RDONLY);
  int flags = 0;
  if (ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) != 0) return false;
  flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
  return ioctl(fd.get(), FS_IOC_SETFLAGS, &flags) == 0;
}

// "run as a user who may do that" helps nobody who is root.
TEST(ImmutableTest, AnImmutableFileIsSaidToBeOne) {
  const TemporaryDirectory home("/tmp", "salvor-immutable-");
  const std::filesystem::path file = home.path() / "tree/file";
  make_private_directories(file.parent_path());
  write_file_atomically(file, as_bytes("x"));
  if (!set_immutable(file, true)) GTEST_SKIP() << "chattr +i is not possible here";
  const auto expect_told = [](const auto& action) {
    try {
      action();
      ADD_FAILURE() << "expected an error";
    } catch (const Error& error) {
      EXPECT_NE(error.hint().find("chattr -i"), std::string::npos) << error.hint();
    }
  };
  expect_told([&] { open_file(file, O_RDWR); });
  expect_told([&] { remove_tree(file.parent_path()); });
  EXPECT_TRUE(set_immutable(file, false));
}

}  // namespace
}  // namespace salvor
