#include "base/io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "base/direct_io.h"
#include "base/fd.h"
#include "testing/call_faults.h"
#include "testing/seeded_rng.h"

namespace salvor {
namespace {

using testing::Call;
using testing::CallFault;
using testing::kMovesLess;

class IoTest : public ::testing::Test {
 protected:
  Fd file_of(ByteView content) const {
    Fd fd = open_file(home_.path() / "file", O_RDWR | O_CREAT | O_TRUNC);
    write_all(fd.get(), content, "file");
    return fd;
  }

  testing::SeededRng rng_{testing::test_seed()};
  TemporaryDirectory home_{"/tmp", "salvor-io-"};
};

TEST_F(IoTest, InterruptedAndShortReadsAreContinued) {
  const Bytes content = rng_.bytes(100'000);
  const Fd fd = file_of(content);
  for (const int fault : {EINTR, kMovesLess}) {
    for (const unsigned first : {1U, 2U}) {
      Bytes found(content.size() + 10);
      const CallFault failing(Call::pread, fault, first, 3);
      const ssize_t count = pread_whole(fd.get(), found, 0);
      ASSERT_EQ(count, static_cast<ssize_t>(content.size())) << fault;
      found.resize(content.size());
      EXPECT_TRUE(found == content) << fault;
      EXPECT_GT(failing.met(), 0U);
    }
  }
}

TEST_F(IoTest, InterruptedAndShortWritesAreContinued) {
  const Bytes content = rng_.bytes(100'000);
  for (const int fault : {EINTR, kMovesLess}) {
    const Fd fd = file_of({});
    {
      const CallFault failing(Call::pwrite, fault, 1, 3);
      ASSERT_TRUE(pwrite_whole(fd.get(), content, 0));
    }
    Bytes found(content.size());
    ASSERT_EQ(pread_some(fd.get(), found, 0, "file"), content.size());
    EXPECT_TRUE(found == content) << fault;
  }
}

TEST_F(IoTest, OtherErrorsAreTold) {
  const Fd fd = file_of(rng_.bytes(1000));
  Bytes found(1000);
  {
    const CallFault failing(Call::pread, EIO);
    EXPECT_EQ(pread_whole(fd.get(), found, 0), -1);
    EXPECT_EQ(errno, EIO);
  }
  const CallFault failing(Call::pwrite, ENOSPC);
  EXPECT_FALSE(pwrite_whole(fd.get(), found, 0));
  EXPECT_EQ(errno, ENOSPC);
}

// What a direct read does not bring is not the end of the file.
TEST_F(IoTest, ShortDirectReadsAreContinued) {
  const Bytes content = rng_.bytes(3 * kDirectBlockBytes + 777);
  const Fd fd = file_of(content);
  for (const int fault : {EINTR, kMovesLess}) {
    for (const unsigned first : {1U, 2U, 4U}) {
      // Without the flag (tmpfs has none) the same way is gone.
      set_direct(fd.get(), true);
      Bytes found(content.size() - 100);
      const CallFault failing(Call::pread, fault, first, 1);
      ASSERT_EQ(pread_direct(fd.get(), found, 100), static_cast<ssize_t>(found.size()));
      EXPECT_TRUE(std::equal(found.begin(), found.end(), content.begin() + 100)) << fault;
    }
  }
}

TEST_F(IoTest, DataIsNeverTakenForAHole) {
  constexpr std::uint64_t kMiB = 1U << 20U;
  const Fd fd = file_of({});
  pwrite_all(fd.get(), rng_.bytes(5000), 4 * kMiB, "file");
  set_size(fd.get(), 8 * kMiB, "file");
  const DataRange data = next_data(fd.get(), 0, 8 * kMiB);
  EXPECT_LE(data.start, 4 * kMiB);
  EXPECT_GE(data.end, 4 * kMiB + 5000);
  EXPECT_LE(next_data(fd.get(), 4 * kMiB + 100, 8 * kMiB).start, 4 * kMiB + 100);
  // Where the file system can't say, or fails to: within the hole in front of it, too.
  for (const int error : {EINVAL, EIO, ENOMEM}) {
    const CallFault failing(Call::lseek, error, 1, 1);
    const DataRange all = next_data(fd.get(), 100, 8 * kMiB);
    EXPECT_EQ(all.start, 100U) << error;
    EXPECT_EQ(all.end, 8 * kMiB) << error;
  }
  const CallFault failing(Call::lseek, EINTR, 1, 2);
  EXPECT_EQ(next_data(fd.get(), 0, 8 * kMiB).start, data.start);
}

}  // namespace
}  // namespace salvor
