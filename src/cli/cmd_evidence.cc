#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/counted.h"
#include "cli/commands.h"
#include "cli/evidence_text.h"
#include "cli/invocation.h"
#include "control/caller.h"
#include "control/read_evidence.h"
#include "control/report_json.h"
#include "control/restore_in_place.h"
#include "control/verify.h"

namespace salvor::cli {
namespace {

struct EvidenceChoices {
  std::string service;
  std::string number;
  std::string file;
  std::string key;
  bool with_gaps = false;
};

std::string shown_service(const std::string& service) {
  return service.empty() ? std::string(control::kWholeRepository) : printable(service);
}

std::string shown_time(const std::string& text) {
  const auto time = parse_time(text);
  return time ? local_time(*time) : printable(text);
}

int list(Invocation& invocation, const EvidenceChoices& request) {
  const auto rows = control::list_evidence(invocation.load_config(control::Looks::at_repository),
                                           request.service, invocation.caller());
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(rows));
    return 0;
  }
  if (rows.empty()) {
    output.line("no evidence yet: every backup, restore, drill and verification leaves a record");
    return 0;
  }
  Table table({"SERVICE", ">RECORD", "KIND", "RESULT", "STARTED", "#POINT", "RUN"});
  for (const control::EvidenceRow& row : rows) {
    const control::EvidenceSummary& summary = row.summary;
    if (row.gap && row.gap->named_by != 0) {
      table.row({shown_service(row.service), fmt::format("{}", row.sequence), "LOST", "", "", "",
                 fmt::format("record {} says so since {}", row.gap->named_by,
                             shown_time(row.gap->since))});
      continue;
    }
    const bool readable = row.problem.empty();
    table.row({shown_service(row.service), row.waits ? "waits" : fmt::format("{}", row.sequence),
               readable ? summary.kind : "DAMAGED", summary.result,
               readable ? shown_time(summary.started) : "", summary.point,
               readable ? summary.run : printable(row.problem)});
  }
  output.table(table);
  return 0;
}

int show(Invocation& invocation, const EvidenceChoices& request) {
  std::uint64_t number = 0;
  const char* end = request.number.data() + request.number.size();
  const auto read = std::from_chars(request.number.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end || number == 0) {
    throw Error(ErrorCode::usage,
                fmt::format("\"{}\" is not the number of a record", printable(request.number)),
                "`salvor evidence list` lists the records");
  }
  const std::string statement =
      control::show_evidence(invocation.load_config(control::Looks::at_repository), request.service,
                             number, invocation.caller());
  Output& output = invocation.output();
  if (output.json()) {
    output.document(statement);
  } else {
    show_statement(output, statement);
  }
  return 0;
}

void show_gap(Output& output, const std::string& service, const control::EvidenceGap& gap) {
  const std::string says = gap.named_by == 0 ? "and no signed record says so"
                                             : fmt::format("as record {} says since {}",
                                                           gap.named_by, shown_time(gap.since));
  output.line(fmt::format("{} record {}: lost, {}", shown_service(service), gap.record, says));
}

int save(Invocation& invocation, const EvidenceChoices& request) {
  const auto gaps = request.with_gaps ? control::Gaps::export_them : control::Gaps::refuse;
  const control::ExportedEvidence exported =
      control::export_evidence(invocation.load_config(control::Looks::at_repository),
                               request.service, request.file, gaps, invocation.caller());
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(exported));
    return 0;
  }
  for (const control::EvidenceGap& gap : exported.verified.gaps) {
    show_gap(output, exported.service, gap);
  }
  if (!invocation.quiet()) {
    const std::uint64_t count = exported.verified.records - exported.verified.gaps.size();
    output.line(fmt::format("wrote {} to {}, and a page for people to {}", counted(count, "record"),
                            printable(exported.file), printable(exported.page)));
  }
  return 0;
}

void show_chain(Output& output, const control::EvidenceReport& chain) {
  for (const control::EvidenceGap& gap : chain.gaps) {
    if (gap.named_by != 0) show_gap(output, chain.service, gap);
  }
  for (const control::EvidenceProblem& problem : chain.problems) {
    const std::string record = problem.record == 0 ? "" : fmt::format(" record {}", problem.record);
    output.line(fmt::format("{}{}: {}", shown_service(chain.service), record,
                            in_local_times(printable(problem.what))));
  }
  output.line(fmt::format("{}: {}, key {}{}: {}", shown_service(chain.service),
                          counted(chain.records, "record"), chain.key_id,
                          chain.exported.empty() ? "" : ", exported " + shown_time(chain.exported),
                          chain.sound() ? "verified" : "DOES NOT VERIFY"));
}

/// The problems were listed. What to do about them depends on where they are.
Error unverified(const EvidenceChoices& request,
                 const control::EvidenceVerification& verification) {
  if (!verification.accepts_older.empty()) {
    return {ErrorCode::corruption, "the evidence in the repository does not verify",
            "this is an older copy of the repository, which lacks the newest records: put the "
            "newer copy in its place again; where that is lost, accept this one: " +
                verification.accepts_older};
  }
  if (request.file.empty()) {
    std::string hint =
        "salvor verify --repair says in a signed record which records are lost; compare a record "
        "that was changed with an earlier export";
    const bool may_come_back = std::ranges::any_of(verification.chains, [](const auto& chain) {
      return std::ranges::any_of(chain.gaps, &control::EvidenceGap::may_come_back);
    });
    if (may_come_back) {
      hint +=
          "; one whose bytes can't be read now is not lost: make the medium readable again, or, "
          "once it is sure that it is broken there, first move that object out of the repository";
    }
    return {ErrorCode::corruption, "the evidence in the repository does not verify", hint};
  }
  return {ErrorCode::corruption,
          fmt::format("the evidence in {} does not verify", printable(request.file)),
          "ask whoever exported the file for it once more, and for the public key"};
}

int verify(Invocation& invocation, const EvidenceChoices& request) {
  const control::EvidenceVerification verification =
      request.file.empty()
          ? control::verify_evidence(invocation.load_config(control::Looks::at_repository),
                                     request.key, invocation.caller())
          : control::verify_evidence_file(request.file, request.key);
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(verification));
  } else {
    for (const control::EvidenceReport& chain : verification.chains) {
      if (!invocation.quiet() || !chain.sound()) show_chain(output, chain);
      if (invocation.quiet() || chain.key_was_given || !chain.sound()) continue;
      output.line(
          "the public key comes from the file itself: compare it with the one that you were given, "
          "or name that one with --key");
    }
  }
  if (verification.sound()) return 0;
  const Error error = unverified(request, verification);
  tell(error);
  return exit_status(error.code());
}

int key(Invocation& invocation) {
  const control::EvidenceKey own = control::evidence_public_key(
      invocation.load_config(control::Looks::at_repository), invocation.caller());
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::json_of_texts({{"public_key", own.pem}, {"key_id", own.key_id}}));
  } else {
    output.write(own.pem);
  }
  return 0;
}

}  // namespace

void add_evidence(Verb root) {
  const auto request = std::make_shared<EvidenceChoices>();
  Verb evidence = root.add("evidence", "Show, export and verify the signed records of runs",
                           "salvor evidence export shop -o evidence.json");
  evidence.add("list", "List the records; - is the repository's own", "salvor evidence list shop")
      .optional("SERVICE", request->service, "only this service")
      .action([request](Invocation& invocation) { return list(invocation, *request); });
  evidence.add("show", "Show what one record says", "salvor evidence show shop 12")
      .required("SERVICE", request->service, "the service, or - for the repository")
      .required("RECORD", request->number, "the record's number")
      .action([request](Invocation& invocation) { return show(invocation, *request); });
  evidence
      .add("export", "Write all records of a service to a file, and a page for people beside it",
           "salvor evidence export shop -o evidence.json")
      .required("SERVICE", request->service, "the service, or - for the repository")
      .required_option("-o,--output", "FILE", request->file,
                       "the file to write; the page gets the extension .html")
      .flag("--with-gaps", request->with_gaps,
            "export what is there, also when records are lost and no signed record says so")
      .action([request](Invocation& invocation) { return save(invocation, *request); });
  evidence
      .add("verify",
           "Verify an exported file by itself, or the repository's records; exit status 5 when a "
           "record does not verify",
           "salvor evidence verify evidence.json --key public.pem")
      .optional("FILE", request->file,
                "the file that `evidence export` wrote (default: the records of the repository)")
      .option("--key", "FILE", request->key, "the public key that `evidence key` printed")
      .action([request](Invocation& invocation) { return verify(invocation, *request); });
  evidence.add("key", "Print the public key that verifies the records", "salvor evidence key")
      .action(key);
}

}  // namespace salvor::cli
