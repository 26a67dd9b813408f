#include "stores/entry.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "base/limits.h"

namespace salvor::stores {
namespace {

Entry full_entry() {
  Entry entry;
  entry.kind = EntryKind::symlink;
  entry.mode = 07777;
  entry.uid = 0xFFFFFFFEU;
  entry.gid = 1;
  entry.size = 0x7FFFFFFFFFFFFFFFULL;
  entry.mtime = {-1};
  entry.ctime = {1'700'000'000'123'456'789};
  entry.inode = ~0ULL;
  entry.device = 5;
  entry.rdev = ~0ULL;
  entry.target = to_bytes("../some\nwhere");
  entry.attributes = {{"system.posix_acl_access", to_bytes("abc")}, {"user.empty", {}}};
  entry.unstable = true;
  entry.racy = true;
  return entry;
}

void expect_corruption(const Bytes& bytes) {
  try {
    decode_entry(bytes);
    FAIL() << "decoded " << to_hex(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corruption);
  }
}

TEST(Entry, RoundTrips) {
  EXPECT_EQ(decode_entry(encode(full_entry())), full_entry());
  EXPECT_EQ(decode_entry(encode(Entry{})), Entry{});
}

TEST(Entry, KeepsEveryTime) {
  for (const std::int64_t ns :
       {INT64_MIN, INT64_MIN + 1, std::int64_t{-1'000'000'001}, std::int64_t{-1'000'000'000},
        std::int64_t{-999'999'999}, std::int64_t{0}, std::int64_t{999'999'999}, INT64_MAX}) {
    Entry entry;
    entry.mtime = {ns};
    entry.ctime = {ns};
    EXPECT_EQ(decode_entry(encode(entry)), entry) << ns;
  }
}

TEST(Entry, EveryKindHasAName) {
  for (std::uint8_t kind = 1; kind <= 7; ++kind) {
    Entry entry;
    entry.kind = static_cast<EntryKind>(kind);
    EXPECT_NE(name_of(entry.kind), "unknown");
    EXPECT_EQ(decode_entry(encode(entry)).kind, entry.kind);
  }
}

TEST(Entry, RefusesEveryTruncation) {
  const Bytes bytes = encode(full_entry());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    expect_corruption({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)});
  }
}

TEST(Entry, RefusesWhatEncodeDoesNotMake) {
  Bytes trailing = encode(full_entry());
  trailing.push_back(std::byte{0});
  expect_corruption(trailing);

  for (const auto& [at, value] : {std::pair{0, 0}, {0, 2}, {1, 0}, {1, 8}, {2, 4}}) {
    Bytes bytes = encode(full_entry());
    bytes[static_cast<std::size_t>(at)] = static_cast<std::byte>(value);
    expect_corruption(bytes);
  }

  Entry entry = full_entry();
  std::swap(entry.attributes[0], entry.attributes[1]);
  expect_corruption(encode(entry));  // not sorted
  entry.attributes = {{"user.a", {}}, {"user.a", {}}};
  expect_corruption(encode(entry));  // twice
  entry.attributes = {{"", {}}};
  expect_corruption(encode(entry));
  entry = full_entry();
  entry.kind = EntryKind::file;  // with a target
  expect_corruption(encode(entry));
  entry = full_entry();
  entry.mode = 010000;
  expect_corruption(encode(entry));
}

TEST(Entry, RefusesImpossibleTimes) {
  // mode, uid, gid, size; then seconds and nanoseconds of mtime.
  const Bytes head = {std::byte{1}, std::byte{1}, std::byte{0}, std::byte{0},
                      std::byte{0}, std::byte{0}, std::byte{0}};
  const auto with = [&](std::initializer_list<int> time) {
    Bytes bytes = head;
    for (const int byte : time) bytes.push_back(static_cast<std::byte>(byte));
    // ctime, inode, device, rdev, target, attributes
    bytes.resize(bytes.size() + 7);
    return bytes;
  };
  EXPECT_EQ(decode_entry(with({0, 0xFF, 0x93, 0xEB, 0xDC, 0x03})).mtime.ns, 999'999'999);
  expect_corruption(with({0, 0x80, 0x94, 0xEB, 0xDC, 0x03}));
  expect_corruption(with({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0}));
}

TEST(Entry, SurvivesRandomDamage) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const Bytes good = encode(full_entry());
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = good;
    for (std::uint64_t flips = random() % 4 + 1; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    }
    try {
      // What is accepted has exactly one encoding.
      EXPECT_EQ(encode(decode_entry(bytes)), bytes);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corruption);
    }
  }
}

TEST(Entry, KeysAreInTheOrderOfAWalk) {
  EXPECT_TRUE(key_of_path("").empty());
  EXPECT_EQ(path_of_key(key_of_path("a/b\n/\xff")), "a/b\n/\xff");
  const std::vector<std::string> walk = {"", "A", "a", "a/b", "a/b/c", "a b", "a-", "a.b", "aa"};
  for (std::size_t i = 1; i < walk.size(); ++i) {
    EXPECT_LT(as_text(key_of_path(walk[i - 1])), as_text(key_of_path(walk[i]))) << walk[i];
  }
}

// What beyond_limits() lets through, a reader reads.
TEST(EntryTest, TheLargestEntryCanBeRead) {
  Entry entry;
  entry.kind = EntryKind::symlink;
  entry.mtime = {INT64_MIN};
  entry.ctime = {INT64_MAX};
  entry.size = INT64_MAX;
  entry.inode = entry.device = entry.rdev = UINT64_MAX;
  entry.uid = entry.gid = UINT32_MAX;
  entry.target = Bytes(kPathBytesMax);
  entry.attributes.push_back({std::string(kAttributeNameBytesMax, 'a'), Bytes(kAttributeBytesMax)});
  entry.attributes.push_back({"b", {}});
  while (beyond_limits(entry).empty())
    entry.attributes.back().value.resize(entry.attributes.back().value.size() + 4096);
  entry.attributes.back().value.resize(entry.attributes.back().value.size() - 4096);
  const Bytes bytes = encode(entry);
  EXPECT_LE(bytes.size(), kMetadataBytesMax);
  EXPECT_GT(bytes.size(), kMetadataBytesMax - 8192);
  EXPECT_EQ(decode_entry(bytes), entry);
  Entry large;
  large.attributes.push_back({"a", Bytes(kAttributeBytesMax + 1)});
  EXPECT_FALSE(beyond_limits(large).empty());
  large.attributes = {{std::string(kAttributeNameBytesMax + 1, 'a'), {}}};
  EXPECT_FALSE(beyond_limits(large).empty());
}

}  // namespace
}  // namespace salvor::stores
