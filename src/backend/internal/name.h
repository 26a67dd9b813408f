#pragma once

#include <string>
#include <string_view>

/// The rules for names of objects, which backend.h states.
/// Threads: plain functions.
namespace salvor::backend {

/// Whether `name` keeps the rules. check_name() throws instead.
bool is_valid_name(std::string_view name);

/// Throws (usage) unless a valid name can begin with `prefix`. The empty prefix is valid.
void check_prefix(std::string_view prefix);

/// The part of a name before the last '/' (or nothing), and the part behind it.
std::string parent_of(std::string_view name);
std::string leaf_of(std::string_view name);

}  // namespace salvor::backend
