#include "evidence/evidence_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "checks/outcome_json.h"
#include "evidence/evidence.h"
#include "evidence/internal/envelope.h"
#include "evidence/statement_parts.h"

namespace salvor::evidence {
namespace {

using nlohmann::json;

constexpr std::string_view kStyle = R"css(
:root { --ink: #1b1f24; --soft: #5b6570; --line: #d5dae0; --bad: #a40e26; --good: #116329; }
* { box-sizing: border-box; }
body { margin: 2.5rem auto; max-width: 64rem; padding: 0 1.5rem; color: var(--ink);
  font: 15px/1.5 "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; border-bottom: 2px solid var(--ink); }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p, ul { margin: .4rem 0; } .soft { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: .87rem; margin-bottom: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; } td.number, th.number { text-align: right; }
td.word, th.word { overflow-wrap: normal; white-space: nowrap; }
code, pre { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: .82rem; }
code { overflow-wrap: anywhere; }
pre { background: #f4f6f8; border: 1px solid var(--line); padding: .7rem; white-space: pre-wrap; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
@media print {
  body { margin: 0; max-width: none; padding: 0; font-size: 10pt; }
  h2, h3 { break-after: avoid; } tr, pre { break-inside: avoid; }
  thead { display: table-header-group; }
}
@page { margin: 18mm; }
)css";

std::string escaped(std::string_view text) {
  constexpr std::string_view kSpecial = "&<>\"'";
  constexpr std::array<std::string_view, 5> kEscaped{"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
  std::string out;
  out.reserve(text.size());
  for (const char each : text) {
    const std::size_t place = kSpecial.find(each);
    out += place == std::string_view::npos ? std::string_view(&each, 1) : kEscaped[place];
  }
  return out;
}

std::string duration_of(const json& object, const char* name) {
  const auto seconds = number_in(object, name);
  return seconds ? human_duration(*seconds) : "";
}

/// A duration that was measured, with a word where its objective was missed.
std::string judged(const json& measured, const json& objectives, const char* name) {
  const auto seconds = number_in(measured, name);
  const auto objective = number_in(objectives, name);
  const bool missed = seconds && objective && *seconds > *objective;
  return duration_of(measured, name) + (missed ? ", missed" : "");
}

/// To the second, in UTC: the statement has more.
std::string time_of(const json& object, const char* name) {
  const std::string text = text_in(object, name);
  if (!parse_time(text) || text.size() < 19) return text;
  return text.substr(0, 10) + " " + text.substr(11, 8);
}

std::string or_dash(std::string text) {
  return text.empty() ? "–" : text;
}

std::string_view class_of(std::string_view result) {
  for (const std::string_view good : {"succeeded", "passed", "done", "closed"}) {
    if (result == good) return "good";
  }
  return result == "not_run" || result == "skipped" || result.empty() ? "soft" : "bad";
}

struct Column {
  std::string_view title;
  std::string_view look;  ///< a class of the stylesheet
};

/// A cell's text is escaped here, and nowhere else.
class HtmlTable {
 public:
  HtmlTable(std::string& page, std::vector<Column> columns)
      : page_(page), columns_(std::move(columns)) {
    page_ += "<table><thead><tr>";
    for (const Column& column : columns_) {
      page_ += fmt::format("<th class=\"{}\">{}</th>", column.look, escaped(column.title));
    }
    page_ += "</tr></thead><tbody>\n";
  }
  HtmlTable(const HtmlTable&) = delete;
  HtmlTable& operator=(const HtmlTable&) = delete;
  ~HtmlTable() { page_ += "</tbody></table>\n"; }

  void row(const std::vector<std::string>& cells) {
    page_ += "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool judged = columns_[i].look == "verdict";
      page_ +=
          fmt::format("<td class=\"{}\">{}</td>", judged ? class_of(cells[i]) : columns_[i].look,
                      escaped(or_dash(cells[i])));
    }
    page_ += "</tr>\n";
  }

 private:
  std::string& page_;
  std::vector<Column> columns_;
};

void heading(std::string& page, int level, std::string_view text) {
  page += fmt::format("<h{0}>{1}</h{0}>\n", level, escaped(text));
}

void bullets(std::string& page, const json& items) {
  page += "<ul>";
  for (const json& item : items) {
    const std::string text = item.is_string() ? item.get<std::string>() : write_json(item);
    page += "<li>" + escaped(text) + "</li>";
  }
  page += "</ul>\n";
}

/// One page, part by part.   Threads: one.
class Page {
 public:
  Page(const json& document, std::string_view file) : document_(document), file_(file) {
    for (const json& record : list_in(document, "records")) {
      if (record.is_null()) {
        records_.push_back({{"sequence", records_.size() + 1}, {"result", "lost"}});
        continue;
      }
      const json statement = parse_json(internal::read_envelope(write_json(record)));
      records_.push_back(part_in(statement, "predicate"));
      newest_[text_in(records_.back(), "kind")] = records_.size() - 1;
    }
  }

  std::string write() {
    const std::string title = "Evidence: " + subject();
    page_ = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n",
        escaped(title), kStyle);
    heading(page_, 1, title);
    describe_file();
    describe_objectives();
    describe_not_covered();
    describe_records();
    describe_each();
    describe_verification();
    page_ += "</body>\n</html>\n";
    return std::move(page_);
  }

 private:
  std::string subject() const {
    const std::string service = text_in(document_, "service");
    return service.empty() ? "the repository" : "service " + service;
  }

  /// Null when no run of that kind is recorded.
  const json* newest(const std::string& kind) const {
    const auto found = newest_.find(kind);
    return found == newest_.end() ? nullptr : &records_[found->second];
  }

  void describe_file() {
    const auto key = codec::read_public_key_pem(text_in(document_, "public_key"));
    std::string repository;
    for (const json& record : records_) {
      if (repository.empty()) repository = text_in(record, "repository");
    }
    const auto lost =
        static_cast<std::size_t>(std::ranges::count(list_in(document_, "records"), json()));
    page_ += fmt::format(
        "<p class=\"soft\">{} signed records{}, exported {} UTC from repository "
        "<code>{}</code>.<br>"
        "This page is the reading of the file <code>{}</code>; only the file can be verified. "
        "Times are in UTC.</p>\n",
        records_.size() - lost, lost == 0 ? "" : fmt::format(", and {} that are lost", lost),
        escaped(time_of(document_, "exported")), escaped(or_dash(repository)), escaped(file_));
    if (key) {
      page_ += fmt::format("<p>Signing key (SHA-256): <code>{}</code></p>\n", key_id_of(*key));
    }
  }

  void describe_objectives() {
    heading(page_, 2, "Objectives, and what was measured");
    HtmlTable table(page_, {{"", "word"},
                            {"Newest", "word"},
                            {"Result", "verdict"},
                            {"RPO objective", "number"},
                            {"RPO measured", "number"},
                            {"RTO objective", "number"},
                            {"RTO measured", "number"}});
    // Verifications are of the whole repository, and have their own chain.
    const bool whole = text_in(document_, "service").empty();
    for (const char* kind : {"backup", "drill", "restore", "verify"}) {
      if (whole != (kind == std::string_view("verify"))) continue;
      const json* record = newest(kind);
      if (record == nullptr) {
        table.row({kind, "never", "", "", "", "", ""});
        continue;
      }
      const json& objectives = part_in(*record, "objectives");
      const json& measured = part_in(*record, "measured");
      table.row({kind, time_of(*record, "ended"), text_in(*record, "result"),
                 duration_of(objectives, "rpo_s"), judged(measured, objectives, "rpo_s"),
                 duration_of(objectives, "rto_s"), judged(measured, objectives, "rto_s")});
    }
  }

  void describe_not_covered() {
    heading(page_, 2, "What is not covered");
    bool any = false;
    for (const auto& [kind, place] : newest_) {
      const json& items = list_in(records_[place], "not_covered");
      if (items.empty()) continue;
      any = true;
      page_ += fmt::format("<p>By the newest {}:</p>\n", escaped(kind));
      bullets(page_, items);
    }
    if (!any) page_ += "<p>The newest records name nothing that they do not cover.</p>\n";
  }

  void describe_records() {
    heading(page_, 2, "Records");
    HtmlTable table(page_, {{"Record", "number"},
                            {"Kind", "word"},
                            {"Started", "word"},
                            {"Took", "word"},
                            {"Result", "verdict"},
                            {"Recovery point", ""},
                            {"Checks", "word"},
                            {"Started by", ""},
                            {"Host", ""}});
    for (const json& record : records_) {
      const json& checks = list_in(record, "checks");
      checks::CheckCounts counts;
      for (const json& check : checks) counts.add(checks::verdict_of(text_in(check, "verdict")));
      const auto started = parse_time(text_in(record, "started"));
      const auto ended = parse_time(text_in(record, "ended"));
      table.row({text_in(record, "sequence"), text_in(record, "kind"), time_of(record, "started"),
                 started && ended ? human_duration(ended->seconds_since(*started)) : "",
                 text_in(record, "result"), text_in(part_in(record, "point"), "id"),
                 checks.empty() ? "" : in_words(counts, ""), text_in(record, "started_by"),
                 text_in(record, "host")});
    }
  }

  /// Details that do not fit in a row, for the records that have any.
  void describe_each() {
    heading(page_, 2, "Checks, phases and deviations");
    bool any = false;
    for (const json& record : records_) {
      const json& checks = list_in(record, "checks");
      const json& deviations = list_in(record, "deviations");
      const std::string kind = text_in(record, "kind");
      const bool plain_backup = kind.empty() || (kind == "backup" && checks.empty());
      if (plain_backup && deviations.empty()) continue;
      any = true;
      heading(page_, 3,
              fmt::format("Record {}: {} of {} UTC, {}", text_in(record, "sequence"),
                          text_in(record, "kind"), time_of(record, "started"),
                          text_in(record, "result")));
      describe_phases(list_in(part_in(record, "measured"), "phases"));
      describe_checks(checks);
      if (deviations.empty()) continue;
      page_ += "<p>Not as planned:</p>\n";
      bullets(page_, deviations);
    }
    if (!any) page_ += "<p>Only backups, and all as planned.</p>\n";
  }

  void describe_phases(const json& phases) {
    if (phases.empty()) return;
    HtmlTable table(page_, {{"Step", ""}, {"Took", "number"}, {"Result", "verdict"}});
    for (const json& phase : phases) {
      table.row({text_in(phase, "step"), duration_of(phase, "seconds"), text_in(phase, "result")});
    }
  }

  void describe_checks(const json& checks) {
    if (checks.empty()) return;
    HtmlTable table(page_, {{"Check", ""},
                            {"Kind", "word"},
                            {"Verdict", "verdict"},
                            {"Expected", ""},
                            {"Found", ""},
                            {"Took", "number"}});
    for (const json& check : checks) {
      table.row({text_in(check, "name"), text_in(check, "kind"), text_in(check, "verdict"),
                 text_in(check, "expected"), text_in(check, "actual"),
                 duration_of(check, "seconds")});
    }
  }

  void describe_verification() {
    heading(page_, 2, "How to verify");
    page_ += fmt::format(
        "<p>With the public key, which the owner of the repository hands out on another way than "
        "this file:</p>\n<pre>salvor evidence verify {} --key public.pem</pre>\n"
        "<p>It finds any change, and records that are missing, out of order, or cut off at the "
        "end. Without salvor: the envelopes are DSSE, the signatures Ed25519, and docs/evidence.md "
        "shows how to check them with openssl and jq.</p>\n"
        "<p>What a record does not prove: anybody who holds the repository's key can write "
        "records. A signature "
        "says that a holder of that key vouches for the record, not that what it says is "
        "true.</p>\n",
        escaped(file_));
  }

  const json& document_;
  const std::string_view file_;
  std::vector<json> records_;                  ///< predicates
  std::map<std::string, std::size_t> newest_;  ///< by kind: its place in records_
  std::string page_;
};

}  // namespace

std::string evidence_page(std::string_view exported, std::string_view file) {
  if (internal::nests_too_deep(exported)) {
    throw Error(ErrorCode::corruption, "the export nests too deep");
  }
  const json document = try_parse_json(exported);
  if (!document.is_object()) throw Error(ErrorCode::corruption, "the export is no document");
  return Page(document, printable(file)).write();
}

}  // namespace salvor::evidence
