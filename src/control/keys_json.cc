#include "control/keys.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::json_of_slots;
using internal::text_of;

}  // namespace

std::string to_json(const std::vector<repo::SlotInfo>& keys) {
  return text_of({{"keys", json_of_slots(keys)}});
}

}  // namespace salvor::control
