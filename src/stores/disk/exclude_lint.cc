#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "stores/disk/exclude.h"

namespace salvor::stores::disk {
namespace {

/// What is wrong with a pattern, and what to write instead.
struct Problem {
  std::string what;
  std::string hint;
};

std::string write_instead(const std::string& pattern) {
  return fmt::format("write '{}'", printable(pattern));
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t slash = text.find('/');
    parts.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    text.remove_prefix(slash + 1);
  }
}

/// Paths of a store have no parts "", "." and "..".
std::optional<Problem> impossible_part(const std::string& pattern) {
  const bool for_directories = pattern.size() > 1 && pattern.ends_with('/');
  std::string_view rest = pattern;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  if (for_directories && !rest.empty()) rest.remove_suffix(1);
  std::string sound;
  bool is_sound = true;
  for (const std::string_view part : parts_of(rest)) {
    if (part == "..") {
      return Problem{"has a part \"..\", which no path of a store has",
                     "write the pattern relative to the store's path"};
    }
    if (part == "." || part.empty()) {
      is_sound = false;
    } else {
      sound += '/' + std::string(part);
    }
  }
  if (is_sound || rest.empty()) return std::nullopt;
  return Problem{"has a part \".\" or an empty one, which no path of a store has",
                 write_instead(sound + (for_directories ? "/" : ""))};
}

/// Patterns are relative to the store. Who means a path below a directory of the same name within
/// the store leaves the '/' at its head out.
std::optional<Problem> absolute_path(const std::string& pattern, const std::string& root) {
  if (root.size() < 2 || !pattern.starts_with(root)) return std::nullopt;
  const std::string rest = pattern.substr(root.size());
  if (!rest.empty() && rest.front() != '/') return std::nullopt;
  if (rest.empty() || rest == "/") {
    return Problem{"would leave out the whole store", "remove the store instead"};
  }
  return Problem{"is a path of this machine, expected one relative to the store",
                 write_instead(rest)};
}

/// "{a,b}" of a shell, outside of a class; a '\' makes any byte mean itself.
std::optional<Problem> alternatives(const std::string& pattern) {
  std::size_t open = std::string::npos;
  bool has_comma = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      ++i;
    } else if (c == '{') {
      open = i;
      has_comma = false;
    } else if (c == ',') {
      has_comma = true;
    } else if (c == '}' && open != std::string::npos && has_comma) {
      const std::string_view inner = std::string_view(pattern).substr(open + 1, i - open - 1);
      std::string all;
      for (std::size_t from = 0; from <= inner.size();) {
        const std::size_t comma = std::min(inner.find(',', from), inner.size());
        all += (all.empty() ? "'" : ", '") + pattern.substr(0, open) +
               std::string(inner.substr(from, comma - from)) + pattern.substr(i + 1) + "'";
        from = comma + 1;
      }
      return Problem{"has alternatives in braces, which are not known here",
                     "write one pattern for each: " + printable(all)};
    }
  }
  return std::nullopt;
}

std::optional<Problem> problem_of(const std::string& pattern, const std::string& root) {
  if (pattern == "~" || pattern.starts_with("~/")) {
    return Problem{"begins with \"~\", which is not expanded here",
                   "write the pattern relative to the store's path; for a name that is \"~\" "
                   "write '\\~'"};
  }
  if (pattern.starts_with('!')) {
    return Problem{"begins with \"!\", and there is no exception from a pattern",
                   "name what is to be left out, and nothing else; for a name that begins with "
                   "\"!\" write '\\" +
                       printable(pattern) + "'"};
  }
  if (auto problem = absolute_path(pattern, root)) return problem;
  if (auto problem = impossible_part(pattern)) return problem;
  return alternatives(pattern);
}

}  // namespace

void require_matchable(const std::vector<std::string>& patterns, const std::string& root) {
  for (const std::string& pattern : patterns) {
    const std::optional<Problem> problem = problem_of(pattern, root);
    if (!problem) continue;
    throw Error(ErrorCode::configuration,
                "exclude pattern '" + printable(pattern) + "' can never match: it " + problem->what,
                problem->hint);
  }
}

}  // namespace salvor::stores::disk
