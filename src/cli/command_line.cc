#include "cli/command_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <iostream>
#include <sstream>

#include "base/bytes.h"
#include "base/error.h"
#include "base/nearest_name.h"
#include "cli/invocation.h"

namespace salvor::cli {
namespace {

constexpr const char* kFooter =
    "Every command explains itself: salvor COMMAND --help, or salvor help COMMAND\n"
    "The configuration is searched as --config, $SALVOR_CONFIG, ./salvor.toml,\n"
    "/etc/salvor/salvor.toml.\n\n"
    "Exit status: 0 done, 1 failed, 2 usage, 3 configuration, 4 not found,\n"
    "5 corruption, 6 refused by a guard, 7 conflict, 8 unreachable,\n"
    "9 checks failed, 130 interrupted";

/// Where the help has the name of an option.
constexpr std::size_t kOptionColumn = 2;

void add_global_options(CLI::App& app, GlobalOptions& options) {
  app.add_option("-c,--config", options.config, "the configuration file")->type_name("FILE");
  app.add_flag("--json", options.json, "print one JSON document instead of text");
  app.add_flag("-q,--quiet", options.quiet, "no progress, and no report of what was done");
  app.add_flag("-v,--verbose", options.verbose, "write more on standard error");
  app.add_flag("--version", options.version, "print the version");
}

/// The last command that was understood. The user needs its help.
const CLI::App& innermost(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

std::string full_name(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : full_name(*parent) + " " + app.get_name();
}

std::string see_help(const CLI::App& command) {
  return fmt::format("see `{} --help`", full_name(command));
}

/// The options of this command and of those above it, which may stand after it, too.
std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* app = &command; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& each : option->get_lnames()) names.push_back("--" + each);
    }
  }
  return names;
}

/// The words that were given after `salvor`.
using GivenWords = std::vector<std::string>;

/// Whether a word stands in front of the command.
bool is_in_front(const CLI::App& root, const std::string& word, const GivenWords& given) {
  if (root.get_subcommands().empty()) return false;
  const CLI::App& command = *root.get_subcommands().front();
  const auto at = std::ranges::find_if(
      given, [&command](const std::string& each) { return command.check_name(each); });
  return std::find(given.begin(), at, word) != at;
}

/// The first command that takes an option, seen from one above it; null: none does.
const CLI::App* taker_of(const std::string& option, const CLI::App& app) {
  const std::vector<std::string> names = option_names(app);
  if (std::ranges::find(names, option) != names.end()) return &app;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (const CLI::App* taker = taker_of(option, *command)) return taker;
  }
  return nullptr;
}

/// All options: of a command, of those above it, and of those below it.
std::vector<std::string> all_option_names(const CLI::App& app) {
  std::vector<std::string> names = option_names(app);
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    for (std::string& name : all_option_names(*command)) names.push_back(std::move(name));
  }
  return names;
}

/// Reports an option that its command does not know.
Error unknown_option(const CLI::App& root, const std::string& word, const GivenWords& given) {
  const CLI::App& command = innermost(root);
  const std::string name = word.substr(0, word.find('='));
  const bool is_root = command.get_parent() == nullptr;
  const auto names = is_root ? all_option_names(command) : option_names(command);
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const auto nearest = nearest_name(name, candidates);
  const std::string message =
      fmt::format("`{}` has no option {}", full_name(command), printable(name));
  if (!nearest) return {ErrorCode::usage, message, see_help(command)};
  const CLI::App* taker = taker_of(std::string(*nearest), root);
  const bool is_misplaced = taker != &root && (is_root || is_in_front(root, word, given));
  if (!is_misplaced) {
    return {ErrorCode::usage, message,
            fmt::format("did you mean {}? {}", *nearest, see_help(command))};
  }
  if (!is_root) taker = &command;
  const std::string place = fmt::format("it goes after the command, as in `{} {}`; {}",
                                        full_name(*taker), *nearest, see_help(*taker));
  if (*nearest != name) {
    return {ErrorCode::usage, message, fmt::format("did you mean {}? {}", *nearest, place)};
  }
  return {ErrorCode::usage,
          fmt::format("option {} stands in front of the command, expected after it", name), place};
}

bool is_option(const std::string& word) {
  return word.size() > 1 && word.starts_with('-');
}

Error unexpected_argument(const CLI::App& command, const std::string& word) {
  return {
      ErrorCode::usage,
      fmt::format("`{}` does not take the argument \"{}\"", full_name(command), printable(word)),
      see_help(command)};
}

/// Reports words that the command does not take: the first option among them, else the first word.
Error unexpected(const CLI::App& root, const std::vector<std::string>& rest,
                 const GivenWords& given) {
  const auto option = std::ranges::find_if(rest, is_option);
  return option != rest.end() ? unknown_option(root, *option, given)
                              : unexpected_argument(innermost(root), rest.front());
}

/// What the library says of the values of an option. Its text begins with the option's name.
Error wrong_values(const CLI::App& command, const std::string& what) {
  constexpr std::string_view kConverted = "Could not convert: ";
  if (what.starts_with(kConverted)) {
    // Words are always taken, and read_count() reads numbers. So the option is a flag.
    const std::string rest = what.substr(kConverted.size());
    return {ErrorCode::usage,
            fmt::format("option {} takes no value", rest.substr(0, rest.find(' '))),
            see_help(command)};
  }
  const bool repeated = what.find("received") != std::string::npos;
  return {ErrorCode::usage,
          fmt::format(
              "option {} {}", what.substr(0, what.find(':')),
              repeated ? "was given several times, expected once" : "has no value, expected one"),
          see_help(command)};
}

/// Empty: require_values() says so.   Errors: usage.
std::size_t read_count(const CLI::App& command, const std::string& name, const std::string& text) {
  std::size_t count = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, count);
  if (text.empty() || (read.ec == std::errc() && read.ptr == end)) return count;
  throw Error(
      ErrorCode::usage,
      fmt::format("option {} is \"{}\", expected a whole number, 0 or more", name, printable(text)),
      see_help(command));
}

/// No command, or one that there is not. `rest`: what was not understood.
Error missing_command(const CLI::App& app, const std::vector<std::string>& rest) {
  const auto word = std::find_if(rest.begin(), rest.end(),
                                 [](const std::string& each) { return !each.starts_with('-'); });
  if (word == rest.end()) {
    return {ErrorCode::usage, "no command given",
            fmt::format("`{} --help` lists the commands", full_name(app))};
  }
  if (word->empty()) {
    return {ErrorCode::usage,
            fmt::format("the word after `{}` is empty, expected a command", full_name(app)),
            fmt::format("check that the variable is set; `{} --help` lists the commands",
                        full_name(app))};
  }
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  return {ErrorCode::usage,
          fmt::format("there is no command \"{}\"", printable(full_name(app) + " " + *word)),
          suggest(*word, candidates)};
}

Error usage_error(const CLI::App& app, const CLI::ParseError& error, const GivenWords& given) {
  const CLI::App& command = innermost(app);
  // Only --help was given, for a command that needs another one below it.
  const bool needs_more = command.get_parent() == nullptr || command.get_options().size() == 1;
  const std::vector<std::string> rest = app.remaining(true);
  const bool unknown_word = std::any_of(
      rest.begin(), rest.end(), [](const std::string& each) { return !each.starts_with('-'); });
  const bool option_first = !rest.empty() && is_option(rest.front());
  if (unknown_word && !option_first && needs_more && !command.get_subcommands(nullptr).empty()) {
    return missing_command(command, rest);
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !rest.empty()) {
    return unexpected(app, rest, given);
  }
  std::string message = printable(error.what());
  const bool is_of_values = dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr ||
                            dynamic_cast<const CLI::ConversionError*>(&error) != nullptr;
  if (is_of_values) return wrong_values(command, message);
  // The library writes sentences; but "SERVICE is required" keeps its name.
  if (message.size() > 1 && std::islower(static_cast<unsigned char>(message[1])) != 0) {
    message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
  }
  return {ErrorCode::usage, message, see_help(command)};
}

/// An empty value comes from a variable that is not set. It must not mean the same as no option.
/// Checks the options of all commands that were given.
void require_values(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    const std::vector<std::string>& values = option->results();
    if (std::none_of(values.begin(), values.end(),
                     [](const std::string& value) { return value.empty(); })) {
      continue;
    }
    const std::string name = option->get_name();
    const bool positional = option->get_positional();
    throw Error(
        ErrorCode::usage,
        fmt::format("{} {} is empty, expected a value", positional ? "argument" : "option", name),
        fmt::format("check that the variable is set, or leave the argument out; see `{} --help`",
                    full_name(app)));
  }
  for (const CLI::App* below : app.get_subcommands()) require_values(*below);
}

/// In `salvor runs show A B` the library gives B to `salvor runs`, which would ignore it.
void require_own_words(const CLI::App& app) {
  if (app.get_subcommands().empty()) return;
  const CLI::App& command = innermost(app);
  for (const CLI::App* above = command.get_parent(); above->get_parent() != nullptr;
       above = above->get_parent()) {
    for (const CLI::Option* option : above->get_options()) {
      if (option->results().empty()) continue;
      if (option->get_positional()) throw unexpected_argument(command, option->results().front());
      throw Error(ErrorCode::usage,
                  fmt::format("`{}` has no option {}", full_name(command), option->get_name()),
                  see_help(command));
    }
  }
}

/// For "--into=" the library would take the next word as the value.
void require_written_values(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--") return;
    if (!word.starts_with("--") || word.find('=') != word.size() - 1) continue;
    throw Error(ErrorCode::usage,
                fmt::format("option {} is empty, expected a value",
                            printable(word.substr(0, word.size() - 1))),
                "check that the variable is set, or leave the option out");
  }
}

/// `salvor help restore` is `salvor restore --help`, for those who know other programs.
std::vector<std::string> with_help(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "-c" || words[i] == "--config") {
      ++i;
    } else if (words[i] == "help") {
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(i));
      words.emplace_back("--help");
      break;
    } else if (!words[i].starts_with('-')) {
      break;
    }
  }
  return words;
}

void collect_words(const CLI::App& command, const std::string& name,
                   std::vector<CommandLine::Words>& all) {
  CommandLine::Words words{name, {}};
  for (const CLI::App* below : command.get_subcommands(nullptr)) {
    words.words.push_back(below->get_name());
    collect_words(*below, name.empty() ? below->get_name() : name + " " + below->get_name(), all);
  }
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& each : option->get_lnames()) words.words.push_back("--" + each);
  }
  all.push_back(std::move(words));
}

/// The help with what it says of each option in a column of its own.
std::string help_within(const std::string& help, std::optional<std::size_t> columns) {
  if (!columns) return help;
  std::istringstream lines(help);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find_first_not_of(' ');
    // Beside an option, or alone on a line after a long one.
    std::size_t column = begin == std::string::npos || begin <= kOptionColumn ? 0 : begin;
    if (begin == kOptionColumn) {
      const std::size_t gap = line.find("  ", begin);
      if (gap != std::string::npos) column = line.find_first_not_of(' ', gap);
      if (column == std::string::npos) column = 0;
    }
    const std::string indent(column, ' ');
    bool first = true;
    for (const std::string& part :
         wrapped(std::string_view(line).substr(column), *columns - column)) {
      text += (first ? line.substr(0, column) : indent) + part + '\n';
      first = false;
    }
  }
  return text;
}

}  // namespace

Verb Verb::add(const std::string& name, const std::string& what, const std::string& example) {
  CLI::App* added = app_->add_subcommand(name, what);
  added->footer("Example: " + example);
  return {*added, *chosen_};
}

Verb& Verb::also(const std::string& name) {
  app_->alias(name);
  app_->description(app_->get_description() + fmt::format(" (also: {})", name));
  return *this;
}

Verb& Verb::required(const std::string& name, std::string& to, const std::string& help) {
  app_->add_option(name, to, help)->required();
  return *this;
}

Verb& Verb::optional(const std::string& name, std::string& to, const std::string& help) {
  app_->add_option(name, to, help);
  return *this;
}

Verb& Verb::flag(const std::string& names, bool& to, const std::string& help) {
  app_->add_flag(names, to, help);
  return *this;
}

Verb& Verb::option(const std::string& name, const std::string& value, std::string& to,
                   const std::string& help) {
  app_->add_option(name, to, help)->type_name(value);
  return *this;
}

Verb& Verb::required_option(const std::string& name, const std::string& value, std::string& to,
                            const std::string& help) {
  app_->add_option(name, to, help)->type_name(value)->required();
  return *this;
}

Verb& Verb::option(const std::string& name, const std::string& value, std::size_t& to,
                   const std::string& help) {
  const auto read = [app = app_, name, &to](const std::string& text) {
    to = read_count(*app, name, text);
  };
  app_->add_option_function<std::string>(name, read, help)->type_name(value);
  return *this;
}

Verb& Verb::repeated(const std::string& name, const std::string& value,
                     std::vector<std::string>& to, const std::string& help) {
  // Take one value for each option: `--store db shop` must not take the service for a store.
  app_->add_option(name, to, help)->type_name(value)->allow_extra_args(false);
  return *this;
}

Verb& Verb::run_options(RunOptions& to) {
  return option("--events", "FD", to.events,
                "write what happens to this open descriptor, one JSON object a line")
      .option("--started-by", "WHO", to.started_by,
              "who has started the run: the evidence says that it was told so")
      .option("--approved-by", "WHO", to.approved_by,
              "who has approved the run: the evidence says that it was told so");
}

void Verb::action(Action action) {
  app_->callback([app = app_, chosen = chosen_, action = std::move(action)] {
    if (app->get_subcommands().empty()) *chosen = action;
  });
}

CommandLine::CommandLine(GlobalOptions& options, Action& chosen)
    : app_(std::make_unique<CLI::App>(
          "salvor: backup and restore of everything that a service needs to come back", "salvor")),
      options_(options),
      chosen_(chosen) {
  app_->fallthrough();
  app_->footer(kFooter);
  app_->get_formatter()->label("TEXT", "");
  add_global_options(*app_, options);
}

CommandLine::~CommandLine() = default;

Verb CommandLine::root() {
  return {*app_, chosen_};
}

bool CommandLine::parse(int argc, char** argv) {
  require_written_values(argc, argv);
  try {
    std::vector<std::string> words = with_help(argc, argv);
    std::ranges::reverse(words);  // as the library wants them
    app_->parse(std::move(words));
  } catch (const CLI::CallForHelp& help) {
    // Help of what there is not is no help.
    const std::vector<std::string> rest = app_->remaining(true);
    const bool is_of_root = app_->get_subcommands().empty();
    if (is_of_root &&
        std::ranges::any_of(rest, [](const std::string& word) { return !word.starts_with('-'); })) {
      throw missing_command(*app_, rest);
    }
    std::ostringstream text;
    app_->exit(help, text, std::cerr);
    std::cout << help_within(text.str(), Look::of(STDOUT_FILENO).columns);
    return false;
  } catch (const CLI::ParseError& error) {
    throw usage_error(*app_, error, {argv + 1, argv + argc});
  }
  require_values(*app_);
  require_own_words(*app_);
  if (!chosen_ && !options_.version) throw missing_command(innermost(*app_), {});
  return true;
}

std::vector<std::string> CommandLine::command_names() const {
  std::vector<std::string> names;
  for (const CLI::App* command : app_->get_subcommands(nullptr)) {
    names.push_back(command->get_name());
    for (const std::string& alias : command->get_aliases()) names.push_back(alias);
  }
  return names;
}

std::vector<CommandLine::Words> CommandLine::words() const {
  std::vector<Words> all;
  collect_words(*app_, "", all);
  return all;
}

}  // namespace salvor::cli
