#include <algorithm>

#include "base/error.h"
#include "checks/checks.h"
#include "checks/internal/judge.h"
#include "codec/hash.h"

namespace salvor::checks {
namespace {

/// The paths that rows have named, as checksums of 16 bytes, up to 256 MiB in all. Only the count
/// of orphans uses it. Orphans harm nobody, so a collision that hides one is no loss.
/// Threads: one.
class NamedPaths {
 public:
  void add(std::string_view path) {
    if (overflowed_) return;
    if (checksums_.size() == kMax) {
      tidy();
      // tidy() drops repeated paths. When that frees less than half, there are too many.
      overflowed_ = checksums_.size() > kMax / 2;
      if (overflowed_) checksums_ = {};
    }
    if (!overflowed_) checksums_.push_back(codec::checksum(as_bytes(path)));
  }

  /// To be called before contains().
  void tidy() {
    std::sort(checksums_.begin(), checksums_.end());
    checksums_.erase(std::unique(checksums_.begin(), checksums_.end()), checksums_.end());
  }

  bool overflowed() const { return overflowed_; }
  bool contains(std::string_view path) const {
    return std::binary_search(checksums_.begin(), checksums_.end(),
                              codec::checksum(as_bytes(path)));
  }

 private:
  static constexpr std::size_t kMax = std::size_t{1} << 24U;
  std::vector<codec::Checksum> checksums_;
  bool overflowed_ = false;
};

/// One reference, being asked.   Threads: one.
class ReferenceCheck {
 public:
  ReferenceCheck(const service::Reference& reference, const Deadline& deadline,
                 stores::SqlAccess& from, stores::PathAccess& in, CheckOutcome& outcome)
      : reference_(reference), deadline_(deadline), from_(from), in_(in), outcome_(outcome) {}

  void run() {
    from_.query(reference_.sql, deadline_.token(), [&](const stores::SqlAccess::Row& row) {
      require_time(deadline_);
      if (!row.empty() && row.front()) see(*row.front());
      return true;
    });
    outcome_.missing = missing_;
    count_orphans();
    outcome_.verdict = missing_ == 0 ? Verdict::passed : Verdict::failed;
    describe();
  }

 private:
  void see(const std::string& row) {
    ++rows_;
    const std::optional<std::string> path = path_within(row);
    if (!path) {
      ++outside_;
      miss(row, row.empty() ? "is empty" : "is not a path within the store");
    } else if (!in_.look_at(*path)) {
      miss(row, "does not exist, or is a link out of the store");
    } else {
      named_.add(*path);
    }
  }

  void miss(const std::string& row, const std::string& why) {
    if (++missing_ > kNamedMax) return;
    outcome_.output += "\"" + shown(row) + "\" " + why + "\n";
  }

  /// Orphans harm nobody: where they can't be counted, the verdict stands without them.
  void count_orphans() {
    if (named_.overflowed()) {
      why_no_orphans_ = "too many rows";
      return;
    }
    named_.tidy();
    std::uint64_t orphans = 0;
    try {
      in_.list([&](const std::string& path) {
        require_time(deadline_);
        if (!named_.contains(path)) ++orphans;
      });
      outcome_.orphans = orphans;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::failed) throw;
      why_no_orphans_ = error.message();
    }
  }

  void describe() {
    std::string& text = outcome_.actual;
    text = std::to_string(missing_) + " of " + std::to_string(rows_) + " rows without their file";
    if (outside_ != 0) {
      text += ", of which " + std::to_string(outside_) + " are no paths within the store";
    }
    text += outcome_.orphans ? "; " + std::to_string(*outcome_.orphans) + " files without a row"
                             : "; files without a row were not counted: " + why_no_orphans_;
  }

  const service::Reference& reference_;
  const Deadline& deadline_;
  stores::SqlAccess& from_;
  stores::PathAccess& in_;
  CheckOutcome& outcome_;
  NamedPaths named_;
  std::uint64_t rows_ = 0;
  std::uint64_t missing_ = 0;
  std::uint64_t outside_ = 0;
  std::string why_no_orphans_;
};

}  // namespace

CheckOutcome run_reference(const service::Reference& reference, const CheckSubjects& subjects,
                           std::stop_token stop) {
  CheckOutcome outcome;
  outcome.name = reference.name;
  outcome.kind = "reference";
  outcome.store = reference.from;
  outcome.expected = "0 rows without their file in " + reference.in;
  outcome.command_sha256 = sha256_of(reference.sql);
  const auto from = subjects.stores.find(reference.from);
  const auto in = subjects.stores.find(reference.in);
  for (const auto& [found, name] : {std::pair(from, &reference.from), {in, &reference.in}}) {
    if (found != subjects.stores.end()) continue;
    outcome.verdict = Verdict::skipped;
    outcome.actual = "not asked: store " + *name + " is not among those restored";
    return outcome;
  }
  stores::SqlAccess* const rows = from->second->sql();
  stores::PathAccess* const files = in->second->paths();
  if (rows == nullptr || files == nullptr) {
    outcome.verdict = Verdict::impossible;
    outcome.actual = rows == nullptr ? "store " + reference.from + " answers no SQL"
                                     : "store " + reference.in + " has no paths";
    return outcome;
  }
  judge(outcome, stop, reference.timeout_s, [&](const Deadline& deadline) {
    ReferenceCheck(reference, deadline, *rows, *files, outcome).run();
  });
  return outcome;
}

}  // namespace salvor::checks
