#pragma once

#include <cstdlib>

namespace salvor::testing {

/// How often a test repeats what chance decides: `often` times in each run of the tests, `deep`
/// times in `./dev deep tests`, which sets SALVOR_DEEP.
inline int repetitions(int often, int deep) {
  return std::getenv("SALVOR_DEEP") != nullptr ? deep : often;
}

}  // namespace salvor::testing
