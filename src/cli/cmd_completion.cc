#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/invocation.h"

namespace salvor::cli {
namespace {

/// One line of the script's table: the words that may follow a command.
void add_cases(const CLI::App& command, const std::string& name, std::string& cases) {
  std::vector<std::string> words;
  for (const CLI::App* below : command.get_subcommands(nullptr)) {
    words.push_back(below->get_name());
    add_cases(*below, name.empty() ? below->get_name() : name + " " + below->get_name(), cases);
  }
  std::vector<const CLI::App*> groups{&command};
  for (const CLI::App* group :
       command.get_subcommands([](const CLI::App* each) { return each->get_name().empty(); })) {
    groups.push_back(group);
  }
  for (const CLI::App* group : groups) {
    for (const CLI::Option* option : group->get_options()) {
      for (const std::string& each : option->get_lnames()) words.push_back("--" + each);
    }
  }
  cases += fmt::format("    '{}') words='{}' ;;\n", name, fmt::join(words, " "));
}

int print_bash(Invocation& invocation, const CLI::App& app) {
  std::string cases;
  add_cases(app, "", cases);
  std::string global;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& each : option->get_lnames()) global += " --" + each;
  }
  invocation.output().write(fmt::format(
      "# Completion of salvor for bash; made by `salvor completion bash`.\n"
      "_salvor() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}\n"
      "  local command='' words='' word skip=0 i\n"
      "  case $previous in\n"
      "    -c|--config|--into|--passphrase-file|generate)\n"
      "      COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
      "  esac\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${{COMP_WORDS[i]}}\n"
      "    if ((skip)); then skip=0; continue; fi\n"
      "    case $word in\n"
      "      -c|--config) skip=1 ;;\n"
      "      -*) ;;\n"
      "      *) case \"$command\" in\n"
      "           ''|config|keys|runs|completion) command=\"${{command:+$command }}$word\" ;;\n"
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

void add_completion(CLI::App& app, Action& action) {
  CLI::App* completion = app.add_subcommand("completion", "Print completion for a shell");
  completion->footer("Example: salvor completion bash");
  CLI::App* bash = completion->add_subcommand("bash", "Print completion for bash");
  bash->footer("Example: source <(salvor completion bash)");
  bash->callback([&action, &app] {
    action = [&app](Invocation& invocation) { return print_bash(invocation, app); };
  });
}

}  // namespace salvor::cli
