#include "backup/backup.h"

#include <algorithm>

#include "backup/internal/store_pipeline.h"
#include "base/error.h"

namespace salvor::backup {
namespace {

/// Whether what a point says of inodes and times of change can hold for this host.
bool is_of_host(const repo::Point& point, const std::map<std::string, std::string>& facts) {
  const auto own = facts.find("host");
  return point.host().empty() || own == facts.end() || point.host() == own->second;
}

/// The newest snapshot of the same store on the same host, to take over what did not change.
std::optional<Previous> previous_of(const repo::Repository& repository, const Options& options,
                                    const StoreInput& input) {
  const auto& points = repository.points();
  for (auto point = points.rbegin(); point != points.rend(); ++point) {
    // What a safety snapshot holds is broken as a rule: little of it comes back.
    if (point->service != options.service || point->is_safety_snapshot()) continue;
    if (!is_of_host(*point, options.facts)) continue;
    const repo::Snapshot* snapshot = point->find(input.name);
    if (snapshot == nullptr || snapshot->type != input.type) continue;
    return Previous{snapshot->root, snapshot->entries, snapshot->content_bytes};
  }
  return std::nullopt;
}

/// Errors: failed, unless all has only become another kind.
void refuse_unreadable(const StoreInput& input, std::vector<stores::Problem> problems) {
  std::erase_if(problems, [](const stores::Problem& problem) { return problem.changed_kind; });
  if (problems.empty()) return;
  // The first is in the first line, for who sees no more than that.
  const auto described = [](const stores::Problem& problem) {
    return printable(stores::path_of_key(problem.key)) + ": " + problem.reason;
  };
  const std::size_t count = problems.size();
  std::string message =
      "store " + input.name + ": " + std::to_string(count) +
      (count == 1 ? " path could not be read: " : " paths could not be read, the first is ") +
      described(problems.front());
  for (std::size_t i = 1; i < count; ++i) message += "\n  " + described(problems[i]);
  throw Error(ErrorCode::failed, message,
              "make them readable, exclude them, or set on_unreadable = \"warn\" for this store");
}

repo::Snapshot read_store(repo::Repository& repository, repo::Session& session,
                          const StoreInput& input, const Options& options, Clock& clock,
                          Time marked, Result& result) {
  const Time start = clock.monotonic();
  const std::uint64_t stored_before = session.counters().bytes_stored;
  const auto previous = previous_of(repository, options, input);
  try {
    input.source->examine(options.stop);
  } catch (const Error& error) {
    throw error.with_context("store " + input.name);
  }
  StorePipeline pipeline(repository, session, input, previous, options);
  std::vector<stores::Problem> problems;
  repo::Snapshot snapshot = pipeline.run(problems);
  if (!input.tolerate_unreadable) refuse_unreadable(input, problems);
  for (stores::Problem& problem : problems) {
    result.unreadable.push_back({input.name, stores::path_of_key(problem.key), problem.reason});
    snapshot.missing.push_back({std::move(problem.key), std::move(problem.reason)});
  }
  snapshot.time = marked;
  snapshot.bytes_stored = session.counters().bytes_stored - stored_before;
  snapshot.duration_ns = clock.monotonic().ns - start.ns;
  return snapshot;
}

/// When each was marked.
std::vector<Time> mark_all(const std::vector<StoreInput>& inputs, Clock& clock) {
  std::vector<Time> marked;
  for (const StoreInput& input : inputs) {
    try {
      input.source->mark();
    } catch (const Error& error) {
      throw error.with_context("store " + input.name);
    }
    marked.push_back(clock.now());
  }
  return marked;
}

void expect(const repo::Repository& repository, const std::vector<StoreInput>& inputs,
            const Options& options) {
  if (options.progress == nullptr) return;
  for (const StoreInput& input : inputs) {
    const auto previous = previous_of(repository, options, input);
    if (!previous) return;
    options.progress->entries_expected += previous->entries;
  }
}

}  // namespace

Result run(repo::Repository& repository, const std::vector<StoreInput>& inputs,
           const Options& options) {
  Clock& clock = Clock::system();
  const std::unique_ptr<repo::Session> session = repository.begin();
  Result result;
  try {
    result.point.service = options.service;
    result.point.version = options.version;
    result.point.facts = options.facts;
    expect(repository, inputs, options);
    std::vector<Time> marked;
    const auto mark = [&] {
      // Not before: it may have been waited for, and who asks for a time wants nothing later.
      result.point.time = clock.now();
      marked = mark_all(inputs, clock);
    };
    if (options.around_mark) {
      options.around_mark(mark);
    } else {
      mark();
    }
    SALVOR_ASSERT(marked.size() == inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      result.point.snapshots.push_back(
          read_store(repository, *session, inputs[i], options, clock, marked[i], result));
    }
    if (options.before_commit) options.before_commit(result.point);
    result.point.id = session->commit(result.point);
  } catch (...) {
    session->abandon();
    throw;
  }
  return result;
}

}  // namespace salvor::backup
