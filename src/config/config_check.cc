#include "config/internal/service_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "base/bytes.h"
#include "base/nearest_name.h"

namespace salvor::config {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kProbeTimeout_s = 30;

enum class Where { check, probe };

/// A store that key `key` names, of a type that can be asked (`can`).
std::string parse_store_name(TableReader& reader, std::string_view key,
                             const internal::StoreTypes& stores,
                             bool (stores::Type::*can)() const) {
  const std::string name = reader.required_text(key);
  if (name.empty()) return name;
  const auto found = stores.find(name);
  if (found == stores.end()) {
    std::vector<std::string_view> names;
    for (const auto& [each, type] : stores) names.push_back(each);
    reader.complain(
        key, fmt::format("key \"{}\": no store \"{}\" in this service", key, printable(name)),
        suggest(name, names));
  } else if (found->second != nullptr && !(found->second->*can)()) {
    std::vector<std::string_view> able;
    for (const stores::Type* type : stores::types()) {
      if ((type->*can)()) able.push_back(type->name());
    }
    reader.complain(key, fmt::format("key \"{}\": found a store of type {}, expected {}", key,
                                     found->second->name(), fmt::join(able, " or ")));
  }
  return name;
}

service::HttpTest parse_http(TableReader& reader) {
  service::HttpTest check;
  check.url = reader.required_text("http");
  if (!check.url.empty() && !check.url.starts_with("http://") &&
      !check.url.starts_with("https://")) {
    reader.complain("http", fmt::format("key \"http\": found \"{}\", expected http:// or https://",
                                        printable(check.url)));
  }
  check.status = static_cast<int>(reader.integer("status", 100, 599).value_or(200));
  check.contains = reader.text("contains");
  return check;
}

bool stays_inside(const std::filesystem::path& path) {
  return path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const auto& part) { return part == ".."; });
}

std::optional<std::string> parse_sha256(TableReader& reader) {
  std::optional<std::string> digest = reader.text("sha256");
  if (!digest) return digest;
  std::transform(digest->begin(), digest->end(), digest->begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::array<std::byte, 32> ignored;
  if (!from_hex(*digest, ignored)) {
    reader.complain("sha256", "key \"sha256\": expected 64 hexadecimal digits",
                    "`sha256sum FILE` prints them");
  }
  return digest;
}

service::PathTest parse_path(TableReader& reader, const internal::StoreTypes& stores) {
  service::PathTest check;
  check.store = parse_store_name(reader, "store", stores, &stores::Type::holds_paths);
  check.path = reader.required_text("path");
  if (!stays_inside(check.path)) {
    reader.complain("path", "key \"path\": expected a path inside the store, without \"..\"",
                    "write it relative to the store's root");
  }
  check.min_bytes = static_cast<std::uint64_t>(reader.integer("min_bytes", 0, kMost).value_or(0));
  check.sha256 = parse_sha256(reader);
  return check;
}

service::LogTest parse_log(TableReader& reader) {
  service::LogTest probe;
  probe.log = reader.required_path("log").native();
  probe.pattern = reader.required_text("pattern");
  probe.max = static_cast<std::uint64_t>(reader.integer("max", 0, kMost).value_or(0));
  return probe;
}

service::SqlTest parse_sql(TableReader& reader, const internal::StoreTypes& stores) {
  service::SqlTest check;
  check.store = parse_store_name(reader, "store", stores, &stores::Type::answers_sql);
  check.sql = reader.required_text("sql");
  return check;
}

/// The one of the keys that say what kind of check it is; empty, with a finding, when there is not
/// exactly one.
std::string_view parse_kind(TableReader& reader, Where where) {
  std::vector<std::string_view> kinds{"run", "sql", "http", "path"};
  if (where == Where::probe) kinds.push_back("log");
  std::vector<std::string_view> given;
  for (const std::string_view kind : kinds) {
    if (reader.has(kind)) given.push_back(kind);
  }
  if (given.size() == 1) return given.front();
  if (given.empty()) {
    reader.complain("", fmt::format("[[{}]] has no key that says what to check", reader.path()),
                    fmt::format("add one of: {}", fmt::join(kinds, ", ")));
  } else {
    reader.complain(
        given.back(), fmt::format("[[{}]] has both {} and {}", reader.path(), given[0], given[1]),
        fmt::format("a {1} asks one thing: write [[{0}]] twice, one with {2} and one "
                    "with {3}, each with a name of its own",
                    reader.path(), where == Where::check ? "check" : "probe", given[0], given[1]));
  }
  return {};
}

service::Check parse_check(TableReader& reader, Where where, const internal::StoreTypes& stores) {
  service::Check check;
  if (where == Where::probe) check.timeout_s = kProbeTimeout_s;
  check.timeout_s = reader.duration_s("timeout").value_or(check.timeout_s);
  const std::string_view kind = parse_kind(reader, where);
  std::string usual_name;
  if (kind == "run") {
    check.test = service::ExecTest{usual_name = reader.required_text("run")};
  } else if (kind == "sql") {
    check.test = parse_sql(reader, stores);
    usual_name = std::get<service::SqlTest>(check.test).sql;
  } else if (kind == "http") {
    check.test = parse_http(reader);
    usual_name = std::get<service::HttpTest>(check.test).url;
  } else if (kind == "path") {
    check.test = parse_path(reader, stores);
    usual_name = std::get<service::PathTest>(check.test).path;
  } else if (kind == "log") {
    check.test = parse_log(reader);
    usual_name = std::get<service::LogTest>(check.test).log;
  }
  // A probe watches the live service, and the others always ask the copy.
  if (where == Where::check && (kind == "run" || kind == "http")) {
    check.isolated = reader.boolean("isolated").value_or(false);
  }
  check.name = where == Where::check ? reader.required_text("name")
                                     : reader.text("name").value_or(usual_name);
  // Without its kind, nothing is known about the other keys.
  if (!kind.empty()) reader.finish();
  return check;
}

void require_unique(TableReader& reader, std::set<std::string>& names, const std::string& name) {
  if (name.empty() || names.insert(name).second) return;
  reader.complain("name", fmt::format("a second \"{}\" in this service", printable(name)),
                  "names are unique within a service");
}

}  // namespace

std::vector<service::Check> internal::parse_checks(TableReader& service,
                                                   const internal::StoreTypes& stores) {
  std::vector<service::Check> checks;
  std::set<std::string> names;
  for (const TomlValue* value : service.tables("check")) {
    TableReader reader(*value, service.path() + ".check", service.findings());
    checks.push_back(parse_check(reader, Where::check, stores));
    require_unique(reader, names, checks.back().name);
  }
  return checks;
}

std::vector<service::Reference> internal::parse_references(TableReader& service,
                                                           const internal::StoreTypes& stores) {
  std::vector<service::Reference> references;
  std::set<std::string> names;
  for (const TomlValue* value : service.tables("reference")) {
    TableReader reader(*value, service.path() + ".reference", service.findings());
    service::Reference reference;
    reference.name = reader.required_text("name");
    reference.from = parse_store_name(reader, "from", stores, &stores::Type::answers_sql);
    reference.sql = reader.required_text("sql");
    reference.in = parse_store_name(reader, "in", stores, &stores::Type::holds_paths);
    require_unique(reader, names, reference.name);
    reader.finish();
    references.push_back(std::move(reference));
  }
  return references;
}

std::optional<service::Watch> internal::parse_watch(TableReader& service,
                                                    const internal::StoreTypes& stores) {
  const TomlValue* value = service.table("watch");
  if (value == nullptr) return std::nullopt;
  TableReader reader(*value, service.path() + ".watch", service.findings());
  service::Watch watch;
  watch.duration_s = reader.duration_s("duration").value_or(watch.duration_s);
  watch.every_s = reader.duration_s("every").value_or(watch.every_s);
  watch.failures_max = reader.integer("max_failures", 0, kMost).value_or(0);
  if (watch.every_s > watch.duration_s) {
    reader.complain(reader.has("every") ? "every" : "duration",
                    fmt::format("every ({} s) is longer than duration ({} s)", watch.every_s,
                                watch.duration_s));
  }
  std::set<std::string> names;
  for (const TomlValue* probe : reader.tables("probe")) {
    TableReader probe_reader(*probe, reader.path() + ".probe", service.findings());
    watch.probes.push_back(parse_check(probe_reader, Where::probe, stores));
    require_unique(probe_reader, names, watch.probes.back().name);
  }
  if (!reader.has("probe") || (watch.probes.empty() && reader.tables("probe").empty())) {
    reader.complain("probe", fmt::format("[{}] has no probe", reader.path()),
                    fmt::format("add a [[{}.probe]]", reader.path()));
  }
  reader.finish();
  return watch;
}

}  // namespace salvor::config
