#pragma once

#include <optional>
#include <string>

#include "base/json.h"

/// The members of a statement, for those who show it. Nobody has checked of which kind they are:
/// one of another kind than is asked for is as if it were not there.
/// Lifetime: of what is returned by reference: that of the object.   Threads: plain functions.
namespace salvor::evidence {

/// A text; empty when it is not there.
std::string string_in(const nlohmann::json& object, const char* name);

/// Any value as text: a text as it is, all else as JSON; empty when it is null or not there.
std::string text_in(const nlohmann::json& object, const char* name);

std::optional<double> number_in(const nlohmann::json& object, const char* name);

/// A list, and an object; empty when it is not there.
const nlohmann::json& list_in(const nlohmann::json& object, const char* name);
const nlohmann::json& part_in(const nlohmann::json& object, const char* name);

}  // namespace salvor::evidence
