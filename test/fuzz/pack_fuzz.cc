#include <algorithm>
#include <cstring>

#include "backend/memory.h"
#include "base/error.h"
#include "codec/aead.h"
#include "codec/wire.h"
#include "fixed_keys.h"
#include "repo/internal/pack.h"

namespace {

using namespace salvor;

const repo::PackId kPack = fuzz::id_of<repo::PackId>(0x22);
// Small enough for thousands of runs a second.
constexpr std::size_t kFramesBytesMax = 4096;
constexpr std::size_t kFramesOpenedMax = 4;
constexpr std::size_t kContentBytesMax = 1U << 16U;

/// docs/format.md, section 6: sealed as what lies at `offset` of the pack.
Bytes sealed(ByteView plain, repo::PackKind kind, std::uint64_t offset, repo::FrameType type) {
  const repo::Keys& keys = fuzz::fixed_keys();
  codec::WireWriter associated;
  associated.id(keys.repository());
  associated.id(kPack);
  associated.u64(offset);
  associated.u8(static_cast<std::uint8_t>(type));
  Bytes out(plain.size() + codec::kAeadTagBytes);
  codec::Aead(keys.pack_key(kind, 0, kPack).view())
      .seal(plain, associated.view(), codec::counter_nonce(offset), out);
  return out;
}

/// A pack that is right in all but its directory, which is `squeezed`.
Bytes pack_with_directory(ByteView squeezed, std::size_t frames_bytes) {
  const std::uint64_t offset = repo::kPackHeaderBytes + frames_bytes;
  const Bytes directory =
      sealed(squeezed, repo::PackKind::data, offset, repo::FrameType::directory);
  codec::WireWriter pack;
  pack.raw(as_bytes(repo::kPackMagic));
  pack.u8(static_cast<std::uint8_t>(repo::PackKind::data));
  pack.raw(Bytes(3));
  pack.u32(0);
  pack.id(kPack);
  pack.raw(Bytes(frames_bytes));
  pack.raw(directory);
  pack.u32(static_cast<std::uint32_t>(directory.size()));
  pack.u32(0);
  pack.raw(Bytes(24));
  pack.raw(codec::checksum(pack.view()));
  pack.raw(as_bytes(repo::kPackEndMagic));
  pack.raw(Bytes(8));
  return pack.take();
}

/// Both ways to a directory agree, and what they give keeps to the pack.
void read_both_ways(const Bytes& object) {
  const repo::Keys& keys = fuzz::fixed_keys();
  std::optional<repo::PackDirectory> parsed;
  try {
    parsed = repo::parse_pack(keys, kPack, object);
  } catch (const Error&) {
    // It may still have a directory: parse_pack also compares the checksum.
  }
  backend::MemoryBackend backend({{repo::pack_name(kPack), object}});
  std::optional<repo::PackDirectory> read;
  try {
    read = repo::read_directory(backend, keys, kPack);
  } catch (const Error&) {
    SALVOR_ASSERT(!parsed.has_value());
    return;
  }
  SALVOR_ASSERT(!parsed || parsed->frames.size() == read->frames.size());
  Bytes content;
  std::size_t opened = 0;
  for (const repo::FrameInfo& frame : read->frames) {
    SALVOR_ASSERT(frame.offset >= repo::kPackHeaderBytes);
    SALVOR_ASSERT(std::uint64_t{frame.offset} + frame.stored <= object.size());
    if (++opened > kFramesOpenedMax) continue;
    try {
      repo::open_frame(keys, read->pack, frame.type, frame.offset,
                       ByteView(object).subspan(frame.offset, frame.stored), frame.content,
                       content);
      SALVOR_ASSERT(content.size() == frame.content);
    } catch (const Error&) {
      // Nobody has sealed these frames.
    }
  }
}

/// `plain` as the stored bytes of a frame, behind the authentication.
void open_as_frame(ByteView plain, std::uint32_t content_bytes) {
  const repo::PackInfo pack{kPack, repo::PackKind::data, 0, repo::kPackBytesMax};
  const Bytes frame = sealed(plain, pack.kind, repo::kPackHeaderBytes, repo::FrameType::data);
  Bytes content;
  try {
    repo::open_frame(fuzz::fixed_keys(), pack, repo::FrameType::data, repo::kPackHeaderBytes, frame,
                     content_bytes, content);
    SALVOR_ASSERT(content.size() == content_bytes);
  } catch (const Error&) {
    // Most bytes are no zstd frame of that size.
  }
}

}  // namespace

/// Any bytes as a pack; as the directory of a pack, with and without the length in front; or as a
/// frame. The first byte says which, three more are a size.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const std::size_t number =
      data[1] | static_cast<std::size_t>(data[2]) << 8U | static_cast<std::size_t>(data[3]) << 16U;
  const ByteView rest = fuzz::input(data, size).subspan(4);
  switch (data[0] % 4) {
    case 0:
      read_both_ways(to_bytes(rest));
      break;
    case 1:
      // The plain length comes first, little-endian. Above 1 MiB it would only cost time.
      if (rest.size() > 2 && rest[2] > std::byte{0x0F}) return 0;
      if (rest.size() > 3 && rest[3] != std::byte{0}) return 0;
      read_both_ways(pack_with_directory(rest, number % kFramesBytesMax));
      break;
    case 2: {
      codec::WireWriter squeezed;
      squeezed.u32(static_cast<std::uint32_t>(rest.size()));
      squeezed.raw(rest);
      read_both_ways(pack_with_directory(squeezed.view(), number % kFramesBytesMax));
      break;
    }
    default:
      open_as_frame(rest, static_cast<std::uint32_t>(number % kContentBytesMax));
      break;
  }
  return 0;
}
