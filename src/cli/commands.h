#pragma once

#include "cli/command_line.h"

/// The commands of the program, one file each: cmd_NAME.cc. Each adds its command to `root`.
namespace salvor::cli {

void add_init(Command root);
void add_config(Command root);
void add_backup(Command root);
void add_points(Command root);
void add_ls(Command root);
void add_cat(Command root);
void add_diff(Command root);
void add_restore(Command root);
void add_drill(Command root);
void add_runbook(Command root);
void add_verify(Command root);
void add_status(Command root);
void add_runs(Command root);
void add_keys(Command root);
void add_evidence(Command root);
void add_version(Command root);
void add_completion(Command root, const CommandLine& line);

/// What `salvor version` and `salvor --version` do.
int show_version(Invocation& invocation);

}  // namespace salvor::cli
