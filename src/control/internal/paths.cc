#include "control/internal/paths.h"

#include <algorithm>

namespace salvor::control::internal {

std::filesystem::path real_path(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
  if (error) real = path.lexically_normal();
  return real.has_filename() ? real : real.parent_path();
}

bool lies_in(const std::filesystem::path& inner, const std::filesystem::path& outer) {
  const auto [in, out] = std::mismatch(inner.begin(), inner.end(), outer.begin(), outer.end());
  return out == outer.end();
}

}  // namespace salvor::control::internal
