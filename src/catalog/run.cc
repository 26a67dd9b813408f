#include "catalog/run.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

namespace salvor::catalog {
namespace {

// In the order of the enumerations; the names are a contract (JSON of `runs`, metric labels).
constexpr std::array<std::string_view, 5> kKinds{"backup", "verify", "drill", "restore", "prune"};
constexpr std::array<std::string_view, 7> kStates{"running", "interrupted", "failed",   "succeeded",
                                                  "closed",  "undone",      "abandoned"};

template <class Enumeration, std::size_t Size>
std::optional<Enumeration> parse(std::string_view name,
                                 const std::array<std::string_view, Size>& names) {
  for (std::size_t i = 0; i < Size; ++i) {
    if (names[i] == name) return static_cast<Enumeration>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(RunKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}
std::string_view name_of(RunState state) {
  return kStates[static_cast<std::size_t>(state)];
}

std::optional<RunKind> parse_run_kind(std::string_view name) {
  return parse<RunKind>(name, kKinds);
}

std::optional<RunState> parse_run_state(std::string_view name) {
  return parse<RunState>(name, kStates);
}

RunId make_run_id(Time start, Rng& rng) {
  const std::time_t seconds = start.ns / 1'000'000'000;
  std::tm when{};
  gmtime_r(&seconds, &when);
  return {fmt::format("{:04}{:02}{:02}t{:02}{:02}{:02}-{:08x}", when.tm_year + 1900,
                      when.tm_mon + 1, when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec,
                      static_cast<std::uint32_t>(rng.next_u64()))};
}

}  // namespace salvor::catalog
