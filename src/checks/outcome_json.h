#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "checks/checks.h"

/// Verdicts as journals and evidence keep them.
namespace salvor::checks {

/// The beginning of a long text, and how long all of it is.
std::string cut(const std::string& text, std::size_t bytes_max);

/// Of its name, also of one that an earlier version wrote; an unknown one was not run.
Verdict verdict_of(std::string_view name);

/// Shape:  a JSON array. Each text is bounded, and so are all of them together: 4 MiB.
/// Errors: none.
std::string json_of(const std::vector<CheckOutcome>& outcomes);

/// Shape:  what json_of() makes.
/// Errors: corruption.
std::vector<CheckOutcome> outcomes_of(std::string_view json);

}  // namespace salvor::checks
