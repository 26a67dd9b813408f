#include "service/internal/clock_order.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace salvor::service {
namespace {

constexpr std::int64_t kPointWorth = 2;
constexpr std::int64_t kSettingCost = 5;

/// What the best explanation is worth that ends with some point, and the number of that point from
/// 1; number 0 is that of no point. So the greater of two is the better one, and of two that are as
/// good the one with the newer end.
using BestEnd = std::pair<std::int64_t, std::size_t>;

/// A Fenwick tree of maxima: the best end among those whose rank, from 1, is at most the given one.
BestEnd best_up_to(const std::vector<BestEnd>& tree, std::size_t rank) {
  BestEnd best;
  for (; rank > 0; rank -= rank & (~rank + 1)) best = std::max(best, tree[rank]);
  return best;
}

void add_end(std::vector<BestEnd>& tree, std::size_t rank, const BestEnd& end) {
  for (; rank < tree.size(); rank += rank & (~rank + 1)) tree[rank] = std::max(tree[rank], end);
}

}  // namespace

std::vector<bool> believed_times(std::span<const Time> times) {
  std::vector<bool> believed(times.size(), true);
  if (std::is_sorted(times.begin(), times.end())) return believed;
  std::vector<Time> sorted(times.begin(), times.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<BestEnd> in_order(times.size() + 1);
  BestEnd best;
  std::vector<std::size_t> before(times.size() + 1, 0);
  for (std::size_t i = 1; i <= times.size(); ++i) {
    const auto rank = static_cast<std::size_t>(
        std::upper_bound(sorted.begin(), sorted.end(), times[i - 1]) - sorted.begin());
    const BestEnd set_back{best.first - kSettingCost, best.second};
    const BestEnd follows = std::max({BestEnd{}, best_up_to(in_order, rank), set_back});
    before[i] = follows.second;
    const BestEnd end{follows.first + kPointWorth, i};
    add_end(in_order, rank, end);
    best = std::max(best, end);
  }
  believed.assign(times.size(), false);
  for (std::size_t i = best.second; i != 0; i = before[i]) believed[i - 1] = true;
  return believed;
}

}  // namespace salvor::service
