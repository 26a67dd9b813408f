#include "backend/memory.h"

#include <algorithm>
#include <utility>

#include "backend/internal/name.h"

namespace salvor::backend {

MemoryBackend::MemoryBackend(Objects objects) : objects_(std::move(objects)) {}

const Bytes& MemoryBackend::find(const std::string& name) const {
  const auto found = objects_.find(name);
  if (found == objects_.end()) {
    throw Error(ErrorCode::not_found, "no object " + printable(name) + " in " + location());
  }
  return found->second;
}

PutResult MemoryBackend::put_if_absent(const std::string& name, ByteView bytes) {
  check_name(name);
  Bytes copy = to_bytes(bytes);
  const std::lock_guard lock(mutex_);
  return objects_.try_emplace(name, std::move(copy)).second ? PutResult::created
                                                            : PutResult::exists;
}

Bytes MemoryBackend::get(const std::string& name, std::uint64_t bytes_max) {
  check_name(name);
  const std::lock_guard lock(mutex_);
  const Bytes& bytes = find(name);
  if (bytes.size() > bytes_max) {
    throw Error(ErrorCode::failed, "cannot read " + printable(name) + ": found " +
                                       std::to_string(bytes.size()) + " bytes, expected at most " +
                                       std::to_string(bytes_max));
  }
  return bytes;
}

std::size_t MemoryBackend::get_range(const std::string& name, std::uint64_t offset,
                                     MutableByteView out) {
  check_name(name);
  const std::lock_guard lock(mutex_);
  const Bytes& bytes = find(name);
  if (offset >= bytes.size()) return 0;
  const ByteView rest = ByteView(bytes).subspan(static_cast<std::size_t>(offset));
  const ByteView range = rest.first(std::min(rest.size(), out.size()));
  std::copy(range.begin(), range.end(), out.begin());
  return range.size();
}

std::optional<std::uint64_t> MemoryBackend::size(const std::string& name) {
  check_name(name);
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(name);
  if (found == objects_.end()) return std::nullopt;
  return found->second.size();
}

void MemoryBackend::list(const std::string& prefix, const std::string& after, const Visit& visit) {
  check_prefix(prefix);
  std::string last = after;
  bool is_first = prefix > after;
  while (true) {
    Object object;
    {
      // One object at a time: visit() may well call this backend.
      const std::lock_guard lock(mutex_);
      const auto next = is_first ? objects_.lower_bound(prefix) : objects_.upper_bound(last);
      if (next == objects_.end() || !next->first.starts_with(prefix)) return;
      object = {next->first, next->second.size()};
    }
    visit(object);
    is_first = false;
    last = std::move(object.name);
  }
}

void MemoryBackend::remove(const std::string& name) {
  check_name(name);
  const std::lock_guard lock(mutex_);
  objects_.erase(name);
}

std::unique_ptr<MemoryBackend> MemoryBackend::clone() const {
  const std::lock_guard lock(mutex_);
  return std::make_unique<MemoryBackend>(objects_);
}

}  // namespace salvor::backend
