#include "cli/output.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "control/report_json.h"

namespace salvor::cli {
namespace {

/// How many columns a text takes on a terminal: a code point each.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return width;
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, width_of(text)), ' ');
  return right ? blanks + text : text + blanks;
}

}  // namespace

void tell(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void tell(const Error& error) {
  std::string words = "salvor: error: " + error.message() + '\n';
  if (!error.hint().empty()) words += "hint: " + error.hint() + '\n';
  tell(words);
}

void Output::write(std::string_view bytes) {
  if (broken_ || std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size()) return;
  broken_ = true;
  throw_system_error("cannot write to", "standard output", errno);
}

void Output::line(std::string_view text) {
  write(text);
  write("\n");
}

void Output::document(std::string_view json) {
  line(json);
}

void Output::begin_list(std::string_view name) {
  in_list_ = true;
  list_is_empty_ = true;
  write("{\n\"");
  write(name);
  write("\": [");
}

void Output::item(std::string_view json) {
  write(list_is_empty_ ? "\n" : ",\n");
  list_is_empty_ = false;
  write(json);
}

void Output::end_list() {
  in_list_ = false;
  write("\n]}\n");
}

void Output::failure(const Error& error) {
  if (!json_ || broken_) return;
  const std::string document = control::to_json(error);
  if (in_list_) {
    // The list stays readable; the error is one more member beside it.
    line("\n]," + document.substr(1));
  } else {
    line(document);
  }
}

void Output::flush() {
  if (broken_ || std::fflush(stdout) == 0) return;
  broken_ = true;
  throw_system_error("cannot write to", "standard output", errno);
}

void List::begin() {
  if (!begun_) output_.begin_list(name_);
  begun_ = true;
}

void List::end() {
  if (!output_.json()) return;
  begin();
  output_.end_list();
}

Table::Table(std::vector<std::string> columns) : columns_(std::move(columns)) {
  for (std::string& column : columns_) {
    right_.push_back(column.starts_with('>'));
    if (right_.back()) column.erase(0, 1);
  }
}

void Table::row(std::vector<std::string> cells) {
  SALVOR_ASSERT(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(width_of(columns_[i]));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      line += padded(row[i], widths[i], right_[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add(columns_);
  for (const auto& row : rows_) add(row);
  return text;
}

std::string local_time(Time time) {
  std::int64_t seconds = time.ns / 1'000'000'000;
  if (time.ns % 1'000'000'000 < 0) --seconds;
  const std::time_t as_time_t = seconds;
  std::tm when{};
  localtime_r(&as_time_t, &when);
  char text[64];
  std::string result(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", &when));
  // strftime writes +0100; RFC 3339 wants +01:00.
  if (result.size() > 5) result.insert(result.size() - 2, ":");
  return result;
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

}  // namespace salvor::cli
