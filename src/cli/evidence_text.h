#pragma once

#include <string>

#include "cli/output.h"

namespace salvor::cli {

/// What a record of evidence says, for people. --json prints the statement itself.
/// Shape:  statement: the in-toto statement, as `evidence show` gets it.
/// Errors: corruption: it is no statement.
void show_statement(Output& output, const std::string& statement);

}  // namespace salvor::cli
