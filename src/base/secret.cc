#include "base/secret.h"

#include <string.h>

namespace salvor {

void Secret::wipe() {
  if (!bytes_.empty()) explicit_bzero(bytes_.data(), bytes_.size());
}

}  // namespace salvor
