#include "config/internal/service_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/nearest_name.h"
#include "service/hooks.h"

namespace salvor::config {
namespace {

// How long commands may take where the file does not say.
constexpr std::int64_t kWritesTimeout_s = 300;
constexpr std::int64_t kMigrateTimeout_s = 3600;
constexpr std::int64_t kRebuildTimeout_s = std::int64_t{6} * 3600;
constexpr std::int64_t kReturnTimeout_s = 600;

std::int64_t timeout_s(TableReader& reader, std::int64_t usual_s) {
  return reader.duration_s("timeout").value_or(usual_s);
}

std::vector<service::Store> parse_stores(TableReader& service, internal::StoreTypes& types) {
  std::vector<service::Store> stores;
  const TomlValue* value = service.table("store");
  if (value == nullptr || value->members.empty()) {
    if (value != nullptr || !service.has("store")) {
      service.complain("store", fmt::format("[{}] has no stores", service.path()),
                       fmt::format("add a [{}.store.NAME]", service.path()));
    }
    return stores;
  }
  for (const TomlMember& member : value->members) types[member.key] = nullptr;
  std::map<std::string, std::string> variables;  // → store
  for (const TomlMember* member : service.named_tables("store")) {
    const auto [other, own] = variables.emplace(service::store_variable(member->key), member->key);
    if (!own) {
      service.findings().add(
          member->position,
          fmt::format(
              "stores \"{}\" and \"{}\" would share the variable {} of the service's commands",
              other->second, member->key, other->first),
          "rename one of them");
      continue;
    }
    auto store = internal::parse_store(member->key, member->value,
                                       fmt::format("{}.store.{}", service.path(), member->key),
                                       service.findings());
    if (!store) continue;
    types[member->key] = store->type;
    stores.push_back(std::move(*store));
  }
  return stores;
}

std::optional<service::Writes> parse_writes(TableReader& service) {
  const TomlValue* value = service.table("writes");
  if (value == nullptr) return std::nullopt;
  TableReader reader(*value, service.path() + ".writes", service.findings());
  service::Writes writes;
  const std::int64_t limit_s = timeout_s(reader, kWritesTimeout_s);
  writes.lock = {reader.required_text("lock"), limit_s};
  writes.unlock = {reader.required_text("unlock"), limit_s};
  if (const auto locked = reader.text("locked")) writes.locked = {*locked, limit_s};
  reader.finish();
  return writes;
}

std::optional<service::Migrate> parse_migrate(TableReader& service) {
  const TomlValue* value = service.table("migrate");
  if (value == nullptr) return std::nullopt;
  TableReader reader(*value, service.path() + ".migrate", service.findings());
  service::Migrate migrate;
  const std::int64_t limit_s = timeout_s(reader, kMigrateTimeout_s);
  if (const auto needed = reader.text("needed")) migrate.needed = {*needed, limit_s};
  migrate.run = {reader.required_text("run"), limit_s};
  migrate.isolated = reader.boolean("isolated").value_or(false);
  reader.finish();
  return migrate;
}

std::vector<service::Rebuild> parse_rebuilds(TableReader& service) {
  std::vector<service::Rebuild> rebuilds;
  for (const TomlValue* value : service.tables("rebuild")) {
    TableReader reader(*value, service.path() + ".rebuild", service.findings());
    service::Rebuild rebuild;
    rebuild.name = reader.required_text("name");
    rebuild.run = {reader.required_text("run"), timeout_s(reader, kRebuildTimeout_s)};
    rebuild.isolated = reader.boolean("isolated").value_or(false);
    if (!rebuild.name.empty() && !is_name(rebuild.name)) {
      reader.complain("name", fmt::format("\"{}\" can't name a rebuild", printable(rebuild.name)),
                      std::string(kNameHint));
    }
    const bool repeated =
        std::any_of(rebuilds.begin(), rebuilds.end(),
                    [&](const service::Rebuild& other) { return other.name == rebuild.name; });
    if (repeated && !rebuild.name.empty()) {
      reader.complain("name", fmt::format("a second rebuild \"{}\"", printable(rebuild.name)),
                      "names are unique within a service");
    }
    reader.finish();
    rebuilds.push_back(std::move(rebuild));
  }
  return rebuilds;
}

std::optional<service::Command> parse_return(TableReader& service) {
  const TomlValue* value = service.table("return");
  if (value == nullptr) return std::nullopt;
  TableReader reader(*value, service.path() + ".return", service.findings());
  service::Command command{reader.required_text("run"), timeout_s(reader, kReturnTimeout_s)};
  reader.finish();
  return command;
}

service::Drill parse_drill(TableReader& service) {
  service::Drill drill;
  const TomlValue* value = service.table("drill");
  if (value == nullptr) return drill;
  TableReader reader(*value, service.path() + ".drill", service.findings());
  drill.timeout_s = timeout_s(reader, drill.timeout_s);
  reader.finish();
  return drill;
}

std::optional<service::Cron> parse_cron(TableReader& reader, std::string_view key) {
  const std::optional<std::string> text = reader.text(key);
  if (!text) return std::nullopt;
  std::optional<service::Cron> cron;
  reader.locate(key, [&] { cron = service::Cron::parse(*text); });
  return cron;
}

}  // namespace

service::Schedule internal::parse_schedule(TableReader& service) {
  service::Schedule schedule;
  const TomlValue* value = service.table("schedule");
  if (value == nullptr) return schedule;
  TableReader reader(*value, service.path() + ".schedule", service.findings());
  schedule.backup = parse_cron(reader, "backup");
  schedule.verify = parse_cron(reader, "verify");
  schedule.drill = parse_cron(reader, "drill");
  const auto zone = reader.choice("timezone", {"UTC", "local"});
  if (zone) schedule.zone = *zone == 0 ? service::TimeZone::utc : service::TimeZone::local;
  reader.finish();
  return schedule;
}

std::optional<service::Retention> internal::parse_retention(TableReader& service) {
  constexpr std::int64_t kCountMax = 1'000'000;
  const TomlValue* value = service.table("retention");
  if (value == nullptr) return std::nullopt;
  TableReader reader(*value, service.path() + ".retention", service.findings());
  service::Retention retention;
  const auto count = [&](std::string_view key) {
    // A wrong number is reported as such, and not also as one that keeps nothing.
    return static_cast<int>(reader.integer(key, 0, kCountMax).value_or(reader.has(key) ? 1 : 0));
  };
  retention.within_s = reader.duration_s("within");
  retention.window_s = reader.duration_s("window");
  retention.last = count("last");
  retention.hourly = count("hourly");
  retention.daily = count("daily");
  retention.weekly = count("weekly");
  retention.monthly = count("monthly");
  retention.yearly = count("yearly");
  reader.finish();
  const int most = std::max({retention.last, retention.hourly, retention.daily, retention.weekly,
                             retention.monthly, retention.yearly});
  if (most == 0 && !reader.has("within") && !reader.has("window")) {
    reader.complain("", fmt::format("[{}] keeps nothing", reader.path()),
                    "leave the table out to keep everything, or set last = 1 at least");
  }
  return retention;
}

service::Service internal::parse_service(const std::string& name, const TomlValue& value,
                                         Findings& findings) {
  TableReader reader(value, "service." + name, findings);
  service::Service service;
  internal::StoreTypes types;
  service.name = name;
  service.owner = reader.text("owner").value_or("");
  service.severity = reader.text("severity").value_or(service.severity);
  service.rpo_s = reader.duration_s("rpo");
  service.rto_s = reader.duration_s("rto");
  service.contacts = reader.texts("contacts");
  service.links = reader.texts("links");
  service.protect = reader.paths("protect");
  service.runbook = reader.path("runbook");
  service.staging = reader.path("staging");
  service.shared = reader.boolean("shared").value_or(false);
  service.quiesce = reader.boolean("quiesce").value_or(false);
  service.stores = parse_stores(reader, types);
  service.writes = parse_writes(reader);
  service.migrate = parse_migrate(reader);
  service.rebuilds = parse_rebuilds(reader);
  service.checks = internal::parse_checks(reader, types);
  service.references = internal::parse_references(reader, types);
  service.return_to_service = parse_return(reader);
  service.watch = internal::parse_watch(reader, types);
  service.drill = parse_drill(reader);
  service.schedule = internal::parse_schedule(reader);
  service.retention = internal::parse_retention(reader);
  if (service.quiesce && !reader.has("writes")) {
    reader.complain("quiesce", fmt::format("quiesce needs [{}.writes]", reader.path()),
                    "say there how writes are locked and unlocked");
  }
  reader.finish();
  return service;
}

}  // namespace salvor::config
