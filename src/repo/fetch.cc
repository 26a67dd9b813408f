#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "repo/internal/core.h"
#include "repo/internal/object.h"

/// Reading many chunks: each pack in order, neighbouring frames in one request.
namespace salvor::repo {
namespace {

/// A request takes at most this, and reads over gaps that cost less than another request.
constexpr std::uint64_t kRequestBytesMax = 4U << 20U;
constexpr std::uint64_t kGapBytesMax = 64U << 10U;

std::uint64_t end_of(const Location& location) {
  return std::uint64_t{location.frame_offset} + location.frame_stored;
}

}  // namespace

std::vector<FetchGroup> Repository::plan(std::span<const ChunkId> ids) {
  std::vector<Location> locations;
  locations.reserve(ids.size());
  for (const ChunkId& id : ids) locations.push_back(core_->locate(id));
  std::vector<std::uint32_t> order(ids.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const Location& left = locations[a];
    const Location& right = locations[b];
    if (left.pack.id != right.pack.id) return left.pack.id < right.pack.id;
    if (left.frame_offset != right.frame_offset) return left.frame_offset < right.frame_offset;
    return left.offset != right.offset ? left.offset < right.offset : a < b;
  });
  std::vector<FetchGroup> groups;
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  const Location* before = nullptr;
  for (const std::uint32_t place : order) {
    const Location& location = locations[place];
    const bool joins = before != nullptr && before->pack.id == location.pack.id &&
                       location.frame_offset <= end + kGapBytesMax &&
                       end_of(location) - start <= kRequestBytesMax;
    if (!joins) {
      groups.emplace_back();
      start = location.frame_offset;
    }
    groups.back().push_back(place);
    end = end_of(location);
    before = &location;
  }
  return groups;
}

void Repository::fetch(std::span<const ChunkId> ids, const FetchGroup& group,
                       const Deliver& deliver, const Damaged& damaged) {
  if (group.empty()) return;
  std::vector<Location> locations;
  locations.reserve(group.size());
  for (const std::uint32_t place : group) locations.push_back(core_->locate(ids[place]));
  const std::uint64_t start = locations.front().frame_offset;
  const std::string name = pack_name(locations.front().pack.id);
  const auto deliver_elsewhere = [&](std::uint32_t place, const Error& error) {
    const auto chunk = core_->read_elsewhere(ids[place], FrameType::data);
    if (chunk) {
      deliver(place, *chunk);
    } else {
      damaged(place, error);
    }
  };
  thread_local Bytes sealed;
  sealed.resize(end_of(locations.back()) - start);
  std::size_t got = 0;
  bool by_frame = false;
  try {
    got = core_->backend.get_range(name, start, sealed);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      const Error missing(ErrorCode::corruption, name + " is missing");
      for (const std::uint32_t place : group) deliver_elsewhere(place, missing);
      return;
    }
    // A bad place of the medium: the frames beside it can be read.
    if (error.code() != ErrorCode::corruption) throw;
    by_frame = true;
  }
  thread_local Bytes frame;
  std::optional<std::uint32_t> opened;
  std::optional<Error> broken;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const Location& location = locations[i];
    if (opened != location.frame_offset) {
      opened = location.frame_offset;
      broken.reset();
      try {
        const auto part =
            MutableByteView(sealed).subspan(location.frame_offset - start, location.frame_stored);
        if (by_frame) {
          got = location.frame_offset - start +
                core_->backend.get_range(name, location.frame_offset, part);
        }
        if (end_of(location) - start > got) throw_damaged(name, "it is cut short");
        open_frame(core_->keys, location.pack, location.type, location.frame_offset, part,
                   location.frame_content, frame);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::corruption && error.code() != ErrorCode::not_found) throw;
        broken = error;
      }
    }
    if (broken) {
      deliver_elsewhere(group[i], *broken);
      continue;
    }
    std::optional<ByteView> chunk;
    try {
      chunk = core_->verified(ids[group[i]], FrameType::data, location, frame);
    } catch (const Error& error) {
      deliver_elsewhere(group[i], error);
      continue;
    }
    deliver(group[i], *chunk);
  }
}

}  // namespace salvor::repo
