#include "backend/internal/name.h"

#include <algorithm>

#include "backend/backend.h"

namespace salvor::backend {
namespace {

constexpr std::size_t kNameBytesMax = 200;

/// The prefix of names of unfinished files on a medium.
constexpr std::string_view kReservedFirstPart = "tmp";

constexpr std::string_view kRules =
    "at most 200 bytes of [a-z0-9._-] parts joined by '/', none of them \".\" or \"..\", the first "
    "not \"tmp\"";

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool is_valid_part(std::string_view part) {
  return !part.empty() && part != "." && part != ".." &&
         std::all_of(part.begin(), part.end(), is_name_character);
}

[[noreturn]] void refuse(std::string_view kind, std::string_view text) {
  throw Error(ErrorCode::usage, std::string(kind) + " \"" + printable(text.substr(0, 300)) +
                                    "\" is not allowed: expected " + std::string(kRules));
}

}  // namespace

bool is_valid_name(std::string_view name) {
  if (name.size() > kNameBytesMax) return false;
  if (name.substr(0, name.find('/')) == kReservedFirstPart) return false;
  while (true) {
    const std::size_t slash = name.find('/');
    if (!is_valid_part(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

void check_name(const std::string& name) {
  if (!is_valid_name(name)) refuse("object name", name);
}

void check_prefix(std::string_view prefix) {
  const std::size_t slash = prefix.rfind('/');
  const std::string_view leaf = slash == std::string_view::npos ? prefix : prefix.substr(slash + 1);
  const bool directory_is_valid =
      slash == std::string_view::npos || is_valid_name(prefix.substr(0, slash));
  if (!directory_is_valid || !std::all_of(leaf.begin(), leaf.end(), is_name_character)) {
    refuse("prefix of object names", prefix);
  }
}

std::string parent_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(name.substr(0, slash));
}

std::string leaf_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return std::string(slash == std::string_view::npos ? name : name.substr(slash + 1));
}

}  // namespace salvor::backend
