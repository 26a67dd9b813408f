#include "control/internal/workplaces.h"

#include <algorithm>

#include "base/paths.h"
#include "config/silent_paths.h"

namespace salvor::control::internal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = ".salvor-";
/// "20260203t040506-1a2b3c4d"
constexpr std::size_t kRunIdSize = 24;

}  // namespace

bool is_workplace_name(std::string_view name) {
  constexpr std::size_t kShortest = kPrefix.size() + kRunIdSize + 2;
  return name.starts_with(kPrefix) && name.size() >= kShortest && name[kPrefix.size() + 8] == 't' &&
         name[kPrefix.size() + kRunIdSize] == '-';
}

std::vector<Workplace> find_workplaces(const config::Config& config,
                                       const service::Service& service) {
  std::vector<Workplace> found;
  for (const service::Store& store : service.stores) {
    const fs::path live = store.location().path;
    if (live.empty() || !config::answers(config, live)) continue;
    std::vector<Workplace> beside;
    std::error_code error;
    const fs::path parent = real_path(live).parent_path();
    for (fs::directory_iterator at(parent, error), end; !error && at != end; at.increment(error)) {
      const std::string name = at->path().filename().native();
      if (!is_workplace_name(name)) continue;
      const std::string tag = name.substr(kPrefix.size() + kRunIdSize + 1);
      if (tag != store.name) continue;
      beside.push_back({name.substr(kPrefix.size(), kRunIdSize), store.name, at->path()});
    }
    std::sort(beside.begin(), beside.end(),
              [](const Workplace& a, const Workplace& b) { return a.run < b.run; });
    found.insert(found.end(), beside.begin(), beside.end());
  }
  return found;
}

}  // namespace salvor::control::internal
