#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace salvor::cli {

/// Standard output: text for people, or exactly one JSON document.
/// Threads: one.
/// Errors: failed, when it can't be written (a full disk, a closed pipe).
class Output {
 public:
  explicit Output(bool json) : json_(json) {}

  bool json() const { return json_; }

  /// As it is: content of files, and pieces of text.
  void write(std::string_view bytes);

  void line(std::string_view text);

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
  bool in_list_ = false;
  bool list_is_empty_ = true;
  bool broken_ = false;
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
      output_.line(line());
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

/// Rows of text, aligned. A column whose name begins with '>' is aligned to the right.
/// Errors: none.
class Table {
 public:
  explicit Table(std::vector<std::string> columns);
  void row(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<std::string> columns_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

/// To people, on stderr; `text` ends its line itself. Where nobody can be told any more (a closed
/// pipe, a terminal that hung up), the work goes on all the same.   Threads: any.   Errors: none.
void tell(std::string_view text) noexcept;

/// An error, and on a second line what to do.
void tell(const Error& error);

/// "2026-02-03T04:05:06+01:00", in the zone of this machine.
std::string local_time(Time time);

/// 1234567 → "1,234,567"
std::string with_commas(std::uint64_t number);

}  // namespace salvor::cli
