#include "recovery/step_id.h"

#include <algorithm>
#include <iterator>

namespace salvor::recovery {
namespace {

/// What a step is for.
enum class Purpose { work, checks, afterwards };

struct KindRow {
  std::string_view name;
  Purpose purpose;

  bool has_subject() const { return name.ends_with('-'); }
};

// In the order of the enumeration.
constexpr KindRow kKinds[] = {
    {"", Purpose::work},
#define STEP(kind, name, runs, purpose) {name, Purpose::purpose},
#define STEP_AGAIN(kind, runs)
#include "recovery/steps.def"
    {"", Purpose::work},
};

const KindRow& row_of(const StepId& step) {
  return kKinds[static_cast<std::size_t>(step.kind)];
}

}  // namespace

std::string name_of(const StepId& step) {
  return std::string(row_of(step).name) + step.subject;
}

StepId parse_step(std::string_view name) {
  const auto found = std::ranges::find_if(kKinds, [name](const KindRow& row) {
    return row.has_subject() ? name.starts_with(row.name) : name == row.name;
  });
  if (found == std::end(kKinds)) return {StepKind::unknown, std::string(name)};
  return {static_cast<StepKind>(found - kKinds),
          std::string(found->has_subject() ? name.substr(found->name.size()) : "")};
}

std::vector<StepId> checking_steps() {
  std::vector<StepId> steps;
  for (const KindRow& row : kKinds) {
    if (row.purpose == Purpose::checks) steps.emplace_back(static_cast<StepKind>(&row - kKinds));
  }
  return steps;
}

bool is_afterwards(const StepId& step) {
  return row_of(step).purpose == Purpose::afterwards;
}

}  // namespace salvor::recovery
