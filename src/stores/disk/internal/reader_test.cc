#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "base/fd.h"
#include "stores/disk/tree.h"
#include "testing/call_faults.h"
#include "testing/seeded_rng.h"
#include "testing/store_copy.h"

namespace salvor::stores::disk {
namespace {

using testing::Call;
using testing::CallFault;

class TreeReaderTest : public ::testing::Test {
 protected:
  void expect_right(const Bytes& content) const {
    TreeSourceOptions options;
    options.root = home_.path();
    const testing::Taken taken = testing::take_all(*make_tree_source(std::move(options)));
    const testing::Taken::Thing* thing = taken.find("file");
    ASSERT_NE(thing, nullptr);
    EXPECT_FALSE(thing->entry.unstable);
    ASSERT_EQ(thing->entry.size, content.size());
    Bytes found(content.size());
    for (const auto& stretch : thing->content) {
      std::copy(stretch.bytes.begin(), stretch.bytes.end(),
                found.begin() + static_cast<std::ptrdiff_t>(stretch.offset));
    }
    EXPECT_TRUE(found == content);
  }
  void write(ByteView content) const {
    const Fd fd = open_file(home_.path() / "file", O_WRONLY | O_CREAT);
    write_all(fd.get(), content, "file");
  }

  testing::SeededRng rng_{testing::test_seed()};
  TemporaryDirectory home_{"/tmp", "salvor-reader-"};
};

// The block before was taken for the one whose reading was interrupted.
TEST_F(TreeReaderTest, InterruptedReadsOfALargeFileChangeNoByte) {
  const Bytes content = rng_.bytes((20U << 20U) + 4099);
  write(content);
  for (const int fault : {EINTR, EINVAL, testing::kMovesLess}) {
    for (const unsigned first : {1U, 2U, 21U}) {
      SCOPED_TRACE(std::to_string(fault) + " from call " + std::to_string(first));
      const CallFault failing(Call::pread, fault, first, 1);
      expect_right(content);
      EXPECT_EQ(failing.met(), 1U);
    }
  }
}

TEST_F(TreeReaderTest, InterruptedReadsOfASparseFileChangeNoByte) {
  Bytes content(3'000'000);
  const Bytes part = rng_.bytes(70'000);
  std::copy(part.begin(), part.end(), content.begin() + 1'000'000);
  const Fd fd = open_file(home_.path() / "file", O_WRONLY | O_CREAT);
  set_size(fd.get(), content.size(), "file");
  pwrite_all(fd.get(), part, 1'000'000, "file");
  for (const Call call : {Call::pread, Call::lseek}) {
    for (const int fault : {EINTR, EINVAL}) {
      if (call == Call::pread && fault == EINVAL) continue;
      for (const unsigned first : {1U, 2U, 3U}) {
        const CallFault failing(call, fault, first, 1);
        expect_right(content);
      }
    }
  }
}

}  // namespace
}  // namespace salvor::stores::disk
