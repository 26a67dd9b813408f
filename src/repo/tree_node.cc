#include <algorithm>
#include <cstring>

#include "codec/wire.h"
#include "repo/format.h"
#include "repo/internal/node.h"

namespace salvor::repo {
namespace {

constexpr std::uint8_t kNodeVersion = 1;
constexpr std::size_t kRecordBytesMin = 4;

std::size_t shared_prefix(ByteView a, ByteView b) {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t length = 0;
  while (length < most && a[length] == b[length]) ++length;
  return length;
}

/// The key of the next record: what it shares with `before`, and the rest.
/// `left`: how many bytes all keys may still have: prefixes make much of a few bytes.
Bytes read_key(codec::WireReader& reader, const Bytes& before, std::size_t& left) {
  const std::uint64_t shared = reader.varint_max(before.size());
  const ByteView rest = reader.bytes(kKeyBytesMax);
  Bytes key;
  key.reserve(shared + rest.size());
  key.insert(key.end(), before.begin(), before.begin() + static_cast<std::ptrdiff_t>(shared));
  key.insert(key.end(), rest.begin(), rest.end());
  if (key.size() > kKeyBytesMax) reader.fail("has a key that is too long");
  if (key.size() > left) reader.fail("has keys that are too long");
  left -= key.size();
  return key;
}

std::vector<Ref> read_refs(codec::WireReader& reader) {
  std::vector<Ref> refs(reader.varint_max(kRefsPerRecord));
  for (Ref& ref : refs) {
    const std::uint64_t length_and_hole = reader.varint();
    ref.length = length_and_hole >> 1U;
    if ((length_and_hole & 1U) == 0) {
      ref.id = reader.id<ChunkId>();
      if (ref.id.is_zero()) reader.fail("has a chunk without an id");
    }
  }
  return refs;
}

void read_leaf(codec::WireReader& reader, std::uint64_t count, Node& node) {
  static const Bytes kNone;
  node.records.resize(count);
  std::size_t left = kNodeBytesMax;
  const Record* before = nullptr;
  for (Record& record : node.records) {
    record.key = read_key(reader, before == nullptr ? kNone : before->key, left);
    record.offset = reader.varint();
    record.meta = to_bytes(reader.bytes());
    record.refs = read_refs(reader);
    if (before != nullptr && compare(before->key, before->offset, record.key, record.offset) >= 0) {
      reader.fail("is not in order");
    }
    before = &record;
  }
}

void read_inner(codec::WireReader& reader, std::uint64_t count, Node& node) {
  static const Bytes kNone;
  node.children.resize(count);
  std::size_t left = kNodeBytesMax;
  const Child* before = nullptr;
  for (Child& child : node.children) {
    child.first_key = read_key(reader, before == nullptr ? kNone : before->first_key, left);
    child.first_offset = reader.varint();
    child.id = reader.id<ChunkId>();
    child.records = reader.varint();
    child.content_bytes = reader.varint();
    if (before != nullptr && compare(before->first_key, before->first_offset, child.first_key,
                                     child.first_offset) >= 0) {
      reader.fail("is not in order");
    }
    before = &child;
  }
}

}  // namespace

int compare(ByteView key_a, std::uint64_t offset_a, ByteView key_b, std::uint64_t offset_b) {
  const std::size_t common = std::min(key_a.size(), key_b.size());
  if (common != 0) {
    const int order = std::memcmp(key_a.data(), key_b.data(), common);
    if (order != 0) return order;
  }
  if (key_a.size() != key_b.size()) return key_a.size() < key_b.size() ? -1 : 1;
  if (offset_a != offset_b) return offset_a < offset_b ? -1 : 1;
  return 0;
}

NodeEncoder::NodeEncoder(std::uint8_t level) : level_(level) {}

void NodeEncoder::put_key(ByteView key, std::uint64_t offset) {
  const std::size_t shared = shared_prefix(last_key_, key);
  body_.varint(shared);
  body_.bytes(key.subspan(shared));
  body_.varint(offset);
  last_key_.assign(key.begin(), key.end());
  ++count_;
}

void NodeEncoder::add(const Record& record) {
  put_key(record.key, record.offset);
  body_.bytes(record.meta);
  body_.varint(record.refs.size());
  for (const Ref& ref : record.refs) {
    body_.varint(ref.length << 1U | (ref.is_hole() ? 1U : 0U));
    if (!ref.is_hole()) body_.id(ref.id);
  }
}

void NodeEncoder::add(const Child& child) {
  put_key(child.first_key, child.first_offset);
  body_.id(child.id);
  body_.varint(child.records);
  body_.varint(child.content_bytes);
}

Bytes NodeEncoder::finish() {
  codec::WireWriter writer;
  writer.u8(kNodeVersion);
  writer.u8(level_);
  writer.varint(count_);
  writer.raw(body_.view());
  body_.clear();
  last_key_.clear();
  count_ = 0;
  return writer.take();
}

Node decode_node(ByteView bytes, const ChunkId& id) {
  const std::string what = "tree node " + id.hex();
  codec::WireReader reader(bytes, what);
  if (bytes.size() > kNodeBytesMax) reader.fail("is too large");
  if (reader.u8() != kNodeVersion) reader.fail("has an unknown version");
  Node node;
  node.level = reader.u8();
  if (node.level > kLevelMax) reader.fail("has an impossible level");
  const std::uint64_t count = reader.varint_max(reader.left() / kRecordBytesMin + 1);
  if (node.level == 0) {
    read_leaf(reader, count, node);
  } else {
    if (count == 0) reader.fail("has no children");
    read_inner(reader, count, node);
  }
  reader.expect_end();
  return node;
}

}  // namespace salvor::repo
