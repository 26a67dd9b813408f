#include "control/internal/policy.h"

#include "codec/hash.h"
#include "service/service_json.h"

namespace salvor::control::internal {

std::string policy_sha256(const service::Service& service) {
  const nlohmann::json canonical = service::json_of(service);  // its keys are sorted
  const std::string text = write_json(canonical, -1, InvalidUtf8::replace);
  return to_hex(codec::sha256(as_bytes(text)));
}

}  // namespace salvor::control::internal
