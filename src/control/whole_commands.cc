#include "control/whole_commands.h"

#include <algorithm>

#include "control/internal/markdown.h"

namespace salvor::control {
namespace {

constexpr std::string_view kProgram = "salvor ";

/// Set before there are threads.
struct HowCalled {
  std::string config;
  std::vector<std::string> names;
};
HowCalled& how_called() {
  static HowCalled called;
  return called;
}

/// Whether a word begins here: in a sentence, in backticks, in parentheses.
bool begins_word(std::string_view text, std::size_t at) {
  constexpr std::string_view kBefore = " `(\"\n";
  return at == 0 || kBefore.find(text[at - 1]) != std::string_view::npos;
}

/// Whether what follows the program's name is a command. Help needs no configuration.
bool is_command(std::string_view rest) {
  constexpr std::string_view kEnds = " `,;:.)\"\n";
  constexpr std::string_view kJson = "--json ";
  if (rest.starts_with(kJson)) rest.remove_prefix(kJson.size());
  const std::size_t end = std::min(rest.find_first_of(kEnds), rest.size());
  const std::vector<std::string>& names = how_called().names;
  if (std::ranges::find(names, rest.substr(0, end)) == names.end()) return false;
  const std::size_t close = std::min(rest.find_first_of("`,;\n"), rest.size());
  return rest.substr(0, close).find(" --help") == std::string_view::npos;
}

}  // namespace

void note_how_called(std::string_view config, std::vector<std::string> names) {
  how_called() = {std::string(config), std::move(names)};
}

bool was_called_with_configuration() {
  return !how_called().config.empty();
}

std::string whole_commands(std::string_view text) {
  return whole_commands(text, how_called().config);
}

std::string whole_commands(std::string_view text, std::string_view config) {
  std::string whole;
  std::size_t done = 0;
  for (std::size_t at = text.find(kProgram); at != std::string_view::npos;
       at = text.find(kProgram, done)) {
    const std::size_t behind = at + kProgram.size();
    whole += text.substr(done, behind - done);
    if (!config.empty() && begins_word(text, at) && is_command(text.substr(behind))) {
      whole += "-c " + internal::markdown::shell_word(config) + " ";
    }
    done = behind;
  }
  return whole.append(text.substr(done));
}

}  // namespace salvor::control
