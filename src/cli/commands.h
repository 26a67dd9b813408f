#pragma once

#include "cli/command_line.h"

/// The commands of the program, one file each: cmd_NAME.cc. Each adds its command to `root`.
namespace salvor::cli {

void add_init(Verb root);
void add_config(Verb root);
void add_backup(Verb root);
void add_points(Verb root);
void add_ls(Verb root);
void add_cat(Verb root);
void add_diff(Verb root);
void add_restore(Verb root);
void add_drill(Verb root);
void add_runbook(Verb root);
void add_verify(Verb root);
void add_status(Verb root);
void add_runs(Verb root);
void add_keys(Verb root);
void add_evidence(Verb root);
void add_version(Verb root);
void add_completion(Verb root, const CommandLine& line);

/// What `salvor version` and `salvor --version` do.
int show_version(Invocation& invocation);

}  // namespace salvor::cli
