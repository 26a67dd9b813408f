#include "stores/disk/exclude.h"

#include <algorithm>
#include <span>

#include "base/bytes.h"
#include "base/error.h"

namespace salvor::stores::disk {
namespace {

constexpr std::size_t kPatternBytesMax = 4096;

[[noreturn]] void malformed(const std::string& text, std::string_view why) {
  throw Error(ErrorCode::configuration,
              "exclude pattern '" + printable(text) + "' " + std::string(why),
              "write patterns such as cache/**, *.tmp or build/");
}

std::size_t index_of(char byte) {
  return static_cast<unsigned char>(byte);
}

char take(std::string_view& rest) {
  const char byte = rest.front();
  rest.remove_prefix(1);
  return byte;
}

}  // namespace

Exclude::Exclude(const std::vector<std::string>& patterns) {
  for (const std::string& text : patterns) {
    patterns_.push_back(compile(text));
    asks_for_directories_ = asks_for_directories_ || patterns_.back().directories_only;
  }
}

Exclude::Token Exclude::read_class(std::string_view& rest, const std::string& text) {
  Token token;
  const bool negated = !rest.empty() && (rest.front() == '!' || rest.front() == '^');
  if (negated) rest.remove_prefix(1);
  // A ']' right at the start stands for itself, as in every shell.
  for (bool first = true; first || rest.empty() || rest.front() != ']'; first = false) {
    if (rest.empty()) malformed(text, "has a '[' without its ']'");
    char low = take(rest);
    if (low == '\\' && !rest.empty()) low = take(rest);
    char high = low;
    if (rest.size() >= 2 && rest[0] == '-' && rest[1] != ']') {
      rest.remove_prefix(1);
      high = take(rest);
    }
    for (std::size_t byte = index_of(low); byte <= index_of(high); ++byte) token.bytes.set(byte);
  }
  rest.remove_prefix(1);
  if (negated) token.bytes.flip();
  token.bytes.reset(index_of('/'));
  return token;
}

Exclude::Pattern Exclude::compile(const std::string& text) {
  Pattern pattern;
  std::string_view rest = text;
  if (rest.size() > kPatternBytesMax) malformed(text, "is too long");
  if (rest.ends_with('/') && !rest.ends_with("\\/")) {
    pattern.directories_only = true;
    rest.remove_suffix(1);
  }
  pattern.names_only = rest.find('/') == std::string_view::npos;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  if (rest.empty()) malformed(text, "is empty");
  bool at_start = true;  // of a component
  while (!rest.empty()) {
    Token token;
    if (at_start && rest.starts_with("**/")) {
      token.step = Step::directories;
      rest.remove_prefix(3);
    } else if (rest.starts_with("**")) {
      token.step = Step::any;
      rest.remove_prefix(2);
    } else if (const char byte = take(rest); byte == '*') {
      token.step = Step::star;
    } else if (byte == '?') {
      token.bytes.set();
      token.bytes.reset(index_of('/'));
    } else if (byte == '[') {
      token = read_class(rest, text);
    } else {
      if (byte == '\\' && rest.empty()) malformed(text, "ends with a lone '\\'");
      token.bytes.set(index_of(byte == '\\' ? take(rest) : byte));
    }
    at_start = token.step == Step::directories ||
               (token.step == Step::byte_class && token.bytes.count() == 1 &&
                token.bytes.test(index_of('/')));
    pattern.tokens.push_back(token);
  }
  return pattern;
}

bool Exclude::run(const Pattern& pattern, std::string_view text) {
  // Bytes at both ends must match one by one: that settles nearly every name at once.
  std::span<const Token> tokens = pattern.tokens;
  const auto agree = [](const Token& token, char byte) {
    return token.step == Step::byte_class && token.bytes.test(index_of(byte));
  };
  while (!tokens.empty() && !text.empty() && agree(tokens.front(), text.front())) {
    tokens = tokens.subspan(1);
    text.remove_prefix(1);
  }
  if (tokens.empty()) return text.empty();
  if (tokens.front().step == Step::byte_class) return false;
  while (!text.empty() && agree(tokens.back(), text.back())) {
    tokens = tokens.first(tokens.size() - 1);
    text.remove_suffix(1);
  }
  return tokens.back().step != Step::byte_class && run_automaton(tokens, text);
}

bool Exclude::run_automaton(std::span<const Token> tokens, std::string_view text) {
  // All states of the automaton at once: state i means that the first i tokens have matched. This
  // is why no pattern can make it slow. A state of **/ that has eaten a part of a directory's name
  // is `inside`: it can't leave before the '/'.
  const std::size_t count = tokens.size() + 1;
  std::vector<char> memory(4 * count, 0);
  std::span<char> now(memory.data(), count);
  std::span<char> next(memory.data() + count, count);
  std::span<char> inside(memory.data() + 2 * count, count);
  std::span<char> next_inside(memory.data() + 3 * count, count);
  const auto add = [&](std::span<char> states, std::size_t state) {
    states[state] = 1;
    while (state < tokens.size() && tokens[state].step != Step::byte_class) states[++state] = 1;
  };
  add(now, 0);
  for (const char byte : text) {
    bool alive = false;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const Token& token = tokens[i];
      if (token.step == Step::directories) {
        if (now[i] == 0 && inside[i] == 0) continue;
        if (byte == '/') add(next, i);
        next_inside[i] = byte != '/';
      } else {
        const bool goes_on = token.step == Step::byte_class
                                 ? token.bytes.test(index_of(byte))
                                 : token.step == Step::any || byte != '/';
        if (now[i] == 0 || !goes_on) continue;
        add(next, token.step == Step::byte_class ? i + 1 : i);
      }
      alive = true;
    }
    if (!alive) return false;
    std::swap(now, next);
    std::swap(inside, next_inside);
    std::fill(next.begin(), next.end(), 0);
    std::fill(next_inside.begin(), next_inside.end(), 0);
  }
  return now[tokens.size()] != 0;
}

std::string pattern_for(std::string_view path) {
  std::string pattern = "/";
  for (const char c : path) {
    if (std::string_view("*?[]!\\").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

bool Exclude::matches(std::string_view path, bool is_directory) const {
  const std::size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  for (const Pattern& pattern : patterns_) {
    if (pattern.directories_only && !is_directory) continue;
    if (run(pattern, pattern.names_only ? name : path)) return true;
  }
  return false;
}

bool Exclude::covers(std::string_view path, bool is_directory) const {
  for (std::size_t at = path.find('/'); at != std::string_view::npos; at = path.find('/', at + 1)) {
    if (matches(path.substr(0, at), true)) return true;
  }
  return matches(path, is_directory);
}

}  // namespace salvor::stores::disk
