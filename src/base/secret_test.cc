#include "base/secret.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace salvor {
namespace {

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);
static_assert(std::is_nothrow_move_assignable_v<Secret>);

TEST(Secret, HoldsACopy) {
  Bytes bytes = to_bytes("passphrase");
  const Secret secret{ByteView(bytes)};
  bytes[0] = std::byte{'P'};
  EXPECT_EQ(as_text(secret.view()), "passphrase");
  EXPECT_EQ(secret.size(), 10U);
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(Secret().empty());
}

TEST(Secret, BySizeIsZeroAndCanBeFilled) {
  Secret secret(std::size_t{4});
  EXPECT_EQ(to_hex(secret.view()), "00000000");
  secret.mutable_view()[3] = std::byte{7};
  EXPECT_EQ(to_hex(secret.view()), "00000007");
}

TEST(Secret, MovingLeavesNothingBehind) {
  Secret first(as_bytes("passphrase"));
  const std::byte* where = first.view().data();
  Secret second(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(second.view().data(), where) << "no second copy in memory";
  Secret third(as_bytes("another"));
  third = std::move(second);
  EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(as_text(third.view()), "passphrase");
  EXPECT_EQ(third.view().data(), where);
}

TEST(Secret, ACloneIsItsOwn) {
  Secret first(as_bytes("passphrase"));
  const Secret second = first.clone();
  first.mutable_view()[0] = std::byte{'P'};
  EXPECT_EQ(as_text(second.view()), "passphrase");
}

}  // namespace
}  // namespace salvor
