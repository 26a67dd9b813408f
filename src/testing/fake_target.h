#pragma once

#include <map>
#include <string>
#include <vector>

#include "stores/target.h"

namespace salvor::testing {

/// A store in memory that answers what a test has told it. What it was not told is an error, as a
/// wrong statement is.
/// Threads: one.
class FakeTarget final : public stores::Target,
                         public stores::SqlAccess,
                         public stores::PathAccess {
 public:
  std::map<std::string, std::vector<Row>> answers = {};  ///< by statement
  std::map<std::string, std::string> files = {};         ///< path → content
  std::vector<stores::SelfCheck> verdicts = {};
  bool answers_sql = true;
  bool hangs = false;   ///< query() and check() end with their stop only
  bool breaks = false;  ///< every call fails
  bool breaks_list = false;

  int queries = 0;
  std::uint64_t rows_visited = 0;

  const stores::Location& location() const override { return location_; }
  stores::SqlAccess* sql() override { return answers_sql ? this : nullptr; }
  stores::PathAccess* paths() override { return this; }
  stores::TargetIdentity identify(std::int64_t count_ms_max) const override;
  std::vector<stores::SelfCheck> check(std::stop_token stop, const Facts& source) override;
  void query(const std::string& sql, std::stop_token stop,
             const std::function<bool(const Row&)>& visit) override;
  std::optional<stores::PathFacts> look_at(const std::string& path) override;
  std::string sha256(const std::string& path) override;
  void list(const std::function<void(const std::string& path)>& visit) override;
  std::unique_ptr<stores::Replacement> replacement(const std::string& run,
                                                   const std::string& tag) override;

 private:
  void require_whole() const;

  stores::Location location_ = stores::location_of("/fake");
};

}  // namespace salvor::testing
