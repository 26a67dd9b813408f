#include "recovery/internal/verdicts.h"

#include "base/error.h"
#include "base/json.h"

namespace salvor::recovery::internal {
namespace {

using Json = nlohmann::ordered_json;

Verdict verdict_of(const std::string& name) {
  for (const Verdict verdict : {Verdict::passed, Verdict::failed, Verdict::impossible}) {
    if (name_of(verdict) == name) return verdict;
  }
  return Verdict::skipped;
}

}  // namespace

std::string json_of(const std::vector<CheckOutcome>& outcomes) {
  Json list = Json::array();
  for (const CheckOutcome& outcome : outcomes) {
    Json json{{"name", outcome.name},
              {"kind", outcome.kind},
              {"store", outcome.store},
              {"verdict", name_of(outcome.verdict)},
              {"expected", outcome.expected},
              {"actual", outcome.actual},
              {"command_sha256", outcome.command_sha256},
              {"output", outcome.output},
              {"seconds", outcome.seconds}};
    if (outcome.missing) json["missing"] = *outcome.missing;
    if (outcome.orphans) json["orphans"] = *outcome.orphans;
    list.push_back(std::move(json));
  }
  return write_json(list, -1, InvalidUtf8::replace);
}

std::vector<CheckOutcome> outcomes_of(std::string_view json) {
  std::vector<CheckOutcome> outcomes;
  try {
    for (const Json& item : parse_json<Json>(json)) {
      CheckOutcome& outcome = outcomes.emplace_back();
      outcome.name = item.at("name");
      outcome.kind = item.at("kind");
      outcome.store = item.at("store");
      outcome.verdict = verdict_of(item.at("verdict"));
      outcome.expected = item.at("expected");
      outcome.actual = item.at("actual");
      outcome.command_sha256 = item.at("command_sha256");
      outcome.output = item.at("output");
      outcome.seconds = item.at("seconds");
      if (item.contains("missing")) outcome.missing = item.at("missing").get<std::uint64_t>();
      if (item.contains("orphans")) outcome.orphans = item.at("orphans").get<std::uint64_t>();
    }
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corruption,
                std::string("the checks in the journal can't be understood: ") + error.what());
  }
  return outcomes;
}

void judge(RunContext& context, std::vector<CheckOutcome> outcomes) {
  std::string bad;
  for (CheckOutcome& outcome : outcomes) {
    if (!outcome.good()) {
      bad += "\n  " + printable(outcome.name) + ": expected " + printable(outcome.expected) +
             ", found " + printable(outcome.actual);
    }
    context.outcomes.push_back(std::move(outcome));
  }
  if (bad.empty() || context.plan.mode == Mode::drill) return;
  throw Error(ErrorCode::checks_failed, "the restored copy fails its checks" + bad,
              "mend the cause and go on with --resume, or go back with --undo");
}

}  // namespace salvor::recovery::internal
