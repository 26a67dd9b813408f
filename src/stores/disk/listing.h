#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace salvor::stores::disk {

/// The names in one directory, sorted bytewise, held compactly: 16 bytes for each, and 12 more than
/// the name itself. A million names of 20 bytes take 47 MB.
/// Threads: reading any, once read() is through.   Lifetime: owns all it returns.
class Listing {
 public:
  struct Name {
    const char* text = nullptr;  ///< ends with a zero byte
    std::uint16_t size = 0;
    std::uint8_t type = 0;  ///< DT_*; DT_UNKNOWN where the file system does not say
    std::uint64_t inode = 0;
    std::string_view view() const { return {text, size}; }
  };

  /// Reads and sorts all names but "." and "..". `scratch` is for the kernel's answers, to be used
  /// again and again.
  /// Errors: 0, or an errno; the names that came before the error are kept.
  int read(int directory, Bytes& scratch);

  /// Where names come from: getdents64(). Tests have another one, for what their file systems lack.
  using ReadNames = std::function<ssize_t(void* out, std::size_t size)>;
  int read(const ReadNames& read_names, Bytes& scratch);

  /// Forgets the names for which `keep` is false.
  template <class Keep>
  void keep_if(const Keep& keep) {
    std::erase_if(packed_, [&](const Packed& packed) { return !keep(name_of(packed)); });
  }

  std::size_t size() const { return packed_.size(); }
  Name operator[](std::size_t i) const { return name_of(packed_[i]); }
  std::size_t bytes() const { return packed_.size() * sizeof(Packed) + arena_.size(); }

 private:
  /// Where a name is in the arena.
  struct Packed {
    std::uint64_t prefix = 0;  ///< the first bytes that differ among the names, as a number
    std::uint64_t offset = 0;  ///< into arena_: inode (8), size (2), type, then the name
  };

  void append(std::string_view name, std::uint8_t type, std::uint64_t inode);
  Name name_of(const Packed& packed) const;
  void sort();

  std::vector<Packed> packed_;
  std::vector<char> arena_;
};

}  // namespace salvor::stores::disk
