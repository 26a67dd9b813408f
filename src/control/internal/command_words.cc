#include "control/internal/command_words.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "base/error.h"

namespace salvor::control::internal {
namespace {

namespace fs = std::filesystem;

/// What /bin/sh knows by itself.   Source: POSIX.1-2017, Shell Command Language, and dash(1).
constexpr std::array<std::string_view, 55> kShellWords = {
    ".",     ":",       "[",        "alias",  "bg",     "break", "case",    "cd",
    "chdir", "command", "continue", "do",     "done",   "echo",  "elif",    "else",
    "esac",  "eval",    "exec",     "exit",   "export", "false", "fg",      "fi",
    "for",   "getopts", "hash",     "if",     "jobs",   "kill",  "local",   "printf",
    "pwd",   "read",    "readonly", "return", "set",    "shift", "test",    "then",
    "times", "trap",    "true",     "type",   "ulimit", "umask", "unalias", "unset",
    "until", "wait",    "while",    "{",      "}",      "!",     "function"};

/// Whether a word names something as it stands, without quotes or expansion.
bool is_plain(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("/._+-@,:%").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

/// NAME=value before a command. The value may be quoted or expanded, but then it is one word.
bool is_assignment(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == 0 || equals == std::string_view::npos) return false;
  return std::ranges::all_of(word.substr(0, equals),
                             [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

bool is_executable_file(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

struct Named {
  std::string name;
  std::string run;
};

void add_checks(const std::vector<service::Check>& checks, const std::string& section,
                std::vector<Named>& commands) {
  for (const service::Check& check : checks) {
    if (service::kind_of(check).asks != service::Asks::command) continue;
    commands.push_back({section + " \"" + check.name + "\"", service::asked_by(check)});
  }
}

std::vector<Named> commands_of(const service::Service& service) {
  std::vector<Named> commands;
  if (service.writes) {
    commands.push_back({"writes.lock", service.writes->lock.run});
    commands.push_back({"writes.unlock", service.writes->unlock.run});
    if (service.writes->locked) commands.push_back({"writes.locked", service.writes->locked->run});
  }
  if (service.migrate) {
    if (service.migrate->needed)
      commands.push_back({"migrate.needed", service.migrate->needed->run});
    commands.push_back({"migrate.run", service.migrate->run.run});
  }
  for (const service::Rebuild& rebuild : service.rebuilds) {
    commands.push_back({"rebuild \"" + rebuild.name + "\"", rebuild.run.run});
  }
  add_checks(service.checks, "check", commands);
  if (service.return_to_service) commands.push_back({"return.run", service.return_to_service->run});
  if (service.watch) add_checks(service.watch->probes, "watch.probe", commands);
  return commands;
}

}  // namespace

std::optional<std::string> first_program(const std::string& command) {
  std::istringstream words(command);
  std::string word;
  while (words >> word) {
    if (word == "!") continue;
    if (is_assignment(word)) {
      // A quoted value with blanks can't be split into words here.
      if (std::ranges::count(word, '"') % 2 != 0 || std::ranges::count(word, '\'') % 2 != 0 ||
          word.find("$(") != std::string::npos || word.find('`') != std::string::npos) {
        return std::nullopt;
      }
      continue;
    }
    while (!word.empty() && (word.back() == ';' || word.back() == '&')) word.pop_back();
    if (!is_plain(word)) return std::nullopt;
    if (std::ranges::find(kShellWords, word) != kShellWords.end()) return std::nullopt;
    return word;
  }
  return std::nullopt;
}

bool is_program(const std::string& word, const fs::path& directory) {
  if (word.find('/') != std::string::npos) return is_executable_file(directory / word);
  const char* path = std::getenv("PATH");
  std::istringstream places(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path);
  std::string place;
  while (std::getline(places, place, ':')) {
    // An empty entry of PATH is the directory where the command runs.
    if (is_executable_file(directory / place / word)) return true;
  }
  return false;
}

std::vector<std::string> commands_not_found(const config::Config& config) {
  std::vector<std::string> warnings;
  const fs::path directory = config.file.parent_path();
  for (const service::Service& service : config.services) {
    for (const Named& command : commands_of(service)) {
      const auto program = first_program(command.run);
      if (!program || is_program(*program, directory)) continue;
      warnings.push_back(fmt::format("service {}: {}: found no program \"{}\"", service.name,
                                     command.name, printable(*program)));
    }
  }
  return warnings;
}

}  // namespace salvor::control::internal
