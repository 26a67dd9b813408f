#include "cli/not_covered.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace salvor::cli {
namespace {

/// How a kind of line is recognised, and what several of them are called.
struct Kind {
  std::string_view head;
  std::string_view part;
  std::string_view called;
};

constexpr std::array kKinds{
    Kind{"check canary of ", "", "canaries were not checked"},
    Kind{"check ", "", "checks were not run"},
    Kind{"step ", "", "steps were not run"},
    Kind{"", " is in no store (a SQLite database)", "SQLite databases are in no store"},
    Kind{"", " is in no store", "paths are in no store"},
    Kind{"store ", ": excluded: ", "patterns are excluded"},
    Kind{"store ", " is not in ", "stores are not in the recovery point"},
    Kind{"store ", " was not in the last drill", "stores were not in the last drill"},
};

/// The place in kKinds; its size for a line that is alone of its kind.
std::size_t kind_of(std::string_view line) {
  const auto found = std::ranges::find_if(kKinds, [&](const Kind& kind) {
    return line.starts_with(kind.head) && line.find(kind.part) != std::string_view::npos;
  });
  return static_cast<std::size_t>(found - kKinds.begin());
}

}  // namespace

std::vector<std::string> summarised(const std::vector<std::string>& not_covered) {
  std::array<std::size_t, kKinds.size()> counts{};
  for (const std::string& line : not_covered) {
    const std::size_t kind = kind_of(line);
    if (kind < counts.size()) ++counts[kind];
  }
  std::vector<std::string> lines;
  for (const std::string& line : not_covered) {
    const std::size_t kind = kind_of(line);
    if (kind == counts.size() || counts[kind] == 1) {
      lines.push_back(line);
    } else if (counts[kind] > 1) {
      lines.push_back(fmt::format("{} {}, the first: {}", counts[kind], kKinds[kind].called, line));
      counts[kind] = 0;
    }
  }
  return lines;
}

}  // namespace salvor::cli
