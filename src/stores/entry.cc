#include "stores/entry.h"

#include <algorithm>

#include "base/limits.h"
#include "codec/wire.h"

namespace salvor::stores {
namespace {

// The byte layout is described in docs/stores/entry.md.
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kFlagUnstable = 1;
constexpr std::uint8_t kFlagRacy = 2;
constexpr std::uint32_t kModeMax = 07777;
constexpr std::uint64_t kSizeMax = 0x7FFFFFFFFFFFFFFFULL;
constexpr std::int64_t kSecond_ns = 1'000'000'000;
/// What encode() takes at most for everything but target and attributes, and for the two lengths of
/// an attribute.
constexpr std::size_t kEntryHeadBytesMax = 256;
constexpr std::size_t kEntryLengthBytesMax = 8;

void write_time(codec::WireWriter& writer, Time time) {
  std::int64_t seconds = time.ns / kSecond_ns;
  std::int64_t ns = time.ns % kSecond_ns;
  if (ns < 0) {
    ns += kSecond_ns;
    --seconds;
  }
  writer.zigzag(seconds);
  writer.varint(static_cast<std::uint64_t>(ns));
}

Time read_time(codec::WireReader& reader) {
  const std::int64_t seconds = reader.zigzag();
  const auto ns = static_cast<std::int64_t>(reader.varint());
  if (ns < 0 || ns >= kSecond_ns) reader.fail("has a time with impossible nanoseconds");
  // The outermost second of either side is only partly representable: __int128 decides exactly.
  const __int128 total = static_cast<__int128>(seconds) * kSecond_ns + ns;
  if (total > INT64_MAX || total < INT64_MIN) reader.fail("has an impossible time");
  return {static_cast<std::int64_t>(total)};
}

EntryKind read_kind(codec::WireReader& reader) {
  const std::uint8_t kind = reader.u8();
  if (kind < static_cast<std::uint8_t>(EntryKind::file) ||
      kind > static_cast<std::uint8_t>(EntryKind::hard_link)) {
    reader.fail("has an unknown kind");
  }
  return static_cast<EntryKind>(kind);
}

std::vector<Attribute> read_attributes(codec::WireReader& reader) {
  const std::uint64_t count = reader.varint_max(kAttributesMax);
  // Each takes at least two lengths and a byte of name: a count beyond that is a lie.
  if (count > reader.left() / 3) reader.fail("has an impossible number of attributes");
  std::vector<Attribute> attributes;
  attributes.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    Attribute attribute;
    attribute.name = reader.text(kAttributeNameBytesMax);
    if (attribute.name.empty() || attribute.name.find('\0') != std::string::npos) {
      reader.fail("has an impossible attribute name");
    }
    if (!attributes.empty() && attributes.back().name >= attribute.name) {
      reader.fail("has attributes that are not sorted");
    }
    attribute.value = to_bytes(reader.bytes(kAttributeBytesMax));
    attributes.push_back(std::move(attribute));
  }
  return attributes;
}

}  // namespace

std::string_view name_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::file:
      return "file";
    case EntryKind::directory:
      return "directory";
    case EntryKind::symlink:
      return "symlink";
    case EntryKind::fifo:
      return "fifo";
    case EntryKind::character_device:
      return "character device";
    case EntryKind::block_device:
      return "block device";
    case EntryKind::hard_link:
      return "hard link";
  }
  return "unknown";
}

Bytes encode(const Entry& entry) {
  codec::WireWriter writer;
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>(entry.kind));
  writer.u8(static_cast<std::uint8_t>((entry.unstable ? kFlagUnstable : 0U) |
                                      (entry.racy ? kFlagRacy : 0U)));
  writer.varint(entry.mode);
  writer.varint(entry.uid);
  writer.varint(entry.gid);
  writer.varint(entry.size);
  write_time(writer, entry.mtime);
  write_time(writer, entry.ctime);
  writer.varint(entry.inode);
  writer.varint(entry.device);
  writer.varint(entry.rdev);
  writer.bytes(entry.target);
  writer.varint(entry.attributes.size());
  for (const Attribute& attribute : entry.attributes) {
    writer.text(attribute.name);
    writer.bytes(attribute.value);
  }
  return writer.take();
}

std::string beyond_limits(const Entry& entry) {
  const auto say = [](const std::string& what, std::size_t found, std::size_t most) {
    return what + ": found " + std::to_string(found) + ", expected at most " + std::to_string(most);
  };
  if (entry.attributes.size() > kAttributesMax) {
    return say("too many extended attributes", entry.attributes.size(), kAttributesMax);
  }
  std::size_t bytes = entry.target.size();
  for (const Attribute& attribute : entry.attributes) {
    if (attribute.name.size() > kAttributeNameBytesMax) {
      return say("the name of an extended attribute is too long (bytes)", attribute.name.size(),
                 kAttributeNameBytesMax);
    }
    if (attribute.value.size() > kAttributeBytesMax) {
      return say("the extended attribute " + printable(attribute.name) + " is too large (bytes)",
                 attribute.value.size(), kAttributeBytesMax);
    }
    bytes += attribute.name.size() + attribute.value.size() + kEntryLengthBytesMax;
  }
  if (bytes + kEntryHeadBytesMax <= kMetadataBytesMax) return {};
  return say("too many extended attributes (bytes)", bytes, kMetadataBytesMax - kEntryHeadBytesMax);
}

Entry decode_entry(ByteView bytes) {
  codec::WireReader reader(bytes, "entry");
  if (reader.u8() != kVersion) reader.fail("has an unknown version");
  Entry entry;
  entry.kind = read_kind(reader);
  const std::uint8_t flags = reader.u8();
  if ((flags & ~(kFlagUnstable | kFlagRacy)) != 0) reader.fail("has unknown flags");
  entry.unstable = (flags & kFlagUnstable) != 0;
  entry.racy = (flags & kFlagRacy) != 0;
  entry.mode = static_cast<std::uint32_t>(reader.varint_max(kModeMax));
  entry.uid = reader.varint32();
  entry.gid = reader.varint32();
  entry.size = reader.varint_max(kSizeMax);
  entry.mtime = read_time(reader);
  entry.ctime = read_time(reader);
  entry.inode = reader.varint();
  entry.device = reader.varint();
  entry.rdev = reader.varint();
  entry.target = to_bytes(reader.bytes(kTargetBytesMax));
  const bool may_have_target =
      entry.kind == EntryKind::symlink || entry.kind == EntryKind::hard_link;
  if (!entry.target.empty() && !may_have_target)
    reader.fail("has a target that its kind can't have");
  entry.attributes = read_attributes(reader);
  reader.expect_end();
  return entry;
}

Bytes key_of_path(std::string_view path) {
  Bytes key = to_bytes(path);
  std::replace(key.begin(), key.end(), std::byte{'/'}, std::byte{0});
  return key;
}

std::string path_of_key(ByteView key) {
  std::string path(as_text(key));
  std::replace(path.begin(), path.end(), '\0', '/');
  return path;
}

}  // namespace salvor::stores
