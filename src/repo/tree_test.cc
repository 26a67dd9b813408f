#include "repo/tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "codec/hash.h"
#include "codec/wire.h"
#include "repo/format.h"
#include "testing/damage.h"

namespace salvor::repo {
namespace {

using testing::Damage;
using testing::SeededRng;
using testing::test_seed;

/// Nodes in memory; their ids are plain SHA-256.
class Nodes {
 public:
  NodeWriter writer() {
    return [this](ByteView node) {
      const ChunkId id{codec::sha256(node)};
      nodes_[id] = to_bytes(node);
      largest_ = std::max(largest_, node.size());
      return id;
    };
  }
  NodeReader reader() {
    return [this](const ChunkId& id) {
      ++reads_;
      return std::make_shared<const Node>(decode_node(nodes_.at(id), id));
    };
  }
  std::size_t count() const { return nodes_.size(); }
  std::size_t largest() const { return largest_; }
  std::size_t take_reads() { return std::exchange(reads_, 0); }
  const Bytes& at(const ChunkId& id) const { return nodes_.at(id); }

 private:
  std::unordered_map<ChunkId, Bytes, IdHash> nodes_;
  std::size_t largest_ = 0;
  std::size_t reads_ = 0;
};

using Place = std::pair<std::string, std::uint64_t>;
using Map = std::map<Place, Record>;

constexpr std::uint64_t kSeed = 0x1234'5678'9abc'def0U;

TreeRoot build(Nodes& nodes, const Map& map) {
  TreeBuilder builder(nodes.writer(), kSeed);
  for (const auto& [place, record] : map) builder.add(record);
  return builder.finish();
}

std::vector<Record> walk(Nodes& nodes, const ChunkId& root) {
  std::vector<Record> found;
  TreeCursor cursor(nodes.reader(), root);
  while (const Record* record = cursor.find_record()) {
    found.push_back(*record);
    cursor.advance();
  }
  return found;
}

Record random_record(SeededRng& rng, std::size_t key_bytes) {
  Record record;
  // Few different bytes, so that prefixes are shared and keys come again.
  for (std::size_t i = 0; i < key_bytes; ++i) {
    record.key.push_back(static_cast<std::byte>(rng.below(4) * 85));
  }
  record.meta = rng.bytes(rng.below(60));
  for (std::uint64_t i = rng.below(4); i > 0; --i) {
    const bool hole = rng.below(5) == 0;
    record.refs.push_back({hole ? ChunkId{} : random_id<ChunkId>(rng), rng.below(1U << 20U)});
  }
  return record;
}

void insert(Map& map, Record record) {
  Place place{std::string(as_text(record.key)), record.offset};
  map.insert_or_assign(std::move(place), std::move(record));
}

Map random_map(SeededRng& rng, std::size_t records) {
  Map map;
  while (map.size() < records) {
    Record record = random_record(rng, 6 + rng.below(30));
    if (rng.below(20) == 0) record.offset = rng.next_u64() >> rng.below(64);
    insert(map, std::move(record));
  }
  return map;
}

void expect_holds(Nodes& nodes, const TreeRoot& root, const Map& map) {
  const std::vector<Record> found = walk(nodes, root.id);
  ASSERT_EQ(found.size(), map.size());
  std::size_t i = 0;
  for (const auto& [place, record] : map) ASSERT_TRUE(found[i++] == record);
  EXPECT_EQ(root.records, map.size());
}

TEST(TreeTest, an_empty_tree_is_one_node_without_records) {
  Nodes nodes;
  const TreeRoot root = build(nodes, {});
  EXPECT_EQ(root.records, 0U);
  EXPECT_EQ(nodes.count(), 1U);
  TreeCursor cursor(nodes.reader(), root.id);
  EXPECT_TRUE(cursor.at_end());
  EXPECT_EQ(cursor.find_record(), nullptr);
  cursor.seek(as_bytes("a"));
  EXPECT_TRUE(cursor.at_end());
}

TEST(TreeTest, holds_what_a_map_holds) {
  SeededRng rng(test_seed());
  for (const std::size_t records : {1U, 2U, 3U, 50U, 200U, 1000U, 20'000U}) {
    Nodes nodes;
    const Map map = random_map(rng, records);
    const TreeRoot root = build(nodes, map);
    expect_holds(nodes, root, map);
    std::uint64_t content = 0;
    for (const auto& [place, record] : map) {
      for (const Ref& ref : record.refs) content += ref.is_hole() ? 0 : ref.length;
    }
    EXPECT_EQ(root.content_bytes, content);
  }
}

TEST(TreeTest, seek_finds_what_lower_bound_finds) {
  SeededRng rng(test_seed());
  Nodes nodes;
  const Map map = random_map(rng, 8000);
  const TreeRoot root = build(nodes, map);
  TreeCursor cursor(nodes.reader(), root.id);
  std::vector<Place> wanted{{"", 0}, {std::string(40, '\xff'), ~0ULL}};
  for (int i = 0; i < 500; ++i) {
    const auto some = std::next(map.begin(), static_cast<std::ptrdiff_t>(rng.below(map.size())));
    wanted.push_back(some->first);
    wanted.push_back({some->first.first, some->first.second + 1});
    wanted.push_back({some->first.first + '\0', 0});
    wanted.push_back({std::string(as_text(random_record(rng, 10).key)), rng.below(3)});
  }
  for (const Place& place : wanted) {
    cursor.seek(as_bytes(place.first), place.second);
    const Record* found = cursor.find_record();
    const auto expected = map.lower_bound(place);
    if (expected == map.end()) {
      EXPECT_EQ(found, nullptr);
    } else {
      ASSERT_NE(found, nullptr);
      EXPECT_TRUE(*found == expected->second);
    }
  }
}

TEST(TreeTest, the_same_content_has_the_same_root_whatever_came_before) {
  SeededRng rng(test_seed());
  Map map = random_map(rng, 5000);
  Nodes nodes;
  const ChunkId root = build(nodes, map).id;
  // Through many other states, and back.
  Map other = map;
  for (int i = 0; i < 30; ++i) {
    for (int j = 0; j < 20; ++j) insert(other, random_record(rng, 9));
    other.erase(std::next(other.begin(), static_cast<std::ptrdiff_t>(rng.below(other.size()))));
    EXPECT_NE(build(nodes, other).id, root);
  }
  EXPECT_EQ(build(nodes, map).id, root);
}

TEST(TreeTest, a_small_change_makes_few_new_nodes) {
  SeededRng rng(test_seed());
  Map map = random_map(rng, 20'000);
  Nodes nodes;
  build(nodes, map);
  const std::size_t before = nodes.count();
  std::next(map.begin(), 10'000)->second.meta.push_back(std::byte{1});
  build(nodes, map);
  // One a level; and one more where a boundary moved.
  EXPECT_LE(nodes.count() - before, 8U);
}

TEST(TreeTest, diff_calls_what_two_maps_differ_in) {
  SeededRng rng(test_seed());
  for (int round = 0; round < 20; ++round) {
    Nodes nodes;
    Map a = random_map(rng, round < 2 ? static_cast<std::size_t>(round) : 1 + rng.below(6000));
    Map b = a;
    for (std::uint64_t i = rng.below(30); i > 0; --i) insert(b, random_record(rng, 8));
    for (std::uint64_t i = rng.below(30); i > 0 && !b.empty(); --i) {
      b.erase(std::next(b.begin(), static_cast<std::ptrdiff_t>(rng.below(b.size()))));
    }
    if (round % 5 == 4) b.erase(b.begin(), std::next(b.begin(), std::ssize(b) / 2));
    std::map<Place, std::pair<bool, bool>> expected;
    for (const auto& [place, record] : a) {
      const auto other = b.find(place);
      if (other == b.end() || !(other->second == record)) {
        expected[place] = {true, other != b.end()};
      }
    }
    for (const auto& [place, record] : b) {
      if (!a.contains(place)) expected[place] = {false, true};
    }
    std::vector<Place> order;
    std::map<Place, std::pair<bool, bool>> found;
    diff_trees(nodes.reader(), build(nodes, a).id, build(nodes, b).id,
               [&](const Record* left, const Record* right) {
                 const Record& any = left != nullptr ? *left : *right;
                 order.emplace_back(as_text(any.key), any.offset);
                 found[order.back()] = {left != nullptr, right != nullptr};
               });
    EXPECT_EQ(found, expected);
    EXPECT_EQ(order.size(), found.size()) << "each difference is told once";
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  }
}

TEST(TreeTest, diff_reads_in_proportion_to_the_difference) {
  SeededRng rng(test_seed());
  Map map = random_map(rng, 20'000);
  Nodes nodes;
  const ChunkId before = build(nodes, map).id;
  std::next(map.begin(), 7000)->second.meta.push_back(std::byte{1});
  const ChunkId after = build(nodes, map).id;
  nodes.take_reads();
  int differences = 0;
  diff_trees(nodes.reader(), before, after, [&](const Record*, const Record*) { ++differences; });
  EXPECT_EQ(differences, 1);
  EXPECT_LE(nodes.take_reads(), 20U);
  diff_trees(nodes.reader(), after, after, [&](const Record*, const Record*) { ++differences; });
  EXPECT_EQ(nodes.take_reads(), 0U);
}

TEST(TreeTest, long_content_goes_on_in_further_records) {
  SeededRng rng(1);
  Map map = random_map(rng, 100);
  std::uint64_t offset = 0;
  const Bytes key = to_bytes("a large file");
  for (int i = 0; i < 40; ++i) {
    Record record{key, offset, i == 0 ? to_bytes("meta") : Bytes{}, {}};
    for (std::size_t j = 0; j < kRefsPerRecord; ++j) {
      record.refs.push_back({random_id<ChunkId>(rng), 1U << 20U});
      offset += record.refs.back().length;
    }
    insert(map, record);
  }
  Nodes nodes;
  const TreeRoot root = build(nodes, map);
  expect_holds(nodes, root, map);
  EXPECT_LE(nodes.largest(), 160U << 10U);
}

TEST(TreeTest, huge_keys_and_metadata_fit) {
  SeededRng rng(2);
  Map map;
  for (int i = 0; i < 12; ++i) {
    Record record = random_record(rng, 60'000);
    record.meta = rng.bytes(70'000);
    insert(map, record);
  }
  insert(map, {Bytes(1U << 20U, std::byte{7}), 0, Bytes(2U << 20U), {}});
  insert(map, {{}, 0, to_bytes("the root"), {}});
  Nodes nodes;
  expect_holds(nodes, build(nodes, map), map);
}

// Keys of some 32 KiB each ended a node, so that no level had fewer nodes than the one below it.
TEST(TreeTest, keys_of_any_length_make_a_tree_that_can_be_read) {
  SeededRng rng(test_seed());
  for (const std::size_t key_bytes :
       {8'000U, 16'300U, 32'000U, 32'600U, 32'767U, 33'000U, 65'536U}) {
    Nodes nodes;
    Map map;
    const std::string head(key_bytes - 10, 'x');
    for (int i = 0; i < 100; ++i) {
      Record record = random_record(rng, 10);
      record.key = to_bytes(head + std::to_string(1'000'000'000 + i));
      insert(map, std::move(record));
    }
    const TreeRoot root = build(nodes, map);
    expect_holds(nodes, root, map);
    EXPECT_LE(TreeCursor(nodes.reader(), root.id).level(), 8) << key_bytes;
  }
}

TEST(TreeTest, what_a_reader_would_refuse_is_not_written) {
  const auto code_of = [](const Record& record) {
    Nodes nodes;
    TreeBuilder builder(nodes.writer(), 1);
    try {
      builder.add(record);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::checks_failed;  // stands for "no error"
  };
  Record record;
  record.key = Bytes(kKeyBytesMax);
  record.meta = Bytes(kMetadataBytesMax);
  EXPECT_EQ(code_of(record), ErrorCode::checks_failed);
  record.key.push_back({});
  EXPECT_EQ(code_of(record), ErrorCode::failed);
  record.key.pop_back();
  record.meta.push_back({});
  EXPECT_EQ(code_of(record), ErrorCode::failed);
}

// The largest record that is written, after as much as a node holds before it is closed.
TEST(TreeTest, the_largest_record_can_be_read) {
  Nodes nodes;
  Map map;
  SeededRng rng(test_seed());
  for (int i = 0; i < 20; ++i) {
    Record record = random_record(rng, 10);
    record.key = to_bytes("a" + std::string(6000, 'k') + std::to_string(100 + i));
    insert(map, std::move(record));
  }
  Record record;
  record.key = to_bytes("b" + std::string(kKeyBytesMax - 1, 'k'));
  record.meta = rng.bytes(kMetadataBytesMax);
  for (std::size_t i = 0; i < kRefsPerRecord; ++i) {
    record.refs.push_back({random_id<ChunkId>(rng), rng.next_u64() >> 1U});
  }
  insert(map, std::move(record));
  expect_holds(nodes, build(nodes, map), map);
}

TEST(TreeTest, nodes_keep_their_bounds) {
  SeededRng rng(test_seed());
  Nodes nodes;
  const TreeRoot root = build(nodes, random_map(rng, 30'000));
  std::size_t leaves = 0;
  std::uint64_t bytes = 0;
  std::vector<ChunkId> open{root.id};
  const NodeReader read = nodes.reader();
  while (!open.empty()) {
    const auto node = read(open.back());
    const std::size_t size = nodes.at(open.back()).size();
    open.pop_back();
    EXPECT_LE(size, 140U << 10U);
    for (const Child& child : node->children) open.push_back(child.id);
    if (node->level == 0) {
      ++leaves;
      bytes += size;
    }
  }
  // About 40 KiB as the format counts; prefixes make it less.
  EXPECT_GT(bytes / leaves, 8U << 10U);
  EXPECT_LT(bytes / leaves, 80U << 10U);
}

TEST(TreeTest, hostile_nodes_are_read_or_refused) {
  SeededRng rng(3);
  Nodes nodes;
  const TreeRoot root = build(nodes, random_map(rng, 3000));
  const Bytes inner = nodes.at(root.id);
  const ChunkId leaf = nodes.reader()(root.id)->children.at(1).id;
  const auto parse = [](ByteView bytes) { decode_node(bytes, {}); };
  testing::expect_survives_damage(inner, parse, Damage::may_pass, test_seed());
  testing::expect_survives_damage(nodes.at(leaf), parse, Damage::may_pass, test_seed());
}

TEST(TreeTest, shared_prefixes_can_not_exhaust_memory) {
  codec::WireWriter writer;
  writer.u8(1);
  writer.u8(0);
  writer.varint(100'000);
  writer.varint(0);
  writer.bytes(Bytes(1'000'000, std::byte{'k'}));
  for (int i = 0; i < 3; ++i) writer.varint(0);
  for (int i = 1; i < 100'000; ++i) {
    writer.varint(1'000'000);
    writer.bytes({});
    writer.varint(static_cast<std::uint64_t>(i));
    writer.varint(0);
    writer.varint(0);
  }
  EXPECT_THROW(decode_node(writer.view(), {}), Error);
}

TEST(TreeTest, nodes_that_contradict_each_other_are_damage) {
  SeededRng rng(4);
  Nodes nodes;
  const TreeRoot root = build(nodes, random_map(rng, 3000));
  const NodeReader read = nodes.reader();
  const auto swapped = [&](const ChunkId& id) {
    auto node = std::make_shared<Node>(*read(id));
    if (node->level > 0) std::swap(node->children[0].id, node->children[1].id);
    return std::shared_ptr<const Node>(node);
  };
  TreeCursor cursor(swapped, root.id);
  EXPECT_THROW(cursor.find_record(), Error);
}

}  // namespace
}  // namespace salvor::repo
