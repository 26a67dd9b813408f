#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "checks/checks.h"

/// Reports as JSON documents, for the command line, the catalog and whoever else asks: each verb's
/// header declares to_json() of its report; here is what is of no verb. Keys are a contract:
/// docs/cli.md. Times are RFC 3339 in UTC, durations seconds, sizes bytes. Paths are escaped as
/// printable() does it; one that this changed comes with its bytes as "path_hex".
/// Threads: plain functions.
namespace salvor::control {

std::string to_json(const Error& error);

/// A list of verdicts, as restores and drills report them.
std::string to_json(const std::vector<checks::CheckOutcome>& checks);

/// An object of plain texts, in this order.
std::string json_of_texts(const std::vector<std::pair<std::string, std::string>>& members);

}  // namespace salvor::control
