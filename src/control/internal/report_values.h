#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "control/control.h"

/// What every report writes alike.
namespace salvor::control::internal {

/// Members stay in the order in which they are written: people read these documents, too.
using ReportJson = nlohmann::ordered_json;

/// The document as text; what is no UTF-8 in it gets replacement characters.
std::string text_of(const ReportJson& document, int indent = 2);

/// One drill, as status and a restore's plan show it.
ReportJson json_of_drill(const DrillSummary& drill);

/// A path for people, under `key`; where that lost something also its bytes, under `key`_hex.
void put_path(ReportJson& object, const std::string& key, std::string_view raw);

template <class Value>
ReportJson or_null(const std::optional<Value>& value) {
  return value ? ReportJson(*value) : ReportJson(nullptr);
}

}  // namespace salvor::control::internal
