#include "cli/evidence_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/counted.h"
#include "base/json.h"
#include "control/read_evidence.h"
#include "control/restore_in_place.h"

namespace salvor::cli {
namespace {

using control::list_in;
using control::part_in;
using nlohmann::json;

/// Signed texts were made printable before they were signed. Others are made printable here.
std::string plain(const std::string& text) {
  const bool is_plain = std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  return is_plain ? text : printable(text);
}

/// A member as text; empty when it is not there.
std::string text_of(const json& object, const char* name) {
  return plain(control::text_in(object, name));
}

std::string time_of(const json& object, const char* name) {
  const std::string text = text_of(object, name);
  const auto time = parse_time(text);
  return time ? local_time(*time) : text;
}

std::string duration_of(const json& object, const char* name) {
  const auto seconds = control::number_in(object, name);
  return seconds ? human_duration(*seconds) : "-";
}

std::uint64_t number_of(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_number_unsigned() ? member->get<std::uint64_t>() : 0;
}

/// One record, part by part.   Lifetime: shorter than the output's and the predicate's.
class Shown {
 public:
  Shown(Output& output, const json& predicate) : output_(output), record_(predicate) {}

  void show() {
    describe_run();
    describe_point();
    describe_times();
    describe_phases();
    describe_checks();
    list("not as planned", "deviations");
    list("warning", "warnings");
    list("not covered", "not_covered");
    for (const json& lost : list_in(record_, "lost")) {
      output_.line("lost: record " + text_of(lost, "record"));
    }
    output_.line(fmt::format("salvor --json evidence show {} {} prints the signed statement",
                             service().empty() ? std::string(control::kWholeRepository) : service(),
                             text_of(record_, "sequence")));
  }

 private:
  std::string service() const { return text_of(record_, "service"); }

  /// Prints nothing for an empty text.
  void say(std::string_view what, const std::string& text) {
    if (!text.empty()) output_.line(fmt::format("{:<13} {}", what, text));
  }

  void describe_run() {
    say("record", fmt::format("{} of {}", text_of(record_, "sequence"),
                              service().empty() ? "the repository" : "service " + service()));
    say("kind", text_of(record_, "kind"));
    say("result", text_of(record_, "result"));
    say("run", text_of(record_, "run"));
    say("started", time_of(record_, "started"));
    say("ended", time_of(record_, "ended"));
    say("trigger", text_of(record_, "trigger"));
    say("started by", text_of(record_, "started_by"));
    say("confirmed by", text_of(record_, "confirmed_by"));
    describe_told();
    say("host", text_of(record_, "host"));
    say("repository", text_of(record_, "repository"));
  }

  /// Only the caller vouches for these.
  void describe_told() {
    const json& told = part_in(record_, "told");
    for (const auto& [what, name] :
         {std::pair("started", "started_by"), std::pair("approved", "approved_by")}) {
      const std::string who = text_of(told, name);
      if (who.empty()) continue;
      say("it was told", fmt::format("{} by {} (by user {})", what, who, text_of(told, "uid")));
    }
  }

  void describe_point() {
    const json& point = part_in(record_, "point");
    if (point.empty()) return;
    say("point", fmt::format("{} of {}", text_of(point, "id"), time_of(point, "time")));
    for (const json& store : list_in(point, "stores")) {
      say("store", fmt::format("{} ({}): {} in {} {}", text_of(store, "name"),
                               text_of(store, "type"), human_bytes(number_of(store, "bytes")),
                               with_commas(number_of(store, "entries")),
                               noun(number_of(store, "entries"), "entry", "entries")));
    }
  }

  void describe_times() {
    const json& measured = part_in(record_, "measured");
    const json& objectives = part_in(record_, "objectives");
    for (const auto& [what, name] : {std::pair("RPO", "rpo_s"), std::pair("RTO", "rto_s")}) {
      if (!measured.contains(name) && !objectives.contains(name)) continue;
      say(what, fmt::format("{} measured, {} the objective", duration_of(measured, name),
                            duration_of(objectives, name)));
    }
  }

  void describe_phases() {
    const json& phases = list_in(part_in(record_, "measured"), "phases");
    if (phases.empty()) return;
    Table table({"PHASE", "RESULT", ">TIME"});
    for (const json& phase : phases) {
      table.row({text_of(phase, "step"), in_words(text_of(phase, "result")),
                 duration_of(phase, "seconds")});
    }
    output_.line("");
    output_.table(table);
  }

  void describe_checks() {
    const json& checks = list_in(record_, "checks");
    output_.line("");
    if (checks.empty()) return;
    Table table({"CHECK", "KIND", "VERDICT", ">TIME", "EXPECTED", "FOUND"});
    for (const json& check : checks) {
      table.row({text_of(check, "name"), text_of(check, "kind"),
                 in_words(text_of(check, "verdict")), duration_of(check, "seconds"),
                 text_of(check, "expected"), text_of(check, "actual")});
    }
    output_.table(table);
    output_.line("");
  }

  void list(std::string_view what, const char* name) {
    for (const json& item : list_in(record_, name)) {
      output_.line(fmt::format(
          "{}: {}", what,
          in_local_times(plain(item.is_string() ? item.get<std::string>() : write_json(item)))));
    }
  }

  Output& output_;
  const json& record_;
};

}  // namespace

void show_statement(Output& output, const std::string& statement) {
  const json document = try_parse_json(statement);
  if (!document.is_object()) throw Error(ErrorCode::corruption, "the record is no statement");
  Shown(output, part_in(document, "predicate")).show();
}

}  // namespace salvor::cli
