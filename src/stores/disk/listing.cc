#include "stores/disk/listing.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/io.h"

namespace salvor::stores::disk {
namespace {

constexpr std::size_t kScratchBytes = 128 << 10U;
constexpr std::size_t kHeaderBytes = 11;

}  // namespace

void Listing::append(std::string_view name, std::uint8_t type, std::uint64_t inode) {
  Packed packed;
  packed.offset = arena_.size();
  arena_.resize(arena_.size() + kHeaderBytes + name.size() + 1);
  char* out = arena_.data() + packed.offset;
  std::memcpy(out, &inode, sizeof inode);
  const auto size = static_cast<std::uint16_t>(name.size());  // a dirent64 has fewer bytes
  std::memcpy(out + sizeof inode, &size, sizeof size);
  out[10] = static_cast<char>(type);
  std::memcpy(out + kHeaderBytes, name.data(), name.size());
  out[kHeaderBytes + name.size()] = '\0';
  packed_.push_back(packed);
}

Listing::Name Listing::name_of(const Packed& packed) const {
  const char* in = arena_.data() + packed.offset;
  Name name;
  std::memcpy(&name.inode, in, sizeof name.inode);
  std::memcpy(&name.size, in + sizeof name.inode, sizeof name.size);
  name.type = static_cast<std::uint8_t>(in[10]);
  name.text = in + kHeaderBytes;
  return name;
}

int Listing::read(int directory, Bytes& scratch) {
  return read([&](void* out, std::size_t size) { return getdents64(directory, out, size); },
              scratch);
}

int Listing::read(const ReadNames& read_names, Bytes& scratch) {
  scratch.resize(kScratchBytes);
  int error = 0;
  while (true) {
    const ssize_t size = retried([&] { return read_names(scratch.data(), scratch.size()); });
    if (size < 0) error = errno;
    if (size <= 0) break;
    for (ssize_t at = 0; at < size;) {
      const auto* raw = reinterpret_cast<const dirent64*>(scratch.data() + at);
      // A name may be longer than the array that <dirent.h> declares.
      const auto* text = reinterpret_cast<const char*>(raw) + offsetof(dirent64, d_name);
      const std::string_view name(text, strnlen(text, raw->d_reclen - offsetof(dirent64, d_name)));
      if (name != "." && name != "..") append(name, raw->d_type, raw->d_ino);
      at += raw->d_reclen;
    }
  }
  sort();
  return error;
}

void Listing::sort() {
  if (packed_.empty()) return;
  // Names such as IMG_000123 share their head: what comes after it decides most comparisons with
  // one look at a number, without a visit to the arena.
  std::string_view shared = name_of(packed_.front()).view();
  for (const Packed& packed : packed_) {
    const std::string_view name = name_of(packed).view();
    const auto [end, unused] =
        std::mismatch(shared.begin(), shared.end(), name.begin(), name.end());
    shared = shared.substr(0, static_cast<std::size_t>(end - shared.begin()));
  }
  for (Packed& packed : packed_) {
    const std::string_view rest = name_of(packed).view().substr(shared.size());
    std::uint64_t prefix = 0;
    std::memcpy(&prefix, rest.data(), std::min(rest.size(), sizeof prefix));
    packed.prefix = __builtin_bswap64(prefix);
  }
  std::sort(packed_.begin(), packed_.end(), [&](const Packed& a, const Packed& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return name_of(a).view() < name_of(b).view();
  });
  // A directory that changes while it is listed may name one thing twice.
  const auto same = [&](const Packed& a, const Packed& b) {
    return a.prefix == b.prefix && name_of(a).view() == name_of(b).view();
  };
  packed_.erase(std::unique(packed_.begin(), packed_.end(), same), packed_.end());
}

}  // namespace salvor::stores::disk
