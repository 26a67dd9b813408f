#include "repo/internal/index.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "codec/wire.h"

namespace salvor::repo {
namespace {

constexpr std::uint32_t kClaimed = 1;
constexpr std::uint32_t kFirstFrame = 2;
constexpr std::size_t kFirstSlots = 16;

struct Halves {
  std::uint64_t high;
  std::uint64_t low;
};

Halves halves_of(const ChunkId& id) {
  Halves halves{};
  std::memcpy(&halves, id.bytes().data(), sizeof halves);
  return halves;
}

}  // namespace

Index::Index() = default;

Index::Slot& Index::slot_of(std::vector<Slot>& slots, std::uint64_t high, std::uint64_t low) {
  const std::size_t mask = slots.size() - 1;
  std::size_t at = high & mask;
  while (slots[at].frame != 0 && (slots[at].high != high || slots[at].low != low)) {
    at = (at + 1) & mask;
  }
  return slots[at];
}

void Index::grow(Shard& shard) {
  if ((shard.used + 1) * 4 <= shard.slots.size() * 3) return;
  std::vector<Slot> larger(std::max(kFirstSlots, shard.slots.size() * 2));
  for (const Slot& slot : shard.slots) {
    if (slot.frame != 0) slot_of(larger, slot.high, slot.low) = slot;
  }
  shard.slots = std::move(larger);
}

void Index::add(const PackDirectory& directory) {
  std::uint32_t frame_number = 0;
  {
    const std::lock_guard lock(places_mutex_);
    const auto pack_number = static_cast<std::uint32_t>(packs_.size());
    if (!pack_numbers_.emplace(directory.pack.id, pack_number).second) return;
    packs_.push_back(directory.pack);
    frame_number = static_cast<std::uint32_t>(frames_.size()) + kFirstFrame;
    for (const FrameInfo& frame : directory.frames) {
      frames_.push_back({pack_number, frame.offset, frame.stored, frame.content & 0xFFFFFFU,
                         static_cast<std::uint32_t>(frame.type) & 0xFFU});
    }
  }
  for (const FrameInfo& frame : directory.frames) {
    std::uint32_t offset = 0;
    for (const ChunkInfo& chunk : frame.chunks) {
      const auto [high, low] = halves_of(chunk.id);
      Shard& shard = shard_of(chunk.id);
      const std::lock_guard lock(shard.mutex);
      grow(shard);
      Slot& slot = slot_of(shard.slots, high, low);
      if (slot.frame == 0) ++shard.used;
      const Slot place{high, low, frame_number, offset, chunk.length};
      if (slot.frame <= kClaimed) {
        slot = place;
      } else {
        shard.others.push_back(place);
      }
      offset += chunk.length;
    }
    ++frame_number;
  }
}

bool Index::claim(const ChunkId& id) {
  const auto [high, low] = halves_of(id);
  Shard& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  grow(shard);
  Slot& slot = slot_of(shard.slots, high, low);
  if (slot.frame != 0) return false;
  slot = {high, low, kClaimed, 0, 0};
  ++shard.used;
  return true;
}

bool Index::contains(const ChunkId& id) const {
  const auto [high, low] = halves_of(id);
  const Shard& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  if (shard.slots.empty()) return false;
  return slot_of(const_cast<std::vector<Slot>&>(shard.slots), high, low).frame != 0;
}

std::optional<Location> Index::find(const ChunkId& id) const {
  const auto [high, low] = halves_of(id);
  const Shard& shard = shard_of(id);
  Slot slot;
  {
    const std::lock_guard lock(shard.mutex);
    if (shard.slots.empty()) return std::nullopt;
    slot = slot_of(const_cast<std::vector<Slot>&>(shard.slots), high, low);
  }
  if (slot.frame < kFirstFrame) return std::nullopt;
  return location_of(slot);
}

std::vector<Location> Index::others(const ChunkId& id) const {
  const auto [high, low] = halves_of(id);
  const Shard& shard = shard_of(id);
  std::vector<Slot> slots;
  {
    const std::lock_guard lock(shard.mutex);
    for (const Slot& slot : shard.others) {
      if (slot.high == high && slot.low == low) slots.push_back(slot);
    }
  }
  std::vector<Location> places;
  for (const Slot& slot : slots) places.push_back(location_of(slot));
  return places;
}

Location Index::location_of(const Slot& slot) const {
  const std::lock_guard lock(places_mutex_);
  const Frame& frame = frames_[slot.frame - kFirstFrame];
  return Location{packs_[frame.pack], static_cast<FrameType>(frame.type),
                  frame.offset,       frame.stored,
                  frame.content,      slot.offset,
                  slot.length};
}

void Index::drop_claims() {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    std::vector<Slot> kept(shard.slots.size());
    shard.used = 0;
    for (const Slot& slot : shard.slots) {
      if (slot.frame <= kClaimed) continue;
      slot_of(kept, slot.high, slot.low) = slot;
      ++shard.used;
    }
    shard.slots = std::move(kept);
  }
}

bool Index::knows(const PackId& id) const {
  const std::lock_guard lock(places_mutex_);
  return pack_numbers_.contains(id);
}

std::vector<PackInfo> Index::packs() const {
  const std::lock_guard lock(places_mutex_);
  return packs_;
}

std::size_t Index::chunks() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.used;
  }
  return sum;
}

std::string index_run_name(const IndexRunId& id) {
  return "index/" + id.hex();
}

namespace {

struct Entry {
  ChunkId id;
  std::uint32_t frame;
  std::uint32_t offset;
  std::uint32_t length;
};

std::vector<Entry> sorted_entries(const std::vector<PackDirectory>& packs) {
  std::vector<Entry> entries;
  std::uint32_t frame_number = 0;
  for (const PackDirectory& directory : packs) {
    for (const FrameInfo& frame : directory.frames) {
      std::uint32_t offset = 0;
      for (const ChunkInfo& chunk : frame.chunks) {
        entries.push_back({chunk.id, frame_number, offset, chunk.length});
        offset += chunk.length;
      }
      ++frame_number;
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.id < b.id; });
  return entries;
}

std::vector<PackDirectory> decode_packs(codec::WireReader& reader) {
  std::vector<PackDirectory> packs(reader.varint_max(reader.left() / PackId::kSize));
  for (PackDirectory& directory : packs) {
    directory.pack.id = reader.id<PackId>();
    const std::uint8_t kind = reader.u8();
    if (kind != 1 && kind != 2) reader.fail("has a pack of an unknown kind");
    directory.pack.kind = static_cast<PackKind>(kind);
    directory.pack.epoch = reader.varint32();
    directory.pack.size = reader.varint_max(kPackBytesMax);
  }
  return packs;
}

struct FramePlace {
  std::uint32_t pack;
  std::uint32_t frame;
};

std::vector<FramePlace> decode_frames(codec::WireReader& reader,
                                      std::vector<PackDirectory>& packs) {
  constexpr std::size_t kLeastFrameBytes = 5;
  std::vector<FramePlace> places(reader.varint_max(reader.left() / kLeastFrameBytes));
  for (FramePlace& place : places) {
    place.pack = reader.varint32();
    if (place.pack >= packs.size()) reader.fail("has a frame in no pack");
    PackDirectory& directory = packs[place.pack];
    FrameInfo frame;
    frame.offset = reader.varint32();
    frame.stored = reader.varint32();
    frame.content = static_cast<std::uint32_t>(reader.varint_max(kFrameBytesMax));
    frame.type = static_cast<FrameType>(reader.u8());
    if (std::uint64_t{frame.offset} + frame.stored > directory.pack.size) {
      reader.fail("has a frame past the end of its pack");
    }
    place.frame = static_cast<std::uint32_t>(directory.frames.size());
    directory.frames.push_back(std::move(frame));
  }
  return places;
}

/// Chunks come sorted by id; within a frame they belong in order of offset, without a gap.
void arrange(std::vector<PackDirectory>& packs, std::vector<Entry>& entries,
             const std::vector<FramePlace>& places, const codec::WireReader& reader) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.frame != b.frame ? a.frame < b.frame : a.offset < b.offset;
  });
  std::vector<std::uint64_t> filled(places.size());
  for (const Entry& entry : entries) {
    if (entry.offset != filled[entry.frame]) reader.fail("has chunks that do not fill a frame");
    filled[entry.frame] += entry.length;
    const FramePlace& place = places[entry.frame];
    packs[place.pack].frames[place.frame].chunks.push_back({entry.id, entry.length});
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (filled[i] != packs[places[i].pack].frames[places[i].frame].content) {
      reader.fail("has chunks that do not fill a frame");
    }
  }
}

}  // namespace

Bytes encode_index_run(const std::vector<PackDirectory>& packs) {
  codec::WireWriter writer;
  writer.varint(packs.size());
  std::size_t frames = 0;
  for (const PackDirectory& directory : packs) {
    writer.id(directory.pack.id);
    writer.u8(static_cast<std::uint8_t>(directory.pack.kind));
    writer.varint(directory.pack.epoch);
    writer.varint(directory.pack.size);
    frames += directory.frames.size();
  }
  writer.varint(frames);
  for (std::size_t i = 0; i < packs.size(); ++i) {
    for (const FrameInfo& frame : packs[i].frames) {
      writer.varint(i);
      writer.varint(frame.offset);
      writer.varint(frame.stored);
      writer.varint(frame.content);
      writer.u8(static_cast<std::uint8_t>(frame.type));
    }
  }
  const std::vector<Entry> entries = sorted_entries(packs);
  writer.varint(entries.size());
  for (const Entry& entry : entries) {
    writer.id(entry.id);
    writer.varint(entry.frame);
    writer.varint(entry.offset);
    writer.varint(entry.length);
  }
  return writer.take();
}

std::vector<PackDirectory> decode_index_run(ByteView content, std::string_view name) {
  codec::WireReader reader(content, name);
  std::vector<PackDirectory> packs = decode_packs(reader);
  const std::vector<FramePlace> places = decode_frames(reader, packs);
  std::vector<Entry> entries(reader.varint_max(reader.left() / ChunkId::kSize));
  const ChunkId* before = nullptr;
  for (Entry& entry : entries) {
    entry.id = reader.id<ChunkId>();
    entry.frame = reader.varint32();
    entry.offset = reader.varint32();
    entry.length = reader.varint32();
    if (entry.frame >= places.size()) reader.fail("has a chunk in no frame");
    if (before != nullptr && entry.id < *before) reader.fail("is not sorted");
    before = &entry.id;
  }
  reader.expect_end();
  arrange(packs, entries, places, reader);
  return packs;
}

}  // namespace salvor::repo
