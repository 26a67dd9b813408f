#pragma once

#include "recovery/internal/step.h"

namespace salvor::recovery::internal {

/// Gives the live (or old) stores back what was written through files that they share with the
/// copy, and makes durable what commands have written. To be called after commands that write into
/// the copy, whatever came of them, and before an exchange. A drill shares nothing.
void give_back_shared(RunContext& context);

/// Nobody may write to a live store while it is restored beside: what is shared would have it in
/// both.   Errors: conflict, naming the first file that was written.
void require_unwritten(RunContext& context);

/// Writes the content that a snapshot has under a key.   Errors: not_found, corruption.
void write_content(repo::Repository& repository, const repo::Snapshot& snapshot, ByteView key,
                   stores::FileWriter& writer);

}  // namespace salvor::recovery::internal
