#pragma once

#include <string>
#include <vector>

namespace salvor::cli {

/// What is not covered, for people: one line for each kind of it, in the order of the first ones;
/// of several of a kind their number and the first. With --json all are listed.
/// Errors: none.
std::vector<std::string> summarised(const std::vector<std::string>& not_covered);

}  // namespace salvor::cli
