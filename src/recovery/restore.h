#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "backup/progress.h"
#include "repo/repository.h"
#include "stores/sink.h"

/// Brings one snapshot back into a sink. A restore beside the live data calls this for each store;
/// a step of a plan does, too.
///     const RestoreResult result = restore(repository, snapshot, *sink, options);
///     outcomes.push_back({snapshot.store, result.sink.not_made});
///     require_complete(outcomes);      // after the last store
namespace salvor::recovery {

/// How it is done.
/// Lifetime: what is pointed to outlives the call.
struct RestoreOptions {
  bool delta = false;    ///< the target has content: write only what differs
  unsigned threads = 0;  ///< 0: chosen by the machine
  backup::Progress* progress = nullptr;
  std::stop_token stop = {};
};

/// What was restored. A value.
/// Units: bytes of content.
struct RestoreResult {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;          ///< of all files, without holes
  std::uint64_t bytes_written = 0;  ///< from the repository; less than `bytes` with delta
  stores::SinkReport sink;
};

/// Writes everything that a snapshot holds into a sink, and makes it durable. Each pack is read in
/// order, neighbouring chunks in one request, many requests at once; content is written in any
/// order. Metadata of directories comes last.
/// Errors:  corruption, naming the damaged objects and the paths that they affect: none of those
///          bytes were written, and the target is incomplete. cancelled, at `stop`. Whatever the
///          repository and the sink throw.
/// Threads: any; blocks. It uses the sink with several threads, as Sink allows.
/// Memory:  bounded, whatever the size of the snapshot.
RestoreResult restore(repo::Repository& repository, const repo::Snapshot& snapshot,
                      stores::Sink& sink, const RestoreOptions& options);

/// What a sink could not make in one store. A value.
struct StoreOutcome {
  std::string store;
  std::vector<std::string> not_made;
};

/// Throws unless everything could be made. Call it when there is nothing more to restore, so that
/// one entry that the target can't hold costs no other.
/// Errors: failed, naming all that could not be made.
void require_complete(const std::vector<StoreOutcome>& outcomes);

}  // namespace salvor::recovery
