#include "checks/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/error.h"
#include "checks/internal/judge.h"
#include "net/http_client.h"

namespace salvor::checks {
namespace {

constexpr int kRedirectsMax = 5;
constexpr std::size_t kAnswerShownBytesMax = 4096;

/// Whether a value means yes. Every number that is zero means no: 0, 0.0, 0e0.
bool is_true(const std::optional<std::string>& value) {
  if (!value) return false;
  std::string text = *value;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  if (text.empty() || text == "f" || text == "false") return false;
  double number = 1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error != std::errc() || end != text.data() + text.size() || number != 0;
}

/// Asks one check of each kind, and fills in the outcome.
class Asking {
 public:
  Asking(const service::Check& check, const CheckSubjects& subjects, const Deadline& deadline,
         CheckOutcome& outcome)
      : check_(check), subjects_(subjects), deadline_(deadline), outcome_(outcome) {}

  void operator()(const service::ExecTest& test) {
    outcome_.expected = "exit status 0";
    if (!may_ask()) {
      skip(
          "not run: the command mentions neither SALVOR_STORE_… nor SALVOR_MODE, so it would ask "
          "the live service, not this copy");
      return;
    }
    const service::HookOutcome hook =
        service::run_hook(test.run, subjects_.context, check_.timeout_s, deadline_.token(),
                          "the command of check " + check_.name);
    outcome_.actual = hook.describe();
    outcome_.output = hook.output;
    pass_if(hook.succeeded());
  }

  void operator()(const service::SqlTest& test) {
    outcome_.expected = "a true value in the first column of the first row";
    stores::SqlAccess* store = find(test.store, &stores::Target::sql);
    if (store == nullptr) return;
    bool good = false;
    outcome_.actual = "no row";
    store->query(test.sql, deadline_.token(), [&](const stores::SqlAccess::Row& row) {
      const std::optional<std::string> value = row.empty() ? std::nullopt : row.front();
      outcome_.actual = value ? shown(*value) : "NULL";
      good = is_true(value);
      return false;
    });
    pass_if(good);
  }

  void operator()(const service::HttpTest& test) {
    outcome_.expected = "status " + std::to_string(test.status);
    if (test.contains) outcome_.expected += ", with \"" + shown(*test.contains) + "\"";
    if (!may_ask()) {
      skip("not asked: it would ask the live service, not this copy");
      return;
    }
    const bool redirect = test.status >= 300 && test.status <= 399;
    const net::HttpResponse response = net::http_get({.url = test.url,
                                                      .timeout_ms = check_.timeout_s * 1000,
                                                      .redirects_max = redirect ? 0 : kRedirectsMax,
                                                      .stop = deadline_.token()});
    const bool found = !test.contains || response.body.find(*test.contains) != std::string::npos;
    outcome_.actual = "status " + std::to_string(response.status);
    if (!found) {
      outcome_.actual += ", without the text";
      if (response.body_truncated) outcome_.actual += " in the first 1 MiB";
    }
    pass_if(response.status == test.status && found);
    if (!outcome_.good()) outcome_.output = response.body.substr(0, kAnswerShownBytesMax);
  }

  void operator()(const service::PathTest& test) {
    const bool must_be_file = test.min_bytes > 0 || test.sha256;
    outcome_.expected = "it exists";
    if (must_be_file) {
      outcome_.expected = "a file of at least " + std::to_string(test.min_bytes) + " bytes";
    }
    if (test.sha256) outcome_.expected += " with the SHA-256 " + *test.sha256;
    stores::PathAccess* store = find(test.store, &stores::Target::paths);
    if (store == nullptr) return;
    const std::optional<std::string> path = path_within(test.path);
    const auto facts = path ? store->look_at(*path) : std::nullopt;
    if (!facts) {
      outcome_.actual = path ? "it does not exist" : "its path leads out of the store";
      return;
    }
    outcome_.actual =
        facts->is_file ? "a file of " + std::to_string(facts->bytes) + " bytes" : "no file";
    if (must_be_file && (!facts->is_file || facts->bytes < test.min_bytes)) return;
    if (test.sha256) {
      const std::string found = store->sha256(*path);
      outcome_.actual += " with the SHA-256 " + found;
      if (found != *test.sha256) return;
    }
    pass_if(true);
  }

  void operator()(const service::LogTest&) {
    outcome_.verdict = Verdict::impossible;
    outcome_.actual = "a log can be watched only";
  }

 private:
  bool may_ask() const { return subjects_.live || service::knows_of_copy(check_); }

  void pass_if(bool good) { outcome_.verdict = good ? Verdict::passed : Verdict::failed; }

  void skip(const std::string& why) {
    outcome_.verdict = Verdict::skipped;
    outcome_.actual = why;
  }

  /// What a store can be asked; null, with a verdict, where it can't be asked that.
  template <class Access>
  Access* find(const std::string& name, Access* (stores::Target::*facet)()) {
    outcome_.store = name;
    const auto found = subjects_.stores.find(name);
    if (found == subjects_.stores.end()) {
      skip("not asked: store " + name + " is not among those restored");
      return nullptr;
    }
    if (Access* access = (found->second->*facet)()) return access;
    outcome_.verdict = Verdict::impossible;
    outcome_.actual = "store " + name + " can't be asked such a thing";
    return nullptr;
  }

  const service::Check& check_;
  const CheckSubjects& subjects_;
  const Deadline& deadline_;
  CheckOutcome& outcome_;
};

}  // namespace

void CheckCounts::add(Verdict verdict) {
  if (verdict == Verdict::passed) {
    ++passed;
  } else if (verdict == Verdict::skipped) {
    ++not_run;
  } else {
    ++failed;
  }
}

CheckCounts count_checks(const std::vector<CheckOutcome>& checks) {
  CheckCounts counts;
  for (const CheckOutcome& check : checks) counts.add(check.verdict);
  return counts;
}

std::string in_words(const CheckCounts& counts, std::string_view noun) {
  std::string words = fmt::format("{} of {}{} passed", counts.passed, counts.all(), noun);
  if (counts.failed > 0) words += fmt::format(", {} failed", counts.failed);
  if (counts.not_run > 0) words += fmt::format(", {} not run", counts.not_run);
  return words;
}

std::string_view name_of(Verdict verdict) {
  // In the order of the enumeration.
  constexpr std::array<std::string_view, 4> kNames{"passed", "failed", "failed", "not_run"};
  return kNames[static_cast<std::size_t>(verdict)];
}

CheckOutcome run_check(const service::Check& check, const CheckSubjects& subjects,
                       std::stop_token stop) {
  CheckOutcome outcome;
  outcome.name = check.name;
  outcome.kind = service::kind_of(check).name;
  outcome.command_sha256 = sha256_of(service::asked_by(check));
  const std::int64_t timeout_s = service::kind_of(check).has_own_limit ? 0 : check.timeout_s;
  judge(outcome, stop, timeout_s, [&](const Deadline& deadline) {
    std::visit(Asking(check, subjects, deadline, outcome), check.test);
  });
  return outcome;
}

std::vector<CheckOutcome> run_self_checks(const std::string& store, stores::Target& target,
                                          std::stop_token stop,
                                          const stores::Target::Facts& source) {
  CheckOutcome all;
  all.name = "self checks of " + store;
  all.kind = "built-in";
  all.store = store;
  std::vector<CheckOutcome> outcomes;
  judge(all, stop, 0, [&](const Deadline& deadline) {
    for (const stores::SelfCheck& verdict : target.check(deadline.token(), source)) {
      CheckOutcome& outcome = outcomes.emplace_back(all);
      outcome.name = verdict.name + " of " + store;
      outcome.verdict = verdict.passed    ? Verdict::passed
                        : verdict.not_run ? Verdict::skipped
                                          : Verdict::failed;
      outcome.expected = verdict.expected;
      outcome.actual = verdict.found;
    }
    require_time(deadline);  // what was cut short has proven nothing
  });
  if (all.verdict == Verdict::impossible) outcomes.push_back(all);
  if (!outcomes.empty()) outcomes.front().seconds = all.seconds;
  return outcomes;
}

}  // namespace salvor::checks
