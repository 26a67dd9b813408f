#include "repo/internal/pack_ranges.h"

#include <algorithm>

#include "base/error.h"

namespace salvor::repo {
namespace {

using Range = PackNumbers::Range;

bool ends_before(const Range& range, std::uint32_t number) {
  return range.last < number;
}

}  // namespace

void PackNumbers::add(std::uint32_t first, std::uint32_t last) {
  SALVOR_ASSERT(first <= last);
  // Ranges that touch the new one become one with it.
  const std::uint32_t touches_from = first == 0 ? 0 : first - 1;
  auto begin = std::lower_bound(ranges_.begin(), ranges_.end(), touches_from, ends_before);
  auto end = begin;
  Range all{first, last};
  while (end != ranges_.end() && (end->first <= last || end->first - last == 1)) {
    all.first = std::min(all.first, end->first);
    all.last = std::max(all.last, end->last);
    ++end;
  }
  begin = ranges_.erase(begin, end);
  ranges_.insert(begin, all);
}

void PackNumbers::remove(std::uint32_t first, std::uint32_t last) {
  SALVOR_ASSERT(first <= last);
  const auto begin = std::lower_bound(ranges_.begin(), ranges_.end(), first, ends_before);
  auto end = begin;
  std::vector<Range> rest;
  for (; end != ranges_.end() && end->first <= last; ++end) {
    if (end->first < first) rest.push_back({end->first, first - 1});
    if (end->last > last) rest.push_back({last + 1, end->last});
  }
  ranges_.insert(ranges_.erase(begin, end), rest.begin(), rest.end());
}

bool PackNumbers::contains(std::uint32_t number) const {
  const auto range = std::lower_bound(ranges_.begin(), ranges_.end(), number, ends_before);
  return range != ranges_.end() && range->first <= number;
}

std::uint64_t PackNumbers::count() const {
  std::uint64_t sum = 0;
  for (const Range& range : ranges_) sum += std::uint64_t{range.last} - range.first + 1;
  return sum;
}

}  // namespace salvor::repo
