#include "cli/run_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/json.h"

namespace salvor::cli {
namespace {

using Report = nlohmann::ordered_json;

/// Rows of a table, and lines of a list.
constexpr std::size_t kSummaryRowsMax = 20;

bool is_duration(std::string_view name) {
  return name.ends_with("_s");
}

/// "duration_s" → "duration": the unit is written beside the number.
std::string label_of(std::string_view name) {
  return in_words(is_duration(name) ? name.substr(0, name.size() - 2) : name);
}

std::string text_of_value(const std::string& name, const Report& value) {
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) {
    const auto text = printable(value.get<std::string>());
    const auto time = name == "time" ? parse_time(text) : std::nullopt;
    return time ? local_time(*time) : text;
  }
  if (is_duration(name)) return human_duration(value.get<double>());
  if (!value.is_number_unsigned()) return write_json(value);
  const auto number = value.get<std::uint64_t>();
  return name.find("bytes") == std::string::npos ? with_commas(number) : human_bytes(number);
}

/// Whether it is one value, and says something.
bool is_worth_a_cell(const Report& value) {
  return value.is_primitive() && !value.is_null() && value != "" && value != 0;
}

/// The members that some row has a value for.
std::vector<std::string> columns_of(const Report& rows) {
  std::vector<std::string> columns;
  for (const Report& row : rows) {
    for (const auto& [name, value] : row.items()) {
      const bool is_known = std::ranges::find(columns, name) != columns.end();
      if (!is_known && is_worth_a_cell(value)) columns.push_back(name);
    }
  }
  return columns;
}

std::string head_of(const std::string& column, const Report& rows) {
  std::string head = label_of(column);
  std::ranges::transform(head, head.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  const bool is_number = rows.front().contains(column) && rows.front()[column].is_number();
  return is_number ? ">" + head : head;
}

void show_rows(Output& output, const Report& rows) {
  const std::vector<std::string> columns = columns_of(rows);
  std::vector<std::string> heads;
  for (const std::string& column : columns) heads.push_back(head_of(column, rows));
  Table table(heads);
  for (std::size_t i = 0; i < std::min(rows.size(), kSummaryRowsMax); ++i) {
    std::vector<std::string> cells;
    for (const std::string& column : columns) {
      const auto value = rows[i].find(column);
      const bool is_there = value != rows[i].end() && value->is_primitive() && !value->is_null();
      cells.push_back(is_there ? text_of_value(column, *value) : "-");
    }
    table.row(cells);
  }
  output.table(table);
}

void show_list(Output& output, const std::string& name, const Report& list,
               const control::RunRow& run) {
  if (list.empty()) return;
  if (list.front().is_object()) {
    show_rows(output, list);
  } else {
    for (std::size_t i = 0; i < std::min(list.size(), kSummaryRowsMax); ++i) {
      output.line(label_of(name) + ": " + text_of_value(name, list[i]));
    }
  }
  if (list.size() <= kSummaryRowsMax) return;
  output.line(fmt::format("and {} more: salvor --json runs show {} lists all of them",
                          with_commas(list.size() - kSummaryRowsMax), run.id.text));
}

}  // namespace

void show_summary(Output& output, const control::RunRow& run) {
  constexpr std::size_t kHeadWidth = 8;  // of what `runs show` says of every run
  // Other lines show these already; a point counts as good unless they say otherwise.
  constexpr std::array<std::string_view, 4> kTold{"run", "service", "mode", "error"};
  const Report report = try_parse_json<Report>(run.summary_json);
  if (!report.is_object()) return;
  const auto is_told = [&](const std::string& name, const Report& value) {
    return std::ranges::find(kTold, name) != kTold.end() || !value.is_primitive() ||
           value.is_null() || (name == "state" && value == "good");
  };
  for (const auto& [name, value] : report.items()) {
    if (is_told(name, value)) continue;
    const std::string label = name == "state" ? "point is" : label_of(name);
    output.line(fmt::format("{:<{}} {}", label, kHeadWidth, text_of_value(name, value)));
  }
  for (const auto& [name, value] : report.items()) {
    if (value.is_array()) show_list(output, name, value, run);
  }
}

}  // namespace salvor::cli
