#include "repo/internal/pack.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "codec/aead.h"
#include "codec/compress.h"
#include "codec/wire.h"
#include "repo/internal/object.h"

namespace salvor::repo {
namespace {

constexpr std::size_t kTailBytes = 64 * 1024;
constexpr std::size_t kFramesPerPackMax = 1U << 20U;

// What the directory takes at most: its seal and counts, and for each frame and chunk.
constexpr std::size_t kDirectoryOverheadBytes = 64;
constexpr std::size_t kDirectoryFrameBytes = 16;
constexpr std::size_t kDirectoryChunkBytes = 36;

struct Footer {
  std::uint32_t directory_bytes = 0;
  std::uint32_t parity_bytes = 0;
  codec::Checksum checksum{};
};

Bytes associated_data(const RepositoryId& repository, const PackId& pack, std::uint64_t offset,
                      FrameType type) {
  codec::WireWriter writer;
  writer.id(repository);
  writer.id(pack);
  writer.u64(offset);
  writer.u8(static_cast<std::uint8_t>(type));
  return writer.take();
}

Bytes header_of(const PackInfo& pack) {
  codec::WireWriter writer;
  writer.raw(as_bytes(kPackMagic));
  writer.u8(static_cast<std::uint8_t>(pack.kind));
  writer.raw(Bytes(3));
  writer.u32(pack.epoch);
  writer.id(pack.id);
  SALVOR_ASSERT(writer.size() == kPackHeaderBytes);
  return writer.take();
}

PackInfo parse_header(const PackId& id, ByteView bytes, std::uint64_t size) {
  const std::string name = pack_name(id);
  codec::WireReader reader(bytes, name);
  if (as_text(reader.raw(kPackMagic.size())) != kPackMagic) throw_damaged(name, "it is no pack");
  const std::uint8_t kind = reader.u8();
  reader.raw(3);
  PackInfo pack{id, static_cast<PackKind>(kind), reader.u32(), size};
  if (kind != 1 && kind != 2) throw_damaged(name, "its kind is unknown");
  if (reader.id<PackId>() != id) throw_damaged(name, "it has the id of another pack");
  return pack;
}

Footer parse_footer(const PackId& id, ByteView bytes) {
  const std::string name = pack_name(id);
  codec::WireReader reader(bytes, name);
  Footer footer;
  footer.directory_bytes = reader.u32();
  footer.parity_bytes = reader.u32();
  const ByteView reserved = reader.raw(24);
  std::memcpy(footer.checksum.data(), reader.raw(16).data(), 16);
  const bool magic = as_text(reader.raw(kPackEndMagic.size())) == kPackEndMagic;
  const ByteView end = reader.raw(8);
  const auto zero = [](std::byte byte) { return byte == std::byte{0}; };
  if (!magic || !std::all_of(reserved.begin(), reserved.end(), zero) ||
      !std::all_of(end.begin(), end.end(), zero)) {
    throw_damaged(name, "it does not end as a pack does");
  }
  return footer;
}

Bytes encode_frames(const std::vector<FrameInfo>& frames) {
  codec::WireWriter writer;
  writer.varint(frames.size());
  for (const FrameInfo& frame : frames) {
    writer.u8(static_cast<std::uint8_t>(frame.type));
    writer.varint(frame.stored);
    writer.varint(frame.content);
    writer.varint(frame.chunks.size());
    for (const ChunkInfo& chunk : frame.chunks) {
      writer.id(chunk.id);
      writer.varint(chunk.length);
    }
  }
  return writer.take();
}

FrameInfo parse_frame(codec::WireReader& reader, std::uint64_t offset, std::uint64_t end) {
  FrameInfo frame;
  frame.type = static_cast<FrameType>(reader.u8());
  frame.offset = static_cast<std::uint32_t>(offset);
  frame.stored = reader.varint32();
  frame.content = static_cast<std::uint32_t>(reader.varint_max(kFrameBytesMax));
  const std::uint64_t chunks = reader.varint_max(reader.left() / ChunkId::kSize);
  std::uint64_t sum = 0;
  frame.chunks.reserve(chunks);
  for (std::uint64_t i = 0; i < chunks; ++i) {
    ChunkInfo chunk{reader.id<ChunkId>(), reader.varint32()};
    sum += chunk.length;
    frame.chunks.push_back(chunk);
  }
  if (sum != frame.content || frame.stored < codec::kAeadTagBytes || frame.stored > end - offset) {
    reader.fail("has a frame that does not add up");
  }
  return frame;
}

/// `sealed` is the stored directory, which lies at `offset`.
PackDirectory open_directory(const Keys& keys, const PackInfo& pack, std::uint64_t offset,
                             ByteView sealed) {
  const std::string name = pack_name(pack.id);
  Bytes squeezed(sealed.size() - codec::kAeadTagBytes);
  const codec::Aead aead(keys.pack_key(pack.kind, pack.epoch, pack.id).view());
  if (!aead.open(sealed, associated_data(keys.repository(), pack.id, offset, FrameType::directory),
                 codec::counter_nonce(offset), squeezed)) {
    throw_damaged(name, "its directory does not authenticate");
  }
  const Bytes plain = unsqueeze(squeezed, kPackBytesMax, name);
  codec::WireReader reader(plain, name);
  PackDirectory directory{pack, {}};
  const std::uint64_t frames = reader.varint_max(kFramesPerPackMax);
  std::uint64_t at = kPackHeaderBytes;
  for (std::uint64_t i = 0; i < frames; ++i) {
    directory.frames.push_back(parse_frame(reader, at, offset));
    at += directory.frames.back().stored;
  }
  reader.expect_end();
  if (at != offset) reader.fail("has frames that do not reach its directory");
  return directory;
}

/// Where the directory lies, checked against the size of the object.
std::uint64_t directory_offset(const PackId& id, const Footer& footer, std::uint64_t size) {
  const std::uint64_t room = size - kPackHeaderBytes - kPackFooterBytes;
  if (std::uint64_t{footer.directory_bytes} + footer.parity_bytes > room ||
      footer.directory_bytes < codec::kAeadTagBytes) {
    throw_damaged(pack_name(id), "its directory has an impossible length");
  }
  return size - kPackFooterBytes - footer.parity_bytes - footer.directory_bytes;
}

void check_size(const PackId& id, std::uint64_t size) {
  if (size < kPackHeaderBytes + kPackFooterBytes + codec::kAeadTagBytes) {
    throw_damaged(pack_name(id), "it is too short");
  }
  if (size > kPackBytesMax) throw_damaged(pack_name(id), "it is too long");
}

}  // namespace

std::string pack_name(const PackId& id) {
  const std::string hex = id.hex();
  return "packs/" + hex.substr(0, 2) + "/" + hex;
}

std::optional<PackId> pack_of_name(std::string_view name) {
  constexpr std::size_t kPrefix = std::string_view("packs/xx/").size();
  if (name.size() <= kPrefix) return std::nullopt;
  const auto id = PackId::parse(name.substr(kPrefix));
  if (!id || pack_name(*id) != name) return std::nullopt;
  return id;
}

std::string set_aside_name(const PackId& id) {
  return kSetAside + id.hex();
}

std::optional<PackId> set_aside_pack(std::string_view name) {
  return PackId::parse(name.substr(std::string_view(kSetAside).size()));
}

OpenPack::OpenPack(const Keys& keys, PackKind kind, const PackId& id, Bytes buffer,
                   std::size_t bytes_max)
    : keys_(keys),
      key_(keys.pack_key(kind, keys.epoch(), id)),
      directory_{{id, kind, keys.epoch(), 0}, {}},
      bytes_(std::move(buffer)),
      directory_bytes_max_(kDirectoryOverheadBytes),
      bytes_max_(bytes_max) {
  if (bytes_.size() < bytes_max) bytes_.resize(bytes_max);
  const Bytes header = header_of(directory_.pack);
  std::memcpy(bytes_.data(), header.data(), header.size());
  used_ = header.size();
}

bool OpenPack::fits(std::size_t plain_bytes, std::size_t chunks) const {
  return empty() || used_ + plain_bytes + codec::kAeadTagBytes + directory_bytes_max_ +
                            kDirectoryFrameBytes + chunks * kDirectoryChunkBytes +
                            kPackFooterBytes <=
                        bytes_max_;
}

std::uint32_t OpenPack::reserve(FrameType type, std::size_t stored_plain, std::size_t content,
                                std::vector<ChunkInfo> chunks) {
  const std::size_t stored = stored_plain + codec::kAeadTagBytes;
  const auto offset = static_cast<std::uint32_t>(used_);
  used_ += stored;
  directory_bytes_max_ += kDirectoryFrameBytes + chunks.size() * kDirectoryChunkBytes;
  SALVOR_ASSERT(used_ <= bytes_.size());
  directory_.frames.push_back({type, offset, static_cast<std::uint32_t>(stored),
                               static_cast<std::uint32_t>(content), std::move(chunks)});
  return offset;
}

void OpenPack::seal(FrameType type, std::uint32_t offset, ByteView stored_plain) {
  codec::Aead(key_.view())
      .seal(stored_plain, associated_data(keys_.repository(), directory_.pack.id, offset, type),
            codec::counter_nonce(offset),
            MutableByteView(bytes_).subspan(offset, stored_plain.size() + codec::kAeadTagBytes));
}

ByteView OpenPack::finish() {
  const Bytes squeezed = squeeze(encode_frames(directory_.frames));
  const std::size_t sealed_bytes = squeezed.size() + codec::kAeadTagBytes;
  const std::size_t size = used_ + sealed_bytes + kPackFooterBytes;
  if (bytes_.size() < size) bytes_.resize(size);
  const auto offset = static_cast<std::uint32_t>(used_);
  seal(FrameType::directory, offset, squeezed);
  codec::WireWriter footer;
  footer.u32(static_cast<std::uint32_t>(sealed_bytes));
  footer.u32(0);
  footer.raw(Bytes(24));
  std::byte* end = bytes_.data() + used_ + sealed_bytes;
  std::memcpy(end, footer.view().data(), footer.size());
  const codec::Checksum sum =
      codec::checksum(ByteView(bytes_).first(used_ + sealed_bytes + footer.size()));
  footer.raw(sum);
  footer.raw(as_bytes(kPackEndMagic));
  footer.raw(Bytes(8));
  SALVOR_ASSERT(footer.size() == kPackFooterBytes);
  std::memcpy(end, footer.view().data(), footer.size());
  directory_.pack.size = size;
  return ByteView(bytes_).first(size);
}

void open_frame(const Keys& keys, const PackInfo& pack, FrameType type, std::uint32_t offset,
                ByteView sealed, std::uint32_t content, Bytes& out) {
  const auto damaged = [&](std::string_view how) {
    throw_damaged(pack_name(pack.id),
                  "the frame at byte " + std::to_string(offset) + " " + std::string(how));
  };
  if (sealed.size() < codec::kAeadTagBytes || content > kFrameBytesMax) {
    damaged("has an impossible length");
  }
  const std::size_t plain_bytes = sealed.size() - codec::kAeadTagBytes;
  const codec::Aead aead(keys.pack_key(pack.kind, pack.epoch, pack.id).view());
  const Bytes associated = associated_data(keys.repository(), pack.id, offset, type);
  out.resize(content);
  if (plain_bytes == content) {
    if (!aead.open(sealed, associated, codec::counter_nonce(offset), out)) {
      damaged("does not authenticate");
    }
    return;
  }
  thread_local Bytes compressed;
  compressed.resize(plain_bytes);
  if (!aead.open(sealed, associated, codec::counter_nonce(offset), compressed)) {
    damaged("does not authenticate");
  }
  if (!codec::decompress(compressed, out)) damaged("does not decompress");
}

PackDirectory read_directory(backend::Backend& backend, const Keys& keys, const PackId& id) {
  const std::string name = pack_name(id);
  const auto size = backend.size(name);
  if (!size) throw Error(ErrorCode::not_found, name + " does not exist");
  check_size(id, *size);
  Bytes header(kPackHeaderBytes);
  if (backend.get_range(name, 0, header) != header.size()) throw_damaged(name, "it is cut short");
  const PackInfo pack = parse_header(id, header, *size);
  Bytes tail(std::min<std::uint64_t>(*size - kPackHeaderBytes, kTailBytes));
  if (backend.get_range(name, *size - tail.size(), tail) != tail.size()) {
    throw_damaged(name, "it is cut short");
  }
  const Footer footer = parse_footer(id, ByteView(tail).last(kPackFooterBytes));
  const std::uint64_t offset = directory_offset(id, footer, *size);
  const std::uint64_t tail_offset = *size - tail.size();
  if (offset >= tail_offset) {
    return open_directory(keys, pack, offset,
                          ByteView(tail).subspan(offset - tail_offset, footer.directory_bytes));
  }
  Bytes sealed(footer.directory_bytes);
  if (backend.get_range(name, offset, sealed) != sealed.size()) {
    throw_damaged(name, "it is cut short");
  }
  return open_directory(keys, pack, offset, sealed);
}

PackDirectory parse_pack(const Keys& keys, const PackId& id, ByteView object) {
  check_size(id, object.size());
  const PackInfo pack = parse_header(id, object.first(kPackHeaderBytes), object.size());
  const Footer footer = parse_footer(id, object.last(kPackFooterBytes));
  const codec::Checksum sum = codec::checksum(object.first(object.size() - 32));
  if (sum != footer.checksum) throw_damaged(pack_name(id), "its checksum does not match");
  const std::uint64_t offset = directory_offset(id, footer, object.size());
  return open_directory(keys, pack, offset, object.subspan(offset, footer.directory_bytes));
}

}  // namespace salvor::repo
