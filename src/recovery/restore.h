#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "backup/progress.h"
#include "repo/repository.h"
#include "stores/sink.h"

/// Brings one snapshot back into a sink.
namespace salvor::recovery {

struct RestoreOptions {
  bool delta = false;    ///< the target has content: write only what differs
  unsigned threads = 0;  ///< 0: chosen by the machine
  backup::Progress* progress = nullptr;
  std::stop_token stop = {};
};

/// Units: bytes of content.
struct RestoreResult {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;          ///< of all files, without holes
  std::uint64_t bytes_written = 0;  ///< less than `bytes` with delta
  stores::SinkReport sink;
};

/// Reads each pack in order, neighbouring chunks in one request, many at once; writes them where
/// they belong in any order; sets the metadata of directories last; makes all of it durable.
/// Errors: corruption, naming the damaged objects and the paths that they affect: nothing of those
/// was written, and the target is incomplete. Whatever the repository and the sink throw.
/// Memory: bounded, whatever the size of the snapshot.
RestoreResult restore(repo::Repository& repository, const repo::Snapshot& snapshot,
                      stores::Sink& sink, const RestoreOptions& options);

/// What a sink has left out of one store.
struct StoreOutcome {
  std::string store;
  std::vector<std::string> left_out;
};

/// Errors: failed, naming all that was left out, unless everything was restored. To be called when
/// there is nothing more to restore, so that one entry costs no other.
void require_complete(const std::vector<StoreOutcome>& outcomes);

}  // namespace salvor::recovery
