#pragma once

#include "config/config.h"
#include "stores/type.h"

namespace salvor::control::internal {

/// What the stores of a configuration have around them: the spool in the state directory, and the
/// repository, which must not lie in a store.
stores::Surroundings surroundings_of(const config::Config& config);

/// The same for restores and drills, which need not be able to write to the state directory: see
/// work_place(). That is looked for when the first store asks for a spool.
stores::Surroundings surroundings_of_restore(const config::Config& config);

}  // namespace salvor::control::internal
