#include "base/process_identity.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/bytes.h"

namespace salvor {
namespace {

constexpr std::string_view kUnknown = "unknown";

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id.empty() ? std::string(kUnknown) : id;
}

/// Threads of a killed process may still be in a call that nothing interrupts.
bool has_other_threads(const std::string& pid) {
  std::error_code error;
  const std::filesystem::directory_iterator threads("/proc/" + pid + "/task", error);
  return !error && std::distance(begin(threads), end(threads)) > 1;
}

/// Field 22 of /proc/<pid>/stat. Empty: there is no such process, or it has ended and waits for its
/// parent (proc(5)).
std::string start_ticks(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::string line = text.str();
  // The command in parentheses may hold blanks and parentheses of its own.
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream rest(line.substr(end + 1));
  std::string field;
  rest >> field;
  const bool has_ended = field == "Z" || field == "X";
  if (has_ended && !has_other_threads(pid)) return {};
  constexpr int kAfterState = 4;
  constexpr int kStartIsField = 22;
  for (int i = kAfterState; i <= kStartIsField; ++i) rest >> field;
  return field;
}

/// Process ids are unique only within their namespace, and a container has its own.
std::string pid_namespace() {
  struct stat status {};
  return stat("/proc/self/ns/pid", &status) == 0 ? std::to_string(status.st_ino) : "unknown";
}

}  // namespace

std::string own_process_identity() {
  const std::string pid = std::to_string(getpid());
  return boot_id() + " " + pid + " " + start_ticks(pid) + " " + pid_namespace();
}

Liveness liveness_of(std::string_view process_identity) {
  std::istringstream in{std::string(process_identity)};
  std::string boot;
  std::string pid;
  std::string ticks;
  std::string space;
  in >> boot >> pid >> ticks >> space;
  if (boot != boot_id() || space != pid_namespace()) return Liveness::elsewhere;
  const bool digits = !pid.empty() && pid.find_first_not_of("0123456789") == std::string::npos;
  return digits && start_ticks(pid) == ticks && !ticks.empty() ? Liveness::alive : Liveness::dead;
}

std::optional<bool> is_of_this_boot(std::string_view process_identity) {
  const std::string boot = boot_id();
  if (boot == kUnknown) return std::nullopt;
  return process_identity.substr(0, process_identity.find(' ')) == boot;
}

std::string host_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "unknown";
  return printable(name);
}

}  // namespace salvor
