#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace salvor {

/// The noun that belongs to a number: noun(1, "file") is "file", noun(2, "entry", "entries") is
/// "entries". `many`: where it is not `one` and an "s".
inline std::string noun(std::uint64_t count, std::string_view one, std::string_view many = {}) {
  if (count == 1) return std::string(one);
  return many.empty() ? std::string(one) + "s" : std::string(many);
}

/// "1 file", "2 files".
inline std::string counted(std::uint64_t count, std::string_view one, std::string_view many = {}) {
  return std::to_string(count) + " " + noun(count, one, many);
}

}  // namespace salvor
