#pragma once

#include <cstdint>
#include <vector>

/// Which numbers a session's packs of one kind have.
namespace salvor::repo {

/// A set of numbers, kept as ranges: a session numbers its packs without gaps, so that few ranges
/// stand for many packs. A value.
class PackNumbers {
 public:
  /// Shape: first <= last.
  struct Range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool operator==(const Range&) const = default;
  };

  /// Shape: first <= last; what is there already may be added, what is not there removed.
  void add(std::uint32_t first, std::uint32_t last);
  void remove(std::uint32_t first, std::uint32_t last);

  bool contains(std::uint32_t number) const;
  bool empty() const { return ranges_.empty(); }
  std::uint64_t count() const;

  /// In ascending order; between two of them at least one number is missing.
  const std::vector<Range>& ranges() const { return ranges_; }

  bool operator==(const PackNumbers&) const = default;

 private:
  std::vector<Range> ranges_;
};

}  // namespace salvor::repo
