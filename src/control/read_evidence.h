#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "control/caller.h"
#include "evidence/evidence.h"
#include "evidence/statement_parts.h"

/// The verb `evidence`: lists, shows, exports and verifies the signed records.
namespace salvor::control {

/// Chains of evidence are named by their service; the repository's own is kWholeRepository.
inline constexpr std::string_view kWholeRepository = "-";

/// One record of a chain, as a list shows it.
struct EvidenceRow {
  std::string service;  ///< empty: of the whole repository
  std::uint64_t sequence = 0;
  evidence::EvidenceSummary summary;
  std::string problem;                       ///< why there is no summary: missing, or damaged
  std::optional<evidence::EvidenceGap> gap;  ///< the record is lost
  bool waits = false;  ///< in this machine's catalog, to be appended; it has no sequence yet
};

/// In order of services, then of records, those that wait at the end; signatures are verified of
/// those alone.
/// Errors: not_found: neither the configuration nor the repository knows the service.
std::vector<EvidenceRow> list_evidence(const config::Config& config, const std::string& service,
                                       const Caller& caller);

/// The statement of one record, as JSON.
/// Errors: not_found; corruption: it is lost, or damaged.
std::string show_evidence(const config::Config& config, const std::string& service,
                          std::uint64_t sequence, const Caller& caller);

/// An export: the file, its page, and that it verifies.
struct ExportedEvidence {
  std::string service;
  std::string file;
  std::string page;  ///< the same for people: file with the extension .html
  evidence::EvidenceReport verified;
};

/// Writes all records of a service to `file`, and a page for people beside it; both are replaced.
/// Errors: usage: `file` is the page; not_found; corruption: the chain does not verify; of gaps
///         that no signed record names only where they are refused.
ExportedEvidence export_evidence(const config::Config& config, const std::string& service,
                                 const std::filesystem::path& file, evidence::Gaps gaps,
                                 const Caller& caller);

/// What the verification of one or more chains found.
struct EvidenceVerification {
  /// The command that accepts the repository, where it is an older copy; empty: it is none.
  std::string accepts_older;
  std::vector<evidence::EvidenceReport> chains;
  bool sound() const;
};

/// Every chain of the repository, also against what this machine remembers. `public_key`: empty, or
/// a file with the one that is expected.
/// Errors: configuration: it holds no public key.
EvidenceVerification verify_evidence(const config::Config& config,
                                     const std::filesystem::path& public_key, const Caller& caller);

/// An exported file; nothing else is read but the key, if there is one.
/// Errors: not_found; configuration, as above.
EvidenceVerification verify_evidence_file(const std::filesystem::path& file,
                                          const std::filesystem::path& public_key);

/// The public key that evidence is verified with.
struct EvidenceKey {
  std::string pem;
  std::string key_id;
};

EvidenceKey evidence_public_key(const config::Config& config, const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const std::vector<EvidenceRow>& rows);
std::string to_json(const ExportedEvidence& exported);
std::string to_json(const EvidenceVerification& verification);

}  // namespace salvor::control
