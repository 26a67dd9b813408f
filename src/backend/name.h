#pragma once

#include <string>
#include <string_view>

/// The rules for names of objects, which backend.h states.   Threads: plain functions.
namespace salvor::backend {

/// Whether `name` keeps the rules.
bool is_valid_name(std::string_view name);

/// Throws (usage) unless a valid name can begin with `prefix`. The empty prefix is one.
void check_prefix(std::string_view prefix);

/// What lies before the last '/', or nothing; and what lies behind it.
std::string parent_of(std::string_view name);
std::string leaf_of(std::string_view name);

}  // namespace salvor::backend
