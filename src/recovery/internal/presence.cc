#include "recovery/internal/presence.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/process_identity.h"
#include "base/random.h"
#include "base/remove_tree.h"

namespace salvor::recovery::internal {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kFile = "token";
constexpr std::size_t kTokenBytes = 16;
constexpr std::uint64_t kFileBytesMax = 4096;

/// Empty where there is none.
std::string token_in(const fs::path& directory) {
  struct stat status {};
  const fs::path file = directory / kFile;
  if (lstat(file.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    throw_system_error("cannot look at", file.native(), errno);
  }
  return std::string(as_text(read_file(file, kFileBytesMax)));
}

std::string token_of(const fs::path& directory) {
  if (std::string found = token_in(directory); !found.empty()) return found;
  Bytes random(kTokenBytes);
  Rng::system().fill(random);
  std::string token = to_hex(random);
  write_file_atomically(directory / kFile, as_bytes(token));
  return token;
}

/// The machine's id, for messages: two hosts may have the same name.
std::string machine() {
  try {
    std::string id(as_text(read_file("/etc/machine-id", kFileBytesMax)));
    return id.substr(0, id.find('\n'));
  } catch (const Error&) {
    return {};  // not every system has one
  }
}

bool is_mount_point(const fs::path& path) {
  struct stat status {};
  struct stat above {};
  return stat(path.c_str(), &status) == 0 && stat(path.parent_path().c_str(), &above) == 0 &&
         status.st_dev != above.st_dev;
}

/// An undo notes that it removes the workplaces. From then on a missing one is no error.
bool is_being_removed(const Journal& journal) {
  return std::ranges::any_of(journal.entries(), [](const JournalEntry& entry) {
    return entry.event == Event::undoing && entry.step == StepKind::provision;
  });
}

const JournalEntry* provisioned(const Journal& journal) {
  const JournalEntry* found = nullptr;
  for (const JournalEntry& entry : journal.entries()) {
    if (entry.event == Event::done && entry.step == StepKind::provision) found = &entry;
  }
  return found;
}

/// Versions before tokens left none: look for the workplace itself.
std::string missing_workplaces(RunContext& context) {
  std::string missing;
  if (context.journal.has(Event::undoing)) return missing;
  for (const StorePlan& store : context.plan.stores) {
    if (store.delta_in_place || context.replacement_of(store).state().provisioned) continue;
    missing += fmt::format("\n  store {}: found no {}", store.name,
                           printable(context.replacement_of(store).workplace().text));
  }
  return missing;
}

std::string missing_tokens(RunContext& context, const std::vector<Token>& tokens) {
  std::string missing;
  for (const Token& token : tokens) {
    const StorePlan* store = context.plan.find(token.store);
    if (store == nullptr || is_here(context, *store, token)) continue;
    missing += fmt::format(
        "\n  store {}: found no {} with the run's token (there: device {}, "
        "inode {})",
        token.store, printable(token.path), token.device, token.inode);
  }
  return missing;
}

/// What identifies a live path on every host that mounts its medium, and after a reboot. Device
/// numbers change with both. Null where nothing is there.
Json nature_of(const fs::path& path) {
  struct statx status {};
  if (statx(AT_FDCWD, path.c_str(), 0, STATX_INO | STATX_BTIME, &status) != 0) return nullptr;
  Json nature{{"inode", status.stx_ino}};
  // Network file systems seldom have a time of birth.
  const bool has_birth = (status.stx_mask & STATX_BTIME) != 0;
  const auto& born = status.stx_btime;
  if (has_birth) nature["born"] = fmt::format("{}.{:09}", born.tv_sec, born.tv_nsec);
  return nature;
}

/// For a store that is missing: what identifies the nearest directory above it that exists. Null
/// where nothing can. Directories of a root file system come from an image that two hosts may
/// share, and without times of birth the inode numbers of two network file systems are often equal.
Json nature_above(fs::path path) {
  Json nature;
  while (nature.is_null() && path.has_relative_path()) {
    path = path.parent_path();
    nature = nature_of(path);
  }
  struct stat status {};
  struct stat root {};
  const bool is_known = stat(path.c_str(), &status) == 0 && stat("/", &root) == 0;
  if (!is_known || status.st_dev == root.st_dev || !nature.contains("born")) return nullptr;
  nature["path"] = path.native();
  return nature;
}

bool is_same(const Json& then, const Json& now) {
  if (then.at("inode") != now.at("inode")) return false;
  return !then.contains("born") || !now.contains("born") || then.at("born") == now.at("born");
}

/// How a store differs from the one with which the run began; empty: it does not.
/// `then`: null where the store was missing, and nothing more is known.
std::string difference(const Json& then, const std::string& path) {
  const bool was_missing = then.is_null() || then.at("inode").is_null();
  const Json now = nature_of(path);
  if (was_missing && !now.is_null()) return "is here, and was missing there";
  if (was_missing) {
    const Json above = nature_above(path);
    const bool is_known =
        then.is_object() && !above.is_null() && then.value("above", Json()) == above;
    return is_known ? "" : "was missing there, and nothing tells that this is the same storage";
  }
  if (now.is_null()) return "is missing";
  return is_same(then, now) ? "" : "is another one";
}

/// The stores that are not what they were when the run began, a line each.
std::string other_stores(RunContext& context, const Json& begun) {
  std::string others;
  for (const StorePlan& store : context.plan.stores) {
    if (!context.live_of(store).location().is_path()) continue;
    Json then;
    for (const Json& known : begun.at("stores")) {
      if (known.at("store") == store.name) then = known;
    }
    const std::string what = difference(then, store.path);
    if (what.empty()) continue;
    others += fmt::format("\n  store {}: {} {}", store.name, printable(store.path), what);
  }
  return others;
}

/// A run that was killed before it had workplaces may have locked the service on its own host.
void require_begun_here(RunContext& context) {
  const Journal& journal = context.journal;
  const JournalEntry* const first = journal.first_beginning(StepKind::preflight);
  const bool has_begun = first != nullptr;
  // A run that has not begun has touched nothing, so any host may end it.
  if (!has_begun && context.undoing) return;
  const Json begun = has_begun ? try_parse_json<Json>(first->data) : Json();
  const std::string host = has_begun ? first->host : journal.entries().front().host;
  std::string others;
  try {
    const bool is_other = begun.is_object() && begun.at("machine") != machine();
    if (host == host_name() && !is_other) return;
    if (begun.is_object()) others = other_stores(context, begun);
    if (has_begun && others.empty()) return;
  } catch (const Json::exception&) {
    return;  // of a version that has said nothing of it
  }
  throw Error(
      ErrorCode::refused,
      fmt::format("run {} {} on host {}, and this is host {}{}{}", context.plan.run,
                  has_begun ? "has begun" : "was to begin", printable(host), printable(host_name()),
                  others.empty() ? "" : ", which has other stores, as far as can be told:", others),
      fmt::format("run the command on host {}; where that is gone, abandon the run and begin a new "
                  "restore: salvor restore --abandon {} --confirm {}",
                  printable(host), context.plan.run, printable(context.plan.service)));
}

}  // namespace

std::string describe_stores(RunContext& context) {
  Json stores = Json::array();
  for (const StorePlan& store : context.plan.stores) {
    if (!context.live_of(store).location().is_path()) continue;
    Json described = nature_of(store.path);
    if (described.is_null()) described = {{"inode", nullptr}, {"above", nature_above(store.path)}};
    described["store"] = store.name;
    described["path"] = store.path;
    stores.push_back(std::move(described));
  }
  return write_json(Json{{"machine", machine()}, {"stores", std::move(stores)}}, -1,
                    InvalidUtf8::replace);
}

fs::path place_of_token(RunContext& context, const StorePlan& store) {
  const fs::path workplace = context.replacement_of(store).workplace().path;
  if (!store.delta_in_place || workplace.empty()) return workplace;
  const fs::path live = fs::weakly_canonical(store.path);
  // Backups skip this name, and restores do not move it aside.
  return is_mount_point(live) ? live / (".salvor-aside-" + context.plan.run) : workplace;
}

std::string leave_tokens(RunContext& context) {
  Json places = Json::array();
  for (const StorePlan& store : context.plan.stores) {
    const fs::path place = place_of_token(context, store);
    if (place.empty()) continue;
    if (store.delta_in_place) make_private_directories(place);
    const std::string token = token_of(place);
    sync_directory(place.parent_path());
    struct stat status {};
    stat(place.c_str(), &status);
    places.push_back({{"store", store.name},
                      {"path", place.native()},
                      {"token", token},
                      {"device", status.st_dev},
                      {"inode", status.st_ino}});
    context.journal.reach("provision:token:" + store.name);
  }
  return write_json(Json{{"machine", machine()}, {"workplaces", std::move(places)}}, -1,
                    InvalidUtf8::replace);
}

void remove_token(RunContext& context, const StorePlan& store) {
  const fs::path place = place_of_token(context, store);
  if (store.delta_in_place && fs::exists(place)) remove_tree(place);
}

std::vector<Token> tokens_in(const Journal& journal) {
  std::vector<Token> tokens;
  const JournalEntry* entry = provisioned(journal);
  if (entry == nullptr || entry->data.empty()) return tokens;
  try {
    const Json data = parse_json<Json>(entry->data);
    for (const Json& json : data.at("workplaces")) {
      tokens.push_back({json.at("store"), json.at("path"), json.at("token"), json.at("device"),
                        json.at("inode")});
    }
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corruption,
                std::string("the workplaces in the journal can't be understood: ") + error.what());
  }
  return tokens;
}

bool is_here(RunContext& context, const StorePlan& store, const Token& token) {
  return token_in(place_of_token(context, store)) == token.token;
}

void require_here(RunContext& context) {
  const Journal& journal = context.journal;
  if (is_being_removed(journal)) return;
  if (!journal.done(StepKind::provision)) return require_begun_here(context);
  const std::vector<Token> tokens = tokens_in(journal);
  const std::string missing =
      tokens.empty() ? missing_workplaces(context) : missing_tokens(context, tokens);
  if (missing.empty()) return;
  const std::string host = printable(provisioned(journal)->host);
  throw Error(
      ErrorCode::refused,
      fmt::format("run {} has its workplaces on host {}, and this host ({}) lacks:{}",
                  context.plan.run, host, printable(host_name()), missing),
      fmt::format("mount the volume that has them, or run the command on host {}; where they are "
                  "gone for good, abandon the run: salvor restore --abandon {} --confirm {}",
                  host, context.plan.run, printable(context.plan.service)));
}

}  // namespace salvor::recovery::internal
