#include <algorithm>
#include <array>

#include "cli/output.h"

namespace salvor::cli {
namespace {

constexpr std::size_t kGap = 2;
/// A column of text is not made narrower than this: words one below the other can't be read.
constexpr std::size_t kWrappedMin = 16;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

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

std::string coloured(const std::string& text, std::string_view code) {
  return code.empty() ? text : "\x1b[" + std::string(code) + "m" + text + "\x1b[0m";
}

/// Of the words for states and results, which are cells of their own.
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
  while (end < text.size() && kEnds.find(text[end - 1]) == std::string_view::npos) {
    const std::size_t next = blank_after(end + 1);
    const std::string_view word = text.substr(end + 1, next - end - 1);
    const bool is_verb = end == first;
    const bool belongs = is_verb || word.starts_with('-') ||
                         word.find('`') != std::string_view::npos || before.starts_with("--") ||
                         text.substr(next).starts_with(" --");
    if (!belongs) break;
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
    if (right_.back()) column.erase(0, 1);
  }
}

void Table::row(std::vector<std::string> cells) {
  SALVOR_ASSERT(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

/// Empty when the table does not fit, whatever is broken.
std::vector<std::size_t> Table::widths_within(std::optional<std::size_t> columns) const {
  std::vector<std::size_t> widths;
  std::vector<std::size_t> least;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(width_of(columns_[i]));
    std::size_t longest = widths.back();
    for (const auto& row : rows_) {
      widths[i] = std::max(widths[i], width_of(row[i]));
      longest = std::max(longest, longest_word(row[i]));
    }
    // Numbers and short words stay whole.
    least.push_back(right_[i] ? widths[i] : std::min(widths[i], std::max(longest, kWrappedMin)));
  }
  if (!columns) return widths;
  std::size_t sum = kGap * (widths.size() - 1);
  for (const std::size_t width : widths) sum += width;
  while (sum > *columns) {
    std::size_t widest = kNone;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] > least[i] && (widest == kNone || widths[i] > widths[widest])) widest = i;
    }
    if (widest == kNone) return {};
    --widths[widest];
    --sum;
  }
  return widths;
}

std::string Table::aligned(const std::vector<std::size_t>& widths, bool colour) const {
  std::string text;
  const auto add = [&](const std::vector<std::string>& row, bool head) {
    std::vector<std::vector<std::string>> cells;
    std::size_t height = 1;
    for (std::size_t i = 0; i < row.size(); ++i) {
      cells.push_back(width_of(row[i]) > widths[i] ? wrapped(row[i], widths[i])
                                                   : std::vector{row[i]});
      height = std::max(height, cells.back().size());
    }
    for (std::size_t part = 0; part < height; ++part) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string cell = part < cells[i].size() ? cells[i][part] : "";
        const std::string_view code = !colour || cell.empty() ? "" : head ? kBold : code_of(row[i]);
        if (i > 0) line.append(kGap, ' ');
        line += padded(cell, widths[i], right_[i], code);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
  };
  add(columns_, true);
  for (const auto& row : rows_) add(row, false);
  return text;
}

std::string Table::blocks(bool colour) const {
  std::size_t width = 0;
  for (const std::string& column : columns_) width = std::max(width, width_of(column));
  std::string text;
  for (const auto& row : rows_) {
    if (!text.empty()) text += "\n";
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (row[i].empty()) continue;
      text += padded(columns_[i], width + kGap, false, colour ? kBold : "") +
              coloured(row[i], colour ? code_of(row[i]) : "") + "\n";
    }
  }
  return text;
}

std::string Table::text(const Look& look) const {
  const std::vector<std::size_t> widths = widths_within(look.columns);
  return widths.empty() && !rows_.empty() ? blocks(look.colour) : aligned(widths, look.colour);
}

}  // namespace salvor::cli
