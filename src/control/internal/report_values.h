#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "control/drill.h"

/// What every report writes alike.
namespace salvor::control::internal {

/// Members stay in the order in which they are written: people read these documents, too.
using ReportJson = nlohmann::ordered_json;

/// The document as text; what is no UTF-8 in it gets replacement characters.
std::string text_of(const ReportJson& document, int indent = 2);

/// One drill, as status and a restore's plan show it.
ReportJson json_of_drill(const DrillSummary& drill);

/// A document within a document; text that is none is passed over.
ReportJson parsed(const std::string& text);

double seconds_of(std::int64_t ns);

/// A recovery point, and one of its snapshots, as every report shows them.
ReportJson json_of_snapshot(const repo::Snapshot& snapshot);
ReportJson json_of_point(const repo::Point& point);

ReportJson json_of_error(const Error& error);
ReportJson json_of_run(const catalog::RunRow& run);

/// A restore in place or a drill, with its steps and checks. `seconds`: how long it took, as far as
/// the report is about it.
ReportJson json_of_outcome(const recovery::RunOutcome& outcome, double seconds);

/// Verdicts of checks, in order.
ReportJson json_of_checks(const std::vector<checks::CheckOutcome>& checks);

/// The slots of the key ring.
ReportJson json_of_slots(const std::vector<repo::SlotInfo>& slots);

/// A path for people, under `key`; where that lost something also its bytes, under `key`_hex.
void put_path(ReportJson& object, const std::string& key, std::string_view raw);

/// Texts that may hold anything, as printable() shows them.
ReportJson shown(const std::vector<std::string>& texts);
/// The same of one; null where it is empty.
ReportJson shown_or_null(const std::string& text);

/// One value after the other, as `json_of` writes them.
template <class Values, class Function>
ReportJson list_of(const Values& values, const Function& json_of) {
  ReportJson list = ReportJson::array();
  for (const auto& value : values) list.push_back(json_of(value));
  return list;
}

}  // namespace salvor::control::internal
