#pragma once

#include "cli/output.h"
#include "control/runs.h"

namespace salvor::cli {

/// What a run without a journal (a backup, a verification, a restore into a directory) has
/// reported: a line for each value, then a table for each list. Nothing where it reported nothing.
void show_summary(Output& output, const control::RunRow& run);

}  // namespace salvor::cli
