#include "testing/fake_target.h"

#include "base/error.h"
#include "base/sleeper.h"
#include "codec/hash.h"

namespace salvor::testing {
namespace {

void wait_for(const std::stop_token& stop) {
  Sleeper::system().sleep(std::int64_t{3600} * 1000, stop);
  throw Error(ErrorCode::cancelled, "stopped");
}

}  // namespace

stores::TargetIdentity FakeTarget::identify(std::int64_t /*count_ms_max*/) const {
  stores::TargetIdentity identity;
  identity.path = location_.text;
  identity.exists = true;
  identity.entries = files.size();
  return identity;
}

std::vector<stores::SelfCheck> FakeTarget::check(std::stop_token stop, const Facts&) {
  require_whole();
  if (hangs) wait_for(stop);
  return verdicts;
}

void FakeTarget::query(const std::string& sql, std::stop_token stop,
                       const std::function<bool(const Row&)>& visit) {
  ++queries;
  require_whole();
  if (hangs) wait_for(stop);
  const auto found = answers.find(sql);
  if (found == answers.end()) {
    throw Error(ErrorCode::usage, "cannot ask " + location_.text + ": syntax error");
  }
  for (const Row& row : found->second) {
    ++rows_visited;
    if (!visit(row)) return;
  }
}

std::optional<stores::PathFacts> FakeTarget::look_at(const std::string& path) {
  require_whole();
  const auto file = files.find(path);
  if (file != files.end()) return stores::PathFacts{true, file->second.size()};
  const auto below = files.lower_bound(path + "/");
  if (below != files.end() && below->first.starts_with(path + "/")) return stores::PathFacts{};
  return std::nullopt;
}

std::string FakeTarget::sha256(const std::string& path) {
  require_whole();
  const auto file = files.find(path);
  if (file == files.end()) throw Error(ErrorCode::not_found, path + " does not exist");
  return to_hex(codec::sha256(as_bytes(file->second)));
}

void FakeTarget::list(const std::function<void(const std::string& path)>& visit) {
  require_whole();
  for (const auto& [path, content] : files) visit(path);
  if (breaks_list) throw Error(ErrorCode::failed, "a directory can't be read");
}

std::unique_ptr<stores::Replacement> FakeTarget::replacement(const std::string& /*run*/,
                                                             const std::string& /*tag*/) {
  return nullptr;
}

void FakeTarget::require_whole() const {
  if (breaks) throw Error(ErrorCode::failed, "cannot read " + location_.text + ": it is broken");
}

}  // namespace salvor::testing
