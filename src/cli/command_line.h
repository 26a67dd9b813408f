#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace salvor::cli {

class Invocation;
struct GlobalOptions;
struct RunOptions;

/// What was asked for, ready to be done. Returns the exit status; errors are thrown.
using Action = std::function<int(Invocation&)>;

/// A command of the program, while it is being described. Where values go must outlive the parsing:
/// actions and what they need are kept until the end of the program.
/// Threads: one.   Lifetime: shorter than its CommandLine's; a copy is the same command.
class Verb {
 public:
  Verb(CLI::App& app, Action& chosen) : app_(&app), chosen_(&chosen) {}

  /// A command below this one. `example` closes its help.
  Verb add(const std::string& name, const std::string& what, const std::string& example);

  /// Another word that people know for this command; its help names it.
  Verb& also(const std::string& name);

  /// Arguments by position, in the order of these calls.
  Verb& required(const std::string& name, std::string& to, const std::string& help);
  Verb& optional(const std::string& name, std::string& to, const std::string& help);

  /// "-R,--recursive"
  Verb& flag(const std::string& names, bool& to, const std::string& help);
  Verb& option(const std::string& name, const std::string& value, std::string& to,
               const std::string& help);
  Verb& required_option(const std::string& name, const std::string& value, std::string& to,
                        const std::string& help);
  Verb& option(const std::string& name, const std::string& value, std::size_t& to,
               const std::string& help);
  Verb& repeated(const std::string& name, const std::string& value, std::vector<std::string>& to,
                 const std::string& help);

  /// Those of every command that carries out a run.
  Verb& run_options(RunOptions& to);

  /// What to do when it is this command that was given, and none below it.
  void action(Action action);

 private:
  CLI::App* app_;
  Action* chosen_;
};

/// The command line: which commands and options there are, and which were given. The one place that
/// knows the library that parses it.
/// Threads: one.
class CommandLine {
 public:
  /// Both are filled by parse(), and must outlive it.
  CommandLine(GlobalOptions& options, Action& chosen);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  Verb root();

  /// False when help was asked for, and printed.   Errors: usage.
  bool parse(int argc, char** argv);

  /// The first words of all commands, the other words that people know for them included.
  std::vector<std::string> command_names() const;

  /// For completion: what may follow a command ("", "keys", "keys add"): commands and options.
  struct Words {
    std::string command;
    std::vector<std::string> words;
  };
  std::vector<Words> words() const;

 private:
  std::unique_ptr<CLI::App> app_;
  GlobalOptions& options_;
  Action& chosen_;
};

}  // namespace salvor::cli
