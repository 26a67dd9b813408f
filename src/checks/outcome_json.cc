#include "checks/outcome_json.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace salvor::checks {
namespace {

using Json = nlohmann::ordered_json;

/// How much of each text is kept.   Units: bytes.
struct Limits {
  std::size_t passed = 0;  ///< output of a check that passed
  std::size_t failed = 0;  ///< of another one
  std::size_t others = 0;  ///< what was expected and found
};

std::string text_of(const std::vector<CheckOutcome>& outcomes, const Limits& limits) {
  Json list = Json::array();
  for (const CheckOutcome& outcome : outcomes) {
    const std::size_t output_max = outcome.good() ? limits.passed : limits.failed;
    Json json{{"name", cut(outcome.name, limits.others)},
              {"kind", outcome.kind},
              {"store", outcome.store},
              {"verdict", name_of(outcome.verdict)},
              {"expected", cut(outcome.expected, limits.others)},
              {"actual", cut(outcome.actual, limits.others)},
              {"command_sha256", outcome.command_sha256},
              {"output", cut(outcome.output, output_max)},
              {"seconds", outcome.seconds}};
    if (outcome.missing) json["missing"] = *outcome.missing;
    if (outcome.orphans) json["orphans"] = *outcome.orphans;
    list.push_back(std::move(json));
  }
  return write_json(list, -1, InvalidUtf8::replace);
}

}  // namespace

std::string cut(const std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  return text.substr(0, bytes_max) + "… (" + std::to_string(text.size()) + " bytes)";
}

Verdict verdict_of(std::string_view name) {
  if (name == name_of(Verdict::passed)) return Verdict::passed;
  // A journal of an older version has this word, and another one for what was not run.
  if (name == name_of(Verdict::failed) || name == "impossible") return Verdict::failed;
  return Verdict::skipped;
}

std::string json_of(const std::vector<CheckOutcome>& outcomes) {
  // A journal record takes 16 MiB, and its escapes may double what is written here.
  constexpr std::size_t kBytesMax = 4U << 20U;
  constexpr std::size_t kPassedBytesMax = 4U << 10U;
  constexpr std::size_t kFailedBytesMax = 64U << 10U;
  std::string text = text_of(outcomes, {kPassedBytesMax, kFailedBytesMax, kFailedBytesMax});
  // Where all of them together are too long, each gets less.
  for (std::size_t limit = kFailedBytesMax; text.size() > kBytesMax && limit > 0; limit /= 4) {
    text = text_of(outcomes, {std::min(kPassedBytesMax, limit), limit, limit});
  }
  return text;
}

std::vector<CheckOutcome> outcomes_of(std::string_view json) {
  std::vector<CheckOutcome> outcomes;
  try {
    for (const Json& item : parse_json<Json>(json)) {
      CheckOutcome& outcome = outcomes.emplace_back();
      outcome.name = item.at("name");
      outcome.kind = item.at("kind");
      outcome.store = item.at("store");
      outcome.verdict = verdict_of(item.at("verdict").get<std::string>());
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

}  // namespace salvor::checks
