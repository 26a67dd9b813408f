#pragma once

#include <string>
#include <vector>

#include "control/control.h"

/// Every report as one JSON document, for the command line, the catalog and whoever else asks.
/// Keys are a contract: docs/cli.md. Times are RFC 3339 in UTC, durations seconds, sizes bytes.
/// Paths are escaped as printable() does it; one that this changed comes with its bytes as
/// "path_hex". Threads: plain functions.
namespace salvor::control {

std::string to_json(const InitReport& report);
std::string to_json(const ConfigCheckReport& report);
std::string to_json(const BackupReport& report);
std::string to_json(const PointsReport& report);
std::string to_json(const AcceptReport& report);
std::string to_json(const RestoreReport& report);
std::string to_json(const RestorePlanReport& report);
std::string to_json(const InPlaceReport& report);
std::string to_json(const RunReport& report);

/// A list of verdicts, as restores and drills report them.
std::string to_json(const std::vector<checks::CheckOutcome>& checks);

std::string to_json(const VerifyReport& report);
std::string to_json(const StatusReport& report);
std::string to_json(const catalog::RunRow& run);
std::string to_json(const std::vector<catalog::RunRow>& runs);
std::string to_json(const std::vector<repo::SlotInfo>& keys);
std::string to_json(const Error& error);

/// {"backups": […]}, with the "error" of the first service that failed.
std::string to_json(const std::vector<BackupReport>& reports);

/// One line each, so that a list of any length can be written as it comes.
std::string to_json(const ListedEntry& entry);
std::string to_json(const DiffEntry& entry);

/// An object of plain texts, in this order.
std::string json_of_texts(const std::vector<std::pair<std::string, std::string>>& members);

std::string to_json(const DrillReport& report);
std::string to_json(const RunbookReport& report);

std::string to_json(const std::vector<EvidenceRow>& rows);
std::string to_json(const ExportedEvidence& exported);
std::string to_json(const EvidenceVerification& verification);

/// {"version","format"}
std::string version_json();

}  // namespace salvor::control
