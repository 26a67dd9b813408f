#include <xxhash.h>

#include "base/error.h"
#include "repo/format.h"
#include "repo/internal/node.h"

namespace salvor::repo {
namespace {

constexpr std::size_t kNodeSizeMin = 8 * 1024;
constexpr std::size_t kNodeSizeMax = 128 * 1024;
/// A node ends with probability size / 32 KiB: 2^64 / 2^15.
constexpr int kLikelihoodShift = 49;

std::uint64_t content_bytes_of(const Record& record) {
  std::uint64_t sum = 0;
  for (const Ref& ref : record.refs) sum += ref.is_hole() ? 0 : ref.length;
  return sum;
}

/// What a reader would refuse must not be written.
void require_readable(const Record& record) {
  const auto refuse = [&](const char* what, std::size_t found, std::size_t most) {
    throw Error(ErrorCode::failed, "cannot keep " + printable(as_text(record.key).substr(0, 200)) +
                                       ": its " + what + " has " + std::to_string(found) +
                                       " bytes, expected at most " + std::to_string(most));
  };
  if (record.key.size() > kKeyBytesMax) refuse("key", record.key.size(), kKeyBytesMax);
  if (record.meta.size() > kMetadataBytesMax) {
    refuse("metadata", record.meta.size(), kMetadataBytesMax);
  }
  SALVOR_ASSERT(record.refs.size() <= kRefsPerRecord);
}

}  // namespace

struct TreeBuilder::Level {
  explicit Level(std::uint8_t level) : encoder(level) {}

  NodeEncoder encoder;
  std::size_t size = 0;  ///< sum of the records' sizes, as docs/format.md counts them
  Child open;            ///< what the parent will say of the node that is being filled
  Child only;            ///< the last node that was closed
  std::size_t closed = 0;
};

TreeBuilder::TreeBuilder(NodeWriter write, std::uint64_t seed)
    : write_(std::move(write)), seed_(seed) {
  levels_.push_back(std::make_unique<Level>(std::uint8_t{0}));
}

TreeBuilder::~TreeBuilder() = default;

bool TreeBuilder::ends_node(Level& level, ByteView key, std::uint64_t offset,
                            std::size_t size) const {
  level.size += size;
  if (level.size < kNodeSizeMin) return false;
  // Else keys of some 32 KiB, each of which ends a node, make levels that never become fewer nodes.
  if (&level != levels_.front().get() && level.encoder.count() < 2) return false;
  if (level.size >= kNodeSizeMax) return true;
  std::uint64_t level_seed = seed_;
  for (std::size_t i = 0; levels_[i].get() != &level; ++i) ++level_seed;
  thread_local Bytes message;
  message.assign(key.begin(), key.end());
  for (int i = 0; i < 8; ++i) message.push_back(static_cast<std::byte>(offset >> (8 * i)));
  const std::uint64_t x = XXH3_64bits_withSeed(message.data(), message.size(), level_seed);
  return x < std::uint64_t{size} << kLikelihoodShift;
}

void TreeBuilder::add(const Record& record) {
  require_readable(record);
  Level& level = *levels_.front();
  if (level.encoder.count() == 0) {
    level.open = {record.key, record.offset, {}, 0, 0};
  }
  level.encoder.add(record);
  ++level.open.records;
  level.open.content_bytes += content_bytes_of(record);
  const std::size_t size = record.key.size() + record.meta.size() + 33 * record.refs.size() + 8;
  if (ends_node(level, record.key, record.offset, size)) close(0);
}

void TreeBuilder::add_child(std::size_t number, const Child& child) {
  if (number == levels_.size()) {
    SALVOR_ASSERT(number <= kLevelMax);  // 2^32 leaves, at two children a node
    levels_.push_back(std::make_unique<Level>(static_cast<std::uint8_t>(number)));
  }
  Level& level = *levels_[number];
  if (level.encoder.count() == 0) level.open = {child.first_key, child.first_offset, {}, 0, 0};
  level.encoder.add(child);
  level.open.records += child.records;
  level.open.content_bytes += child.content_bytes;
  if (ends_node(level, child.first_key, child.first_offset, child.first_key.size() + 48)) {
    close(number);
  }
}

void TreeBuilder::close(std::size_t number) {
  Level& level = *levels_[number];
  level.open.id = write_(level.encoder.finish());
  level.size = 0;
  // The first node of a level waits: if it stays the only one, it is the root.
  if (level.closed == 1) {
    const Child first = std::move(level.only);
    ++level.closed;
    add_child(number + 1, first);
    add_child(number + 1, level.open);
  } else if (level.closed > 1) {
    add_child(number + 1, level.open);
  } else {
    ++level.closed;
    level.only = level.open;
  }
}

TreeRoot TreeBuilder::finish() {
  for (std::size_t number = 0; number < levels_.size(); ++number) {
    Level& level = *levels_[number];
    const bool empty_tree = number == 0 && level.closed == 0;
    if (level.encoder.count() != 0 || empty_tree) close(number);
    if (number + 1 == levels_.size()) {
      SALVOR_ASSERT(level.closed == 1);
      return {level.only.id, level.only.records, level.only.content_bytes};
    }
  }
  SALVOR_ASSERT(false);
  return {};
}

}  // namespace salvor::repo
