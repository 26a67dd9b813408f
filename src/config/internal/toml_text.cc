#include "config/internal/toml_text.h"

#include "base/bytes.h"

namespace salvor::config::internal {

std::string toml_text(const std::string& text) {
  std::string plain = text;
  std::erase(plain, '\\');
  // What no terminal should get is shown, but can't be pasted.
  if (printable(plain) != plain) return "'" + printable(text) + "'";
  if (text.find('\'') == std::string::npos) return "'" + text + "'";
  std::string escaped = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped + "\"";
}

}  // namespace salvor::config::internal
