#include "control/read_evidence.h"

#include "base/counted.h"
#include "control/caller.h"
#include "evidence/evidence.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/answers.h"
#include "base/fd.h"
#include "base/log.h"
#include "config/silent_paths.h"
#include "control/internal/leave_evidence.h"
#include "control/internal/opened.h"
#include "evidence/evidence_page.h"

namespace salvor::control {
namespace {

constexpr std::uint64_t kExportBytesMax = std::uint64_t{2} << 30U;
constexpr std::uint64_t kKeyBytesMax = 64 * 1024;

/// The repository, with a warning when its log is shorter than it was.
internal::Opened open(const config::Config& config, internal::Logbook& logbook,
                      const Caller& caller) {
  internal::Opened opened = internal::open_repository(config, repo::Access::inspect, caller.stop);
  internal::compare_head(*opened.repository, logbook, internal::ShorterLog::warn);
  return opened;
}

/// Checks the service's name. Errors: not_found: neither the configuration nor the repository has
/// it.
std::string chain_name(const config::Config& config, repo::Repository& repository,
                       const std::string& service) {
  if (service == kWholeRepository) return "";
  const auto known = internal::services_with_evidence(config, repository);
  if (std::find(known.begin(), known.end(), service) == known.end()) config.service(service);
  return service;
}

void list_chain(repo::Repository& repository, const std::string& service,
                std::vector<EvidenceRow>& rows) {
  const std::size_t first = rows.size();
  bool is_whole = true;
  evidence::read_chain(repository, service, [&](const evidence::StoredEvidence& stored) {
    EvidenceRow& row = rows.emplace_back();
    row.service = service;
    row.sequence = stored.number;
    row.problem = stored.problem;
    is_whole = is_whole && row.problem.empty();
    if (!row.problem.empty()) return;
    try {
      row.summary = evidence::summarise(stored.envelope);
      row.summary.statement.clear();
    } catch (const Error& error) {
      row.problem = error.message();
    }
  });
  if (is_whole) return;
  for (evidence::EvidenceGap& gap : evidence::verify_chain(repository, service, 0).gaps) {
    const std::size_t place = first + gap.record - 1;
    const bool is_lost = !gap.is_readable && (gap.named_by != 0 || !gap.may_come_back);
    if (is_lost && place < rows.size()) rows[place].gap = std::move(gap);
  }
}

/// Why a record can't be shown, where it is lost and a signed record says so.
void throw_if_named(repo::Repository& repository, const std::string& chain,
                    const std::string& service, std::uint64_t sequence) {
  for (const evidence::EvidenceGap& gap : evidence::verify_chain(repository, chain, 0).gaps) {
    if (gap.record != sequence || gap.is_readable || gap.named_by == 0) continue;
    throw Error(ErrorCode::corruption,
                fmt::format("evidence record {} of {} is lost, as record {} says since {}",
                            sequence, printable(service), gap.named_by, gap.since),
                fmt::format("salvor evidence show {} {}", printable(service), gap.named_by));
  }
}

/// Records of this chain that wait in the machine's catalog.
void list_waiting(repo::Repository& repository, internal::Logbook& logbook,
                  const std::string& service, std::vector<EvidenceRow>& rows) {
  for (const catalog::WaitingEvidence& waiting :
       internal::waiting_evidence(repository.id().hex(), logbook)) {
    if (waiting.service != service) continue;
    EvidenceRow& row = rows.emplace_back();
    row.service = service;
    row.waits = true;
    try {
      row.summary = evidence::summarise_waiting(repository, waiting.envelope);
      row.summary.statement.clear();
    } catch (const Error& error) {
      row.problem = error.message();
    }
  }
}

/// Warns that an export or a verification reads the records of the repository only.
void warn_of_waiting_records(repo::Repository& repository, internal::Logbook& logbook) {
  const auto waiting = internal::waiting_evidence(repository.id().hex(), logbook);
  if (waiting.empty()) return;
  log::warning("{} of evidence {} in this machine's catalog, and {} not among these",
               counted(waiting.size(), "record"), waiting.size() == 1 ? "waits" : "wait",
               waiting.size() == 1 ? "is" : "are");
}

/// The raw key in a PEM file; empty without a file.
Bytes read_public_key(const std::filesystem::path& file) {
  if (file.empty()) return {};
  const Bytes text = read_file(file, kKeyBytesMax);
  auto key = codec::read_public_key_pem(as_text(text));
  if (key) return std::move(*key);
  throw Error(ErrorCode::configuration,
              printable(file.native()) + " holds no Ed25519 public key in PEM",
              "`salvor evidence key` prints the public key of a repository");
}

}  // namespace

std::vector<EvidenceRow> list_evidence(const config::Config& config, const std::string& service,
                                       const Caller& caller) {
  internal::Logbook logbook(config);
  const internal::Opened opened = open(config, logbook, caller);
  repo::Repository& repository = *opened.repository;
  const auto chains = service.empty() ? internal::services_with_evidence(config, repository)
                                      : std::vector{chain_name(config, repository, service)};
  std::vector<EvidenceRow> rows;
  for (const std::string& chain : chains) {
    list_chain(repository, chain, rows);
    list_waiting(repository, logbook, chain, rows);
  }
  return rows;
}

std::string show_evidence(const config::Config& config, const std::string& service,
                          std::uint64_t sequence, const Caller& caller) {
  internal::Logbook logbook(config);
  const internal::Opened opened = open(config, logbook, caller);
  const std::string chain = chain_name(config, *opened.repository, service);
  std::optional<std::string> stored;
  try {
    stored = evidence::find_envelope(*opened.repository, chain, sequence);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption) throw;
    throw_if_named(*opened.repository, chain, service, sequence);
    throw;
  }
  if (!stored) {
    throw Error(ErrorCode::not_found,
                fmt::format("there is no evidence record {} of {}", sequence, printable(service)),
                fmt::format("`salvor evidence list {}` lists the records", printable(service)));
  }
  return evidence::summarise(*stored).statement;
}

ExportedEvidence export_evidence(const config::Config& config, const std::string& service,
                                 const std::filesystem::path& file, evidence::Gaps gaps,
                                 const Caller& caller) {
  ExportedEvidence exported;
  exported.file = file.native();
  exported.page = std::filesystem::path(file).replace_extension(".html").native();
  if (exported.page == exported.file) {
    throw Error(ErrorCode::usage,
                printable(exported.file) + " is the name that the page for people gets",
                "name the file that is to be verified, as evidence.json");
  }
  config::require_answers_of({{file, "the file of the evidence"}}, config, caller.stop);
  internal::Logbook logbook(config);
  const internal::Opened opened = open(config, logbook, caller);
  exported.service = chain_name(config, *opened.repository, service);
  warn_of_waiting_records(*opened.repository, logbook);
  const std::string text = evidence::export_chain(
      *opened.repository, exported.service, Clock::system().now(), gaps,
      internal::evidence_seen(*opened.repository, exported.service, logbook));
  const codec::SigningKey key = evidence::signing_key(*opened.repository);
  exported.verified = evidence::verify_export(text, key.public_key());
  const bool is_good = gaps == evidence::Gaps::export_them
                           ? exported.verified.is_sound_but_for_gaps()
                           : exported.verified.sound();
  if (!is_good) {
    throw Error(
        ErrorCode::corruption,
        fmt::format("the evidence does not verify: {}", exported.verified.problems.front().what),
        "run `salvor evidence verify` to see every problem");
  }
  write_file_atomically(exported.file, as_bytes(text));
  write_file_atomically(exported.page,
                        as_bytes(evidence::evidence_page(text, file.filename().native())));
  return exported;
}

bool EvidenceVerification::sound() const {
  return std::all_of(chains.begin(), chains.end(),
                     [](const evidence::EvidenceReport& chain) { return chain.sound(); });
}

EvidenceVerification verify_evidence(const config::Config& config,
                                     const std::filesystem::path& public_key,
                                     const Caller& caller) {
  if (!public_key.empty()) {
    config::require_answers_of({{public_key, "the file of the public key"}}, config, caller.stop);
  }
  const Bytes expected = read_public_key(public_key);
  internal::Logbook logbook(config);
  const internal::Opened opened = open(config, logbook, caller);
  EvidenceVerification verification;
  warn_of_waiting_records(*opened.repository, logbook);
  if (!internal::note_on_older_copy(*opened.repository, logbook).empty()) {
    verification.accepts_older = internal::command_to_accept(*opened.repository);
  }
  verification.chains = internal::verify_chains(config, *opened.repository, logbook);
  const Bytes own = evidence::signing_key(*opened.repository).public_key();
  if (!expected.empty() && expected != own) {
    for (evidence::EvidenceReport& chain : verification.chains) {
      chain.problems.push_back(
          {0, fmt::format("the repository's key is {}, expected {}", evidence::key_id_of(own),
                          evidence::key_id_of(expected))});
    }
  }
  return verification;
}

EvidenceVerification verify_evidence_file(const std::filesystem::path& file,
                                          const std::filesystem::path& public_key) {
  std::vector<config::NamedPath> named{{file, "the file of the evidence"}};
  if (!public_key.empty()) named.push_back({public_key, "the file of the public key"});
  config::require_answers_of(named, kAnswersWait_ms / 1000, {});
  const Bytes key = read_public_key(public_key);
  const Bytes text = read_file(file, kExportBytesMax);
  EvidenceVerification verification;
  verification.chains.push_back(evidence::verify_export(as_text(text), key));
  return verification;
}

EvidenceKey evidence_public_key(const config::Config& config, const Caller& caller) {
  const internal::Opened opened =
      internal::open_repository(config, repo::Access::read, caller.stop);
  const Bytes key = evidence::signing_key(*opened.repository).public_key();
  return {codec::write_public_key_pem(key), evidence::key_id_of(key)};
}

}  // namespace salvor::control
