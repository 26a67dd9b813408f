#include <algorithm>
#include <array>
#include <set>

#include "cli/output.h"

namespace salvor::cli {
namespace {

constexpr std::size_t kGap = 2;
/// The least width of a column of text. In a narrower one each word would have its own line.
constexpr std::size_t kWrappedMin = 16;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);
/// Indentation of a row's lines after the first.
constexpr std::size_t kIndent = 4;
/// How many digits of an id are shown at least.
constexpr std::size_t kIdDigitsMin = 12;

constexpr std::string_view kBold = "1";
constexpr std::string_view kRed = "31";
constexpr std::string_view kGreen = "32";
constexpr std::string_view kYellow = "33";

/// How many columns a text takes on a terminal: a code point each.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return width;
}

std::size_t longest_word(std::string_view text) {
  std::size_t longest = 0;
  while (!text.empty()) {
    const std::size_t blank = text.find(' ');
    longest = std::max(longest, width_of(text.substr(0, blank)));
    if (blank == std::string_view::npos) break;
    text.remove_prefix(blank + 1);
  }
  return longest;
}

/// 8 bytes or more in hexadecimal digits.
bool is_id(std::string_view cell) {
  constexpr std::size_t kDigitsMin = 16;
  return cell.size() >= kDigitsMin &&
         cell.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string coloured(const std::string& text, std::string_view code) {
  return code.empty() ? text : "\x1b[" + std::string(code) + "m" + text + "\x1b[0m";
}

/// The colour of a cell that is the name of a state or a result; empty for any other cell.
std::string_view code_of(std::string_view cell) {
  constexpr std::array kGood{"good", "passed", "done", "succeeded", "closed"};
  constexpr std::array kBad{"failed",       "TOO OLD",  "NO BACKUP", "RESTORE OPEN",
                            "DRILL FAILED", "TOO SLOW", "UNKNOWN",   "impossible"};
  constexpr std::array kSoft{"not run", "incomplete", "unproven", "interrupted", "undone", "never"};
  const auto is = [&](const char* word) { return cell == word; };
  if (std::ranges::any_of(kGood, is)) return kGreen;
  if (std::ranges::any_of(kBad, is)) return kRed;
  return std::ranges::any_of(kSoft, is) ? kYellow : std::string_view{};
}

std::string padded(const std::string& text, std::size_t width, bool right, std::string_view code) {
  const std::string blanks(width - std::min(width, width_of(text)), ' ');
  const std::string shown = coloured(text, code);
  return right ? blanks + shown : shown + blanks;
}

/// Where the word that begins at `at` ends: at the next blank. A command of salvor's is one word
/// where that fits `width`: up to the end of a sentence's part, or of its options.
std::size_t end_of_word(std::string_view text, std::size_t at, std::size_t width) {
  const auto blank_after = [&](std::size_t from) {
    return std::min(text.find(' ', from), text.size());
  };
  const std::size_t first = blank_after(at);
  const std::string_view name = text.substr(at, first - at);
  if (name != "salvor" && name != "`salvor") return first;
  constexpr std::string_view kEnds = ",;:)`.";
  std::size_t end = first;
  std::string_view before;
  bool has_verb = false;
  while (end < text.size() && kEnds.find(text[end - 1]) == std::string_view::npos) {
    const std::size_t next = blank_after(end + 1);
    const std::string_view word = text.substr(end + 1, next - end - 1);
    const bool is_verb = !has_verb && word != "-c" && before != "-c" && word != "--json";
    const bool belongs = !has_verb || word.starts_with('-') ||
                         word.find('`') != std::string_view::npos || before.starts_with("--") ||
                         text.substr(next).starts_with(" --");
    if (!belongs) break;
    has_verb = has_verb || is_verb;
    before = word;
    end = next;
  }
  return width_of(text.substr(at, end - at)) <= width ? end : first;
}

}  // namespace

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  std::size_t used = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    // A word with the blanks before it, which are kept where no line ends.
    const std::size_t word = std::min(text.find_first_not_of(' ', at), text.size());
    const std::size_t end = end_of_word(text, word, width);
    const std::size_t needed = width_of(text.substr(at, end - at));
    if (!line.empty() && used + needed > width) {
      lines.push_back(std::move(line));
      line = std::string(text.substr(word, end - word));
      used = width_of(line);
    } else {
      line += text.substr(at, end - at);
      used += needed;
    }
    at = end;
  }
  lines.push_back(std::move(line));
  return lines;
}

Table::Table(std::vector<std::string> columns) : columns_(std::move(columns)) {
  for (std::string& column : columns_) {
    right_.push_back(column.starts_with('>'));
    of_ids_.push_back(column.starts_with('#'));
    if (right_.back() || of_ids_.back()) column.erase(0, 1);
  }
}

void Table::row(std::vector<std::string> cells) {
  SALVOR_ASSERT(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

/// Cuts the ids to as many digits as tell them apart.
void Table::shorten_ids(std::size_t column) {
  std::set<std::string> ids;
  for (const Row& row : rows_) {
    if (is_id(row[column])) ids.insert(row[column]);
  }
  std::size_t digits = kIdDigitsMin;
  std::string before;
  for (const std::string& id : ids) {
    while (digits < id.size() && before.substr(0, digits) == id.substr(0, digits)) ++digits;
    before = id;
  }
  for (Row& row : rows_) {
    if (is_id(row[column])) row[column].resize(std::min(digits, row[column].size()));
  }
}

Table::Rooms Table::measured() const {
  Rooms rooms;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i]);
    std::size_t longest = width;
    for (const Row& row : rows_) {
      width = std::max(width, width_of(row[i]));
      longest = std::max(longest, longest_word(row[i]));
    }
    // Numbers and short words stay whole.
    rooms.push_back({width, right_[i] ? width : std::min(width, std::max(longest, kWrappedMin))});
  }
  return rooms;
}

/// Empty when these columns do not fit, whatever is broken.
std::vector<std::size_t> Table::widths_within(std::span<const Room> rooms,
                                              std::optional<std::size_t> columns) {
  std::vector<std::size_t> widths;
  std::size_t sum = kGap * (rooms.size() - 1);
  for (const Room& room : rooms) {
    widths.push_back(room.width);
    sum += room.width;
  }
  while (columns && sum > *columns) {
    std::size_t widest = kNone;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const bool shrinks = widths[i] > rooms[i].least;
      if (shrinks && (widest == kNone || widths[i] > widths[widest])) widest = i;
    }
    if (widest == kNone) return {};
    --widths[widest];
    --sum;
  }
  return widths;
}

/// `breaks`: bit i is set where column i + 1 begins a new line. Empty when a line does not fit;
/// only a column that stands alone may be too wide.
Table::Layout Table::layout_of(const Rooms& rooms, std::size_t breaks, std::size_t columns) {
  Layout layout;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    const bool is_last = i + 1 == rooms.size();
    if (!is_last && ((breaks >> i) & 1U) == 0) continue;
    const std::span<const Room> group = std::span(rooms).subspan(begin, i + 1 - begin);
    const std::size_t width = columns - (layout.empty() ? 0 : kIndent);
    std::vector<std::size_t> widths = widths_within(group, width);
    if (widths.empty() && i == begin) widths = widths_within(group, {});
    if (widths.empty()) return {};
    layout.push_back({begin, i + 1, std::move(widths)});
    begin = i + 1;
  }
  return layout;
}

std::size_t Table::height_of(const Row& row, const Layout& layout) const {
  std::size_t height = 0;
  for (const Group& group : layout) {
    std::size_t lines = 0;
    for (std::size_t i = group.begin; i < group.end; ++i) {
      if (row[i].empty()) continue;
      const std::size_t width = group.widths[i - group.begin];
      lines = std::max(lines, width_of(row[i]) > width ? wrapped(row[i], width).size() : 1);
    }
    height += lines;
  }
  return height;
}

std::size_t Table::highest_of(const Layout& layout) const {
  std::size_t highest = 0;
  for (const Row& row : rows_) highest = std::max(highest, height_of(row, layout));
  return highest;
}

/// One line a row, where its cells are not broken too often; else what has the fewest lines, and
/// of such the one whose first lines have the most columns.
Table::Layout Table::best_layout(std::size_t columns) const {
  constexpr std::size_t kHighMax = 2;
  constexpr std::size_t kRowsMax = 100;
  const Rooms rooms = measured();
  Layout best = layout_of(rooms, 0, columns);
  if (!best.empty() && highest_of(best) <= kHighMax) return best;
  std::size_t fewest = kNone;
  for (std::size_t breaks = 0; breaks < std::size_t{1} << (columns_.size() - 1); ++breaks) {
    Layout layout = layout_of(rooms, breaks, columns);
    if (layout.empty()) continue;
    // The first rows stand for all of a long table.
    std::size_t lines = 0;
    for (std::size_t i = 0; i < std::min(rows_.size(), kRowsMax); ++i) {
      lines += height_of(rows_[i], layout);
    }
    const bool is_better = lines < fewest || (lines == fewest && layout.size() <= best.size());
    if (!is_better) continue;
    fewest = lines;
    best = std::move(layout);
  }
  return best;
}

std::string Table::lines_of(const Row& row, const Group& group, bool head, bool colour) const {
  std::vector<std::vector<std::string>> cells;
  std::size_t height = 0;
  for (std::size_t i = group.begin; i < group.end; ++i) {
    const std::size_t width = group.widths[i - group.begin];
    cells.push_back(width_of(row[i]) > width ? wrapped(row[i], width) : std::vector{row[i]});
    if (!row[i].empty()) height = std::max(height, cells.back().size());
  }
  std::string text;
  for (std::size_t part = 0; part < height; ++part) {
    std::string line(group.begin == 0 ? 0 : kIndent, ' ');
    for (std::size_t i = group.begin; i < group.end; ++i) {
      const auto& parts = cells[i - group.begin];
      const std::string cell = part < parts.size() ? parts[part] : "";
      const std::string_view code = !colour || cell.empty() ? "" : head ? kBold : code_of(row[i]);
      if (i > group.begin) line.append(kGap, ' ');
      line += padded(cell, group.widths[i - group.begin], right_[i], code);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string Table::laid_out_as(const Layout& layout, bool colour) const {
  std::string text;
  for (const Group& group : layout) text += lines_of(columns_, group, true, colour);
  for (const Row& row : rows_) {
    for (const Group& group : layout) text += lines_of(row, group, false, colour);
  }
  return text;
}

std::string Table::text(const Look& look) const {
  const Layout whole{{0, columns_.size(), widths_within(measured(), {})}};
  std::size_t sum = kGap * (columns_.size() - 1);
  for (const std::size_t width : whole.front().widths) sum += width;
  if (!look.columns || sum <= *look.columns) return laid_out_as(whole, look.colour);
  Table shorter = *this;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (of_ids_[i]) shorter.shorten_ids(i);
  }
  return shorter.laid_out_as(shorter.best_layout(*look.columns), look.colour);
}

}  // namespace salvor::cli
