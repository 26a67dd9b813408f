#include "base/paths.h"

namespace salvor {

std::filesystem::path real_path(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
  if (error) real = path.lexically_normal();
  return real.has_filename() ? real : real.parent_path();
}

bool lies_in(const std::filesystem::path& inner, const std::filesystem::path& outer) {
  auto part = inner.begin();
  for (const std::filesystem::path& expected : outer) {
    if (expected.empty()) continue;  // the part after the last '/' of "/"
    if (part == inner.end() || *part != expected) return false;
    ++part;
  }
  return true;
}

}  // namespace salvor
