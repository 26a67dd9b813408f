#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

/// What a service asks of its data. Each kind of check is one type here, whose keys() are those of
/// its table in the configuration, and one function in checks/checks.cc that asks it. How it is
/// configured, its JSON, and what a runbook says of it follow from the keys. All are values.
/// A new kind is a type such as this one, its place in Test, and its function in checks/checks.cc:
///     struct TcpTest {
///       std::string address;
///
///       static constexpr TestKind kKind{"tcp", "tcp", "tcp", Asks::service, true};
///       const std::string& asked() const { return address; }
///       static constexpr auto keys() {
///         return std::tuple{TestKey{"address", &TcpTest::address}};
///       }
///     };
/// Names and keys are a contract: journals, evidence and configurations have them.
namespace salvor::service {

/// Whom a check asks. A check that asks something else than the copy says nothing of restored data
/// before the cut-over: a drill does not run it, and a restore in place runs it afterwards.
enum class Asks {
  copy,     ///< the restored data itself
  command,  ///< whatever its command asks: the copy, when it mentions it
  service,  ///< the running service
};

/// What is to be known of a kind of check besides its keys.
struct TestKind {
  /// In JSON, and of its verdicts in evidence: "exec".
  std::string_view name;
  /// The key of asked() in a configuration: "run". A table has exactly one such key, which says of
  /// what kind it is.
  std::string_view key;
  /// In the runbook: "command".
  std::string_view title;
  Asks asks = Asks::copy;
  /// It ends itself in time, and says more of how far it came than that its time was over.
  bool has_own_limit = false;
  /// Only a watch asks it.
  bool only_watched = false;
};

/// What the value of a key is. A configuration is refused, at the line of the key, where it is
/// something else.
enum class Form {
  text,
  /// A whole number.
  number,
  /// http:// or https://
  url,
  /// A path inside a store, relative to its root.
  path_within,
  /// 64 hexadecimal digits; written in lower case.
  sha256,
  /// A file of this machine, by its absolute path; it is asked beforehand whether it answers.
  file,
  /// The name of a store of the service that answers SQL.
  sql_store,
  /// The name of a store of the service that holds paths.
  path_store,
};

/// One key of a kind of check: a member of its type. A std::string is required; an optional one and
/// a number are not.
template <class Kind, class Value>
struct TestKey {
  std::string_view name;  ///< in JSON; in a configuration that of asked() is TestKind::key
  Value Kind::*member;
  Form form = Form::text;
  std::int64_t least = 0;  ///< of a number
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};
template <class Kind, class Value, class... Rest>
TestKey(std::string_view, Value Kind::*, Rest...) -> TestKey<Kind, Value>;

/// Passes when the command ends with exit status 0.
struct ExecTest {
  std::string run;

  static constexpr TestKind kKind{"exec", "run", "command", Asks::command, true};
  const std::string& asked() const { return run; }
  static constexpr auto keys() { return std::tuple{TestKey{"run", &ExecTest::run}}; }
};

/// Passes when the first column of the first row is true: neither null, empty, "f", "false" nor
/// zero.
struct SqlTest {
  std::string store;
  std::string sql;

  static constexpr TestKind kKind{"sql", "sql", "sql"};
  const std::string& asked() const { return sql; }
  static constexpr auto keys() {
    return std::tuple{TestKey{"store", &SqlTest::store, Form::sql_store},
                      TestKey{"sql", &SqlTest::sql}};
  }
};

/// Passes when the answer has the status and contains the text.
struct HttpTest {
  std::string url;
  /// Redirects are followed, at most 5, unless this is itself one (300 to 399).
  int status = 200;
  std::optional<std::string> contains = {};  ///< within the first 1 MiB of the answer

  static constexpr TestKind kKind{"http", "http", "http", Asks::service, true};
  const std::string& asked() const { return url; }
  static constexpr auto keys() {
    return std::tuple{TestKey{"url", &HttpTest::url, Form::url},
                      TestKey{"status", &HttpTest::status, Form::number, 100, 599},
                      TestKey{"contains", &HttpTest::contains}};
  }
};

/// Passes when the path exists; with `min_bytes` or `sha256` it must be a file.
struct PathTest {
  std::string store;
  std::string path;  ///< relative to the store's root
  std::uint64_t min_bytes = 0;
  std::optional<std::string> sha256 = {};  ///< 64 lower-case hexadecimal digits

  static constexpr TestKind kKind{"path", "path", "path"};
  const std::string& asked() const { return path; }
  static constexpr auto keys() {
    return std::tuple{TestKey{"store", &PathTest::store, Form::path_store},
                      TestKey{"path", &PathTest::path, Form::path_within},
                      TestKey{"min_bytes", &PathTest::min_bytes, Form::number},
                      TestKey{"sha256", &PathTest::sha256, Form::sha256}};
  }
};

/// Fails when more than `max` new lines of `log` contain `pattern`.
struct LogTest {
  std::string log;
  std::string pattern;
  std::uint64_t max = 0;

  static constexpr TestKind kKind{"log", "log", "log", Asks::copy, false, true};
  const std::string& asked() const { return log; }
  static constexpr auto keys() {
    return std::tuple{TestKey{"log", &LogTest::log, Form::file},
                      TestKey{"pattern", &LogTest::pattern},
                      TestKey{"max", &LogTest::max, Form::number}};
  }
};

/// All kinds, in the order in which users are told of them.
using Test = std::variant<ExecTest, SqlTest, HttpTest, PathTest, LogTest>;

/// What somebody wants to know of a service, and within which time.
/// Units: seconds.
struct Check {
  std::string name;  ///< unique within the service
  Test test;
  std::int64_t timeout_s = 600;
  /// The owner's word that it asks nothing that is live, although it does not mention the copy.
  bool isolated = false;
};

/// Calls function(ExecTest()), and so on for each kind: whoever looks for a kind by its name, or
/// lists them, need not know them.
template <class Function>
void for_each_kind(const Function& function) {
  [&]<class... Kinds>(std::type_identity<std::variant<Kinds...>>) {
    (function(Kinds()), ...);
  }(std::type_identity<Test>());
}

/// Calls function(key) for each key of a kind, in order. key.member leads to its value:
///     for_each_key<SqlTest>([&](const auto& key) { show(key.name, test.*key.member); });
template <class Kind, class Function>
void for_each_key(const Function& function) {
  std::apply([&](const auto&... keys) { (function(keys), ...); }, Kind::keys());
}

const TestKind& kind_of(const Check& check);

/// What it asks, in its own words: a command, a statement, a URL, a path.
const std::string& asked_by(const Check& check);

/// The values of its keys of a form, such as the stores that it names.
std::vector<std::string> texts_of(const Check& check, Form form);

/// Whether it asks the restored copy while that copy is not live yet. Statements and paths always
/// do. A command does when it mentions the copy, or when its owner says that it is isolated; what
/// asks the service only does when its owner says so. The others would ask the live service: a
/// drill does not run them, and a restore in place runs them after the cut-over.
bool knows_of_copy(const Check& check);

}  // namespace salvor::service
