#pragma once

#include <string>
#include <vector>

#include "repo/repository.h"

namespace salvor::repo {

/// Puts records of journals and claims that can't be read aside, under damaged/, and an empty
/// record in their place; the same where one is missing in the middle of a chain. Killed anywhere,
/// it can be done again.   `done`: a line for each.   Errors: those of the medium.
void mend_records(Repository::Core& core, std::vector<std::string>& done);

}  // namespace salvor::repo
