#include "recovery/internal/current_commands.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/json.h"

namespace salvor::recovery::internal {
namespace {

using Json = nlohmann::ordered_json;

/// A key of a plan whose value is a list of named things, and the word for one of them.
struct NamedList {
  const char* key;
  const char* what;
};
constexpr std::array<NamedList, 3> kLists{
    {{"rebuilds", "rebuild"}, {"checks", "check"}, {"references", "reference"}}};

/// Every command by name, as text that can be compared.
std::map<std::string, std::string> commands_in(const Plan& plan) {
  const Json json = parse_json<Json>(to_json(plan));
  std::map<std::string, std::string> commands;
  for (const char* section : {"writes", "migrate"}) {
    if (!json.at(section).is_object()) continue;
    for (const auto& [key, value] : json.at(section).items()) {
      if (!value.is_null()) commands[std::string(section) + "." + key] = write_json(value);
    }
  }
  for (const NamedList& list : kLists) {
    for (const Json& item : json.at(list.key)) {
      commands[std::string(list.what) + " " + item.at("name").get<std::string>()] =
          write_json(item);
    }
  }
  for (const char* key : {"return", "watch"}) {
    if (!json.at(key).is_null()) commands[key] = write_json(json.at(key));
  }
  return commands;
}

const service::Rebuild* find(const std::vector<service::Rebuild>& rebuilds,
                             const std::string& name) {
  const auto found = std::ranges::find(rebuilds, name, &service::Rebuild::name);
  return found == rebuilds.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> differing_commands(const Plan& plan, const Plan& now) {
  const auto planned = commands_in(plan);
  const auto configured = commands_in(now);
  std::vector<std::string> names;
  for (const auto& [name, command] : planned) {
    const auto found = configured.find(name);
    if (found == configured.end() || found->second != command) names.push_back(name);
  }
  for (const auto& [name, command] : configured) {
    if (!planned.contains(name)) names.push_back(name);
  }
  return names;
}

Plan with_commands_of(const Plan& plan, const Plan& now, const StepRules& rules) {
  const auto is_kept = [&](const StepId& step) {
    return std::ranges::find(rules.kept, step) != rules.kept.end();
  };
  Plan next = plan;
  next.directory = now.directory;
  next.set_procedure(now);
  const bool migrates = now.migrate ? plan.migrate || rules.new_ones : !is_kept(StepKind::migrate);
  if (!migrates) next.migrate = plan.migrate;
  next.rebuilds.clear();
  for (const service::Rebuild& rebuild : plan.rebuilds) {
    if (const auto* found = find(now.rebuilds, rebuild.name)) {
      next.rebuilds.push_back(*found);
    } else if (is_kept({StepKind::rebuild, rebuild.name})) {
      next.rebuilds.push_back(rebuild);
    }
  }
  for (const service::Rebuild& rebuild : now.rebuilds) {
    const bool is_new = find(plan.rebuilds, rebuild.name) == nullptr;
    if (is_new && rules.new_ones) next.rebuilds.push_back(rebuild);
  }
  return next;
}

}  // namespace salvor::recovery::internal
