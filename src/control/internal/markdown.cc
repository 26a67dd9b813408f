#include "control/internal/markdown.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace salvor::control::internal::markdown {
namespace {

/// The longest run of backticks in a text.
std::size_t backticks_in(std::string_view text) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

bool is_plain_word(std::string_view raw) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:=@%";
  return !raw.empty() && raw.find_first_not_of(kPlain) == std::string_view::npos;
}

/// Makes a text one line. Unlike printable() it keeps backslashes, which commands and patterns
/// have.
std::string one_line(std::string_view raw) {
  std::string out;
  while (!raw.empty()) {
    const std::size_t end = std::min(raw.find('\\'), raw.size());
    out += printable(raw.substr(0, end));
    if (end < raw.size()) out += '\\';
    raw.remove_prefix(std::min(end + 1, raw.size()));
  }
  return out;
}

bool has_odd_bytes(std::string_view raw) {
  return one_line(raw) != raw;
}

}  // namespace

std::string text(std::string_view raw) {
  constexpr std::string_view kMarkup = "\\`*_{}[]<>()|~&$";
  const std::string shown = one_line(raw);
  std::string out;
  for (const char c : shown) {
    if (kMarkup.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  // Escape what would begin a list, a heading or a rule.
  const std::size_t digits = out.find_first_not_of("0123456789");
  const bool numbered = digits != 0 && digits != std::string::npos && out.substr(digits, 2) == ". ";
  if (numbered) out.insert(digits, 1, '\\');
  if (out.find_first_of("-+#=") == 0) out.insert(0, 1, '\\');
  return out;
}

std::string link(std::string_view raw) {
  const bool web = raw.starts_with("https://") || raw.starts_with("http://");
  const bool plain = std::all_of(raw.begin(), raw.end(), [](char c) {
    return c > ' ' && c < 0x7F && std::string_view("<>\"\\`|").find(c) == std::string_view::npos;
  });
  return web && plain ? fmt::format("<{}>", raw) : text(raw);
}

std::string code(std::string_view raw) {
  const std::string shown = one_line(raw);
  if (shown.empty()) return "–";
  const std::string fence(backticks_in(shown) + 1, '`');
  const bool touches = shown.front() == '`' || shown.back() == '`' || shown.front() == ' ';
  const std::string_view gap = touches ? " " : "";
  return fmt::format("{}{}{}{}{}", fence, gap, shown, gap, fence);
}

std::string cell_code(std::string_view raw) {
  return raw.find_first_of("|\\") == std::string_view::npos ? code(raw) : text(raw);
}

std::string block(std::string_view language, std::string_view content) {
  const std::string fence(std::max<std::size_t>(3, backticks_in(content) + 1), '`');
  const std::string_view end = content.ends_with('\n') ? "" : "\n";
  return fmt::format("{}{}\n{}{}{}\n", fence, language, content, end, fence);
}

std::string row(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

std::string shell_word(std::string_view raw) {
  if (is_plain_word(raw)) return std::string(raw);
  const bool odd = has_odd_bytes(raw);
  std::string out = odd ? "$'" : "'";
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (odd && (byte < 0x20 || byte >= 0x7F)) {
      out += fmt::format("\\{:03o}", byte);
    } else if (odd && (c == '\'' || c == '\\')) {
      out += fmt::format("\\{}", c);
    } else if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string toml_string(std::string_view raw) {
  std::string out = "\"";
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += fmt::format("\\{}", c);
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace salvor::control::internal::markdown
