#include "checks/internal/content_check.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace salvor::checks {
namespace {

constexpr std::size_t kZerosReadBytes = std::size_t{1} << 20U;

/// One buffer a thread.
Bytes& buffer_of(std::size_t size) {
  thread_local Bytes buffer;
  if (buffer.size() < size) buffer.resize(size);
  return buffer;
}

bool is_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte byte) { return byte == std::byte{}; });
}

}  // namespace

ContentCheck::ContentCheck(const repo::Repository& repository, stores::Source& copy,
                           const stores::Item& item)
    : repository_(repository) {
  reader_ = copy.open(item);
  if (!reader_) give_up("it can't be opened");
}

void ContentCheck::give_up(const std::string& why) {
  difference_ = "can't be read: " + why;
  unreadable_ = true;
}

void ContentCheck::expect(std::span<const repo::Ref> refs, const Deadline& deadline) {
  for (const repo::Ref& ref : refs) {
    require_time(deadline);
    if (!difference_.empty()) return;
    try {
      compare(ref, deadline);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::failed) throw;
      give_up(error.message());
    }
  }
}

void ContentCheck::compare(const repo::Ref& ref, const Deadline& deadline) {
  bool equal = false;
  if (ref.is_hole()) {
    equal = skip_zeros(ref.length, deadline);
  } else {
    const MutableByteView content = MutableByteView(buffer_of(ref.length)).first(ref.length);
    equal = read(content) == ref.length && repository_.id_of(content) == ref.id;
  }
  if (!equal) {
    difference_ = "differs between bytes " + std::to_string(offset_) + " and " +
                  std::to_string(offset_ + ref.length);
  }
  offset_ += ref.length;
}

/// Fills `out`, less only at the end of the file.
std::size_t ContentCheck::read(MutableByteView out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    if (hole_left_ > 0) {
      const std::size_t zeros = std::min<std::uint64_t>(hole_left_, out.size() - filled);
      std::memset(out.data() + filled, 0, zeros);
      hole_left_ -= zeros;
      filled += zeros;
      continue;
    }
    const auto step = reader_->read(out.subspan(filled));
    if (step.data_bytes == 0 && step.hole_bytes == 0) break;
    filled += step.data_bytes;
    hole_left_ = step.hole_bytes;
  }
  return filled;
}

/// Whether the next `length` bytes are zeros; holes, however long, are not read.
bool ContentCheck::skip_zeros(std::uint64_t length, const Deadline& deadline) {
  while (length > 0) {
    require_time(deadline);
    if (hole_left_ > 0) {
      const std::uint64_t skipped = std::min(hole_left_, length);
      hole_left_ -= skipped;
      length -= skipped;
      continue;
    }
    const std::size_t wanted = std::min<std::uint64_t>(length, kZerosReadBytes);
    const MutableByteView content = MutableByteView(buffer_of(wanted)).first(wanted);
    const auto step = reader_->read(content);
    if (step.data_bytes == 0 && step.hole_bytes == 0) return false;
    if (!is_zero(content.first(step.data_bytes))) return false;
    length -= step.data_bytes;
    hole_left_ = step.hole_bytes;
  }
  return true;
}

std::string ContentCheck::finish() {
  if (!difference_.empty()) return difference_;
  try {
    std::byte more{};
    if (hole_left_ > 0 || read({&more, 1}) != 0) return "is longer than in the point";
  } catch (const Error& error) {
    if (error.code() != ErrorCode::failed) throw;
    give_up(error.message());
    return difference_;
  }
  return {};
}

}  // namespace salvor::checks
