#include <fmt/format.h>

#include "config/config.h"

namespace salvor::config {

std::vector<std::string> idle_sections(const Config& config, std::string_view service) {
  std::vector<std::string> lines;
  for (const service::Service& each : config.services) {
    if (!service.empty() && each.name != service) continue;
    if (each.schedule.backup || each.schedule.verify || each.schedule.drill) {
      lines.push_back(
          fmt::format("nothing acts on [service.{}.schedule] yet: run the commands from cron or a "
                      "systemd timer",
                      each.name));
    }
    if (each.retention) {
      lines.push_back(fmt::format(
          "nothing acts on [service.{}.retention] yet: every recovery point is kept", each.name));
    }
  }
  if (config.serve.given) lines.emplace_back("nothing acts on [serve] yet: there is no server");
  return lines;
}

}  // namespace salvor::config
