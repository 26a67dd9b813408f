#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

/// The restore runbook of a service: what somebody who was woken at night needs, in Markdown.
namespace salvor::control::internal {

struct RunbookStore {
  std::string name;
  std::string type;
  std::string path;
  std::string restored_as;  ///< what `restore --into DIR` makes of it, relative to DIR
};

/// A command of the service, and what it is for: "holds writes".
struct RunbookCommand {
  std::string purpose;
  std::string run;
};

/// A check, and what it asks.
struct RunbookCheck {
  std::string name;
  std::string kind;
  std::string asks;
};

struct RunbookPoint {
  std::string id;
  Time time;
};

/// A phase or a step of the last drill.   Units: seconds.
struct RunbookPhase {
  std::string name;
  std::string result;
  double seconds = 0;
};

struct RunbookDrill {
  std::string run;
  Time time;
  std::string state;
  double seconds = 0;
  std::vector<RunbookPhase> phases;
  std::vector<std::string> failed_checks;
};

/// What opens the repository, in words, and as the lines of a minimal salvor.toml.
struct RunbookKey {
  std::string where;
  std::string toml;
};

/// Everything that the runbook says. A value.   Units: seconds; paths as raw bytes.
struct RunbookData {
  std::string service;
  std::string owner;
  std::string severity;
  std::string version;  ///< of salvor
  Time updated;
  std::vector<std::string> contacts;
  std::vector<std::string> links;

  std::string config_file;
  std::string host;
  std::string repository;
  std::vector<RunbookKey> keys;

  std::vector<RunbookStore> stores;
  std::vector<RunbookCommand> locking;  ///< empty: writes are not held
  std::vector<RunbookCommand> steps;    ///< after the stores are restored, in order
  std::vector<RunbookCheck> checks;

  bool points_known = true;  ///< the repository could be opened, or is not there
  std::optional<RunbookPoint> newest;
  std::optional<double> achieved_rpo_s;
  std::optional<std::int64_t> rpo_s;
  std::optional<std::int64_t> rto_s;
  std::optional<double> proven_rto_s;
  std::optional<RunbookDrill> last_drill;
  std::vector<std::string> gaps;
};

/// The whole document. No name, path or command can break out of where it is shown.
/// Errors: none.   Threads: a plain function.
std::string render_runbook(const RunbookData& data);

}  // namespace salvor::control::internal
