#include "stores/disk/listing.h"

#include <dirent.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace salvor::stores::disk {
namespace {

/// What the kernel answers for these names, in one piece.
Bytes kernel_answer(const std::vector<std::string>& names) {
  Bytes answer;
  for (const std::string& name : names) {
    const std::size_t head = offsetof(dirent64, d_name);
    const std::size_t size = (head + name.size() + 1 + 7) / 8 * 8;
    Bytes record(size);
    const std::uint64_t inode = 7;
    const auto length = static_cast<unsigned short>(size);
    std::memcpy(record.data() + offsetof(dirent64, d_ino), &inode, sizeof inode);
    std::memcpy(record.data() + offsetof(dirent64, d_reclen), &length, sizeof length);
    record[offsetof(dirent64, d_type)] = std::byte{DT_REG};
    std::memcpy(record.data() + head, name.data(), name.size());
    answer.insert(answer.end(), record.begin(), record.end());
  }
  return answer;
}

std::vector<std::string> names_of(const Listing& listing) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < listing.size(); ++i) names.emplace_back(listing[i].view());
  return names;
}

// NTFS has 255 UTF-16 units, which are up to 765 bytes; FUSE has 1024 bytes and more.
TEST(ListingTest, KeepsNamesThatAreLongerThanThoseOfExt4) {
  std::vector<std::string> names{"a", std::string(255, 'b'), std::string(256, 'c'),
                                 std::string(765, 'd'), std::string(4095, 'e')};
  bool answered = false;
  Bytes scratch;
  Listing listing;
  const int error = listing.read(
      [&](void* out, std::size_t size) -> ssize_t {
        if (std::exchange(answered, true)) return 0;
        std::vector<std::string> all{".", ".."};
        all.insert(all.end(), names.rbegin(), names.rend());
        const Bytes answer = kernel_answer(all);
        EXPECT_LE(answer.size(), size);
        std::memcpy(out, answer.data(), answer.size());
        return static_cast<ssize_t>(answer.size());
      },
      scratch);
  EXPECT_EQ(error, 0);
  EXPECT_EQ(names_of(listing), names);
  EXPECT_EQ(listing[3].type, DT_REG);
  EXPECT_EQ(listing[3].inode, 7U);
}

TEST(ListingTest, KeepsWhatCameBeforeAnError) {
  int calls = 0;
  Bytes scratch;
  Listing listing;
  const int error = listing.read(
      [&](void* out, std::size_t) -> ssize_t {
        ++calls;
        errno = calls == 1 ? EINTR : EIO;
        if (calls != 2) return -1;
        const Bytes answer = kernel_answer({"x"});
        std::memcpy(out, answer.data(), answer.size());
        return static_cast<ssize_t>(answer.size());
      },
      scratch);
  EXPECT_EQ(error, EIO);
  EXPECT_EQ(names_of(listing), std::vector<std::string>{"x"});
}

}  // namespace
}  // namespace salvor::stores::disk
