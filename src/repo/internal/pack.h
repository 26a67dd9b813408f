#pragma once

#include <string>
#include <vector>

#include "backend/backend.h"
#include "repo/internal/keys.h"

/// Packs: immutable objects of many chunks (docs/format.md, section 6).
namespace salvor::repo {

struct ChunkInfo {
  ChunkId id;
  std::uint32_t length = 0;
};

/// Units: bytes; `offset` from the start of the pack, `stored` with the tag.
struct FrameInfo {
  FrameType type = FrameType::data;
  std::uint32_t offset = 0;
  std::uint32_t stored = 0;
  std::uint32_t content = 0;
  std::vector<ChunkInfo> chunks;
};

/// What is needed to read from a pack, besides the keys.
struct PackInfo {
  PackId id;
  PackKind kind = PackKind::data;
  std::uint32_t epoch = 0;
  std::uint64_t size = 0;
};

struct PackDirectory {
  PackInfo pack;
  std::vector<FrameInfo> frames;
};

std::string pack_name(const PackId& id);
std::optional<PackId> pack_of_name(std::string_view name);

/// What a repair leaves of packs: the bytes of one that it has replaced, or nothing, for one that
/// stays in its place, out of the index.
inline constexpr const char* kSetAside = "damaged/";
std::string set_aside_name(const PackId& id);
std::optional<PackId> set_aside_pack(std::string_view name);

/// A pack that is being filled.
/// Threads: reserve() and finish() under the caller's lock; seal() any, each for an offset of its
/// own, between reserve() and finish().
class OpenPack {
 public:
  /// `buffer` is used for the pack's bytes, whatever it holds, to spare an allocation.
  OpenPack(const Keys& keys, PackKind kind, const PackId& id, Bytes buffer, std::size_t bytes_max);

  /// Whether a frame of so many bytes and chunks still fits, with all that finish() adds.
  bool fits(std::size_t plain_bytes, std::size_t chunks) const;
  bool empty() const { return directory_.frames.empty(); }

  /// Makes room for a frame of `stored_plain` bytes (compressed or not), and returns its offset.
  std::uint32_t reserve(FrameType type, std::size_t stored_plain, std::size_t content,
                        std::vector<ChunkInfo> chunks);
  void seal(FrameType type, std::uint32_t offset, ByteView stored_plain);

  /// Adds directory and footer: the whole object.
  ByteView finish();

  const PackDirectory& directory() const { return directory_; }
  Bytes take_buffer() { return std::move(bytes_); }

 private:
  const Keys& keys_;
  Secret key_;
  PackDirectory directory_;
  Bytes bytes_;
  std::size_t used_ = 0;
  std::size_t directory_bytes_max_;  ///< what the directory may take, sealed
  std::size_t bytes_max_;
};

/// Opens one sealed frame into `out`, which is resized to the frame's content.
/// Errors: corruption, naming the pack and the offset.   Threads: any.
void open_frame(const Keys& keys, const PackInfo& pack, FrameType type, std::uint32_t offset,
                ByteView sealed, std::uint32_t content, Bytes& out);

/// Reads a pack's directory from its end.
/// Errors: not_found; corruption.
PackDirectory read_directory(backend::Backend& backend, const Keys& keys, const PackId& id);

/// The same from a whole pack in memory; also compares the checksum of all its bytes.
PackDirectory parse_pack(const Keys& keys, const PackId& id, ByteView object);

}  // namespace salvor::repo
