#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/written_time.h"

namespace salvor::cli {

/// Who read standard output has closed it (`| head`): there is nothing more to do, and no error.
struct ReaderGone {};

class Table;

/// How text is to look where it goes. A value.
struct Look {
  std::optional<std::size_t> columns;  ///< of the terminal; empty: it may be as wide as it wants
  bool colour = false;

  /// Of what this descriptor leads to: a terminal has at least 80 columns, and colour unless
  /// NO_COLOR is set or it is dumb; anything else has neither.
  static Look of(int fd);
};

/// Standard output: text for people, or exactly one JSON document.
/// What is written after its reader has gone is dropped.
/// Threads: one.
/// Errors: failed, when it can't be written (a full disk).
class Output {
 public:
  explicit Output(bool json);

  bool json() const { return json_; }

  /// Whether people read it, on a terminal.
  bool terminal() const { return look_.columns.has_value(); }

  /// As it is: pieces of text.
  void write(std::string_view bytes);

  /// As it is: the next part of something long.   Errors: also throws ReaderGone.
  void stream(std::string_view bytes);

  /// On a terminal, a line that is too long is broken between words.
  void line(std::string_view text);

  void table(const Table& table);

  /// The one document.
  void document(std::string_view json);

  /// A document {"NAME": [ITEM, …]}, written item by item.
  void begin_list(std::string_view name);
  void item(std::string_view json);
  void end_list();

  /// The error as the document, or within the one that was begun.
  void failure(const Error& error);

  /// To be called at the end: what is buffered may still fail.
  void flush();

 private:
  const bool json_;
  const Look look_;
  bool in_list_ = false;
  bool list_is_empty_ = true;
  bool broken_ = false;
  bool reader_is_gone_ = false;

  void fail();
};

/// A list of any length: lines of text, or the document {"NAME": [ITEM, …]}. That is begun with the
/// first item: an error until then is a document of its own.
/// Lifetime: shorter than the output's. Without end() the document stays open, for an error.
class List {
 public:
  List(Output& output, std::string_view name) : output_(output), name_(name) {}

  /// `json` and `line`: called for the one that is asked for.
  template <class Json, class Line>
  void add(const Json& json, const Line& line) {
    if (!output_.json()) {
      output_.stream(line() + '\n');
      return;
    }
    begin();
    output_.item(json());
  }
  void end();

 private:
  void begin();

  Output& output_;
  const std::string_view name_;
  bool begun_ = false;
};

/// Rows of text, aligned. A column whose name begins with '>' is aligned to the right; of one whose
/// name begins with '#' the ids may be shortened, as every command takes the beginning of one.
/// Errors: none.
class Table {
 public:
  explicit Table(std::vector<std::string> columns);
  void row(std::vector<std::string> cells);

  /// Where it would be too wide, ids are shortened, and then cells broken between words; where that
  /// is not enough, or makes a row long, the last columns stand below the first, indented.
  std::string text(const Look& look = {}) const;

 private:
  using Row = std::vector<std::string>;

  /// Columns that stand in one line.
  struct Group {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::vector<std::size_t> widths;
  };
  using Layout = std::vector<Group>;

  /// What a column takes.
  struct Room {
    std::size_t width = 0;  ///< with no cell broken
    std::size_t least = 0;
  };
  using Rooms = std::vector<Room>;

  void shorten_ids(std::size_t column);
  Rooms measured() const;
  static std::vector<std::size_t> widths_within(std::span<const Room> rooms,
                                                std::optional<std::size_t> columns);
  static Layout layout_of(const Rooms& rooms, std::size_t breaks, std::size_t columns);
  Layout best_layout(std::size_t columns) const;
  std::size_t height_of(const Row& row, const Layout& layout) const;
  std::size_t highest_of(const Layout& layout) const;
  std::string lines_of(const Row& row, const Group& group, bool head, bool colour) const;
  std::string laid_out_as(const Layout& layout, bool colour) const;

  std::vector<std::string> columns_;
  std::vector<bool> right_;
  std::vector<bool> of_ids_;
  std::vector<Row> rows_;
};

/// To people, on stderr; `text` ends its line itself. Where nobody can be told any more (a closed
/// pipe, a terminal that hung up), the work goes on all the same.   Threads: any.   Errors: none.
void tell(std::string_view text) noexcept;

/// The same, of lines that end with `text`; on a terminal laid out for its width.
void tell_line(std::string_view text);

/// An error, and on a second line what to do.
void tell(const Error& error);

/// The text in lines of at most `width` columns, broken between words; a longer word has a line of
/// its own. A command of salvor's is not broken where it fits: people copy it.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

/// Each line of the text within so many columns; what continues a line is indented. Without a
/// number, the text.
std::string laid_out(std::string_view text, std::optional<std::size_t> columns);

/// The name of a result as people write it: "not_run" → "not run".
std::string in_words(std::string_view name);

/// Times in UTC, as what is signed has them, in the zone of this machine, as all text has them.
std::string in_local_times(const std::string& text);

/// 1234567 → "1,234,567"
std::string with_commas(std::uint64_t number);

}  // namespace salvor::cli
