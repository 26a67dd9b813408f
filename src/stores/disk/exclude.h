#pragma once

#include <bitset>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace salvor::stores::disk {

/// Which paths are left out. Patterns match bytes, relative to the root:
///   ?        any byte but '/'              [a-z] [!a-z]   one byte of a class, never '/'
///   *        any bytes but '/'             **             any bytes, '/' too
///   **/      no or any number of directories              \x   the byte x itself
/// A pattern with no '/' but a last one matches a name at any depth; all others match whole paths.
/// A '/' at its head does nothing else than that; a '/' at its end matches directories only.
/// Matching takes time O(pattern × path), whatever they are.
/// Threads: matches() any.   Lifetime: a value.
class Exclude {
 public:
  /// Errors: configuration, for a pattern that is empty or malformed.
  explicit Exclude(const std::vector<std::string>& patterns);

  bool empty() const { return patterns_.empty(); }

  /// Whether a pattern matches that holds for directories only; then kinds must be known.
  bool asks_for_directories() const { return asks_for_directories_; }

  /// `path`: relative to the root, not empty.
  bool matches(std::string_view path, bool is_directory) const;

  /// Whether it, or a directory that it lies in, is left out.
  bool covers(std::string_view path, bool is_directory) const;

 private:
  enum class Step { byte_class, star, any, directories };
  struct Token {
    Step step = Step::byte_class;
    std::bitset<256> bytes;
  };
  struct Pattern {
    std::vector<Token> tokens;
    bool names_only = false;
    bool directories_only = false;
  };

  static Pattern compile(const std::string& text);
  static Token read_class(std::string_view& rest, const std::string& text);
  static bool run(const Pattern& pattern, std::string_view text);
  static bool run_automaton(std::span<const Token> tokens, std::string_view text);

  std::vector<Pattern> patterns_;
  bool asks_for_directories_ = false;
};

/// Errors: configuration, for a pattern that can match no path of a store at `root`, or that means
/// something else in a shell or in another program: with the pattern that was meant.
void require_matchable(const std::vector<std::string>& patterns, const std::string& root);

/// The pattern that matches this path below the root, and no other.
std::string pattern_for(std::string_view path);

}  // namespace salvor::stores::disk
