#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/invocation.h"

namespace salvor::cli {
namespace {

int print_bash(Invocation& invocation, const CommandLine& line) {
  std::string cases;
  std::string global;
  for (const CommandLine::Words& each : line.words()) {
    cases += fmt::format("    '{}') words='{}' ;;\n", each.command, fmt::join(each.words, " "));
    if (!each.command.empty()) continue;
    for (const std::string& word : each.words) {
      if (word.starts_with('-')) global += " " + word;
    }
  }
  invocation.output().write(fmt::format(
      "# Completion of salvor for bash; made by `salvor completion bash`.\n"
      "_salvor() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}\n"
      "  local command='' words='' word skip=0 i\n"
      "  case $previous in\n"
      "    -c|--config|--into|--passphrase-file|generate|-o|--output|--key)\n"
      "      COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
      "  esac\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${{COMP_WORDS[i]}}\n"
      "    if ((skip)); then skip=0; continue; fi\n"
      "    case $word in\n"
      "      -c|--config) skip=1 ;;\n"
      "      -*) ;;\n"
      "      *) case \"$command\" in\n"
      "           ''|config|keys|runs|evidence|completion) command=\"${{command:+$command "
      "}}$word\" ;;\n"
      "         esac ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$command\" in\n"
      "{}"
      "    *) words='' ;;\n"
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words{}\" -- \"$current\"))\n"
      "}}\n"
      "complete -o default -F _salvor salvor\n",
      cases, global));
  return 0;
}

}  // namespace

void add_completion(Verb root, const CommandLine& line) {
  Verb completion =
      root.add("completion", "Print completion for a shell", "salvor completion bash");
  completion.add("bash", "Print completion for bash", "source <(salvor completion bash)")
      .action([&line](Invocation& invocation) { return print_bash(invocation, line); });
}

}  // namespace salvor::cli
