#include "evidence/internal/envelope.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "codec/hash.h"
#include "evidence/evidence.h"

namespace salvor::evidence::internal {
namespace {

using nlohmann::json;

constexpr std::string_view kPayloadType = "application/vnd.in-toto+json";

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::corruption, what);
}

/// The text of a member, which must be there.
const std::string& text_of(const json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_string()) fail(fmt::format("it has no {}", name));
  return member->get_ref<const std::string&>();
}

Bytes decoded(const json& object, const char* name) {
  auto bytes = codec::from_base64(text_of(object, name));
  if (!bytes) fail(fmt::format("its {} is not base64", name));
  return std::move(*bytes);
}

const json& signature_of(const json& envelope) {
  const auto signatures = envelope.find("signatures");
  if (signatures == envelope.end() || !signatures->is_array() || signatures->size() != 1) {
    fail("it has not one signature");
  }
  const json& signature = signatures->front();
  if (!signature.is_object() || signature.size() != 2) fail("its signature has other members");
  text_of(signature, "keyid");
  return signature;
}

json parsed(std::string_view envelope) {
  if (nests_too_deep(envelope)) fail("it is no envelope");
  json value = try_parse_json(envelope);
  if (!value.is_object() || value.size() != 3) fail("it is no envelope");
  if (text_of(value, "payloadType") != kPayloadType) fail("its payload is of another type");
  signature_of(value);
  return value;
}

std::string payload_of(const json& envelope) {
  std::string payload(as_text(decoded(envelope, "payload")));
  if (nests_too_deep(payload)) fail("its payload is no statement");
  const json statement = try_parse_json(payload);
  if (!statement.is_object() || write_json(statement) != payload) {
    fail("its payload is not canonical JSON");
  }
  return payload;
}

}  // namespace

Bytes pre_authentication_encoding(std::string_view payload) {
  return to_bytes(fmt::format("DSSEv1 {} {} {} {}", kPayloadType.size(), kPayloadType,
                              payload.size(), payload));
}

std::string seal_envelope(std::string_view statement, const codec::SigningKey& key) {
  const Bytes signature = key.sign(pre_authentication_encoding(statement));
  const json signed_by = {{"keyid", key_id_of(key.public_key())},
                          {"sig", codec::to_base64(signature)}};
  const json envelope = {{"payload", codec::to_base64(as_bytes(statement))},
                         {"payloadType", std::string(kPayloadType)},
                         {"signatures", json::array({signed_by})}};
  return write_json(envelope);
}

std::string read_envelope(std::string_view envelope) {
  return payload_of(parsed(envelope));
}

std::string open_envelope(std::string_view envelope, ByteView public_key) {
  const json value = parsed(envelope);
  const json& signature = signature_of(value);
  if (text_of(signature, "keyid") != key_id_of(public_key)) {
    fail(fmt::format("it is signed with key {}, expected {}",
                     printable(text_of(signature, "keyid")), key_id_of(public_key)));
  }
  const Bytes payload = decoded(value, "payload");
  if (!codec::verify_signature(pre_authentication_encoding(as_text(payload)),
                               decoded(signature, "sig"), public_key)) {
    fail("its signature does not verify");
  }
  return payload_of(value);
}

bool nests_too_deep(std::string_view json) {
  constexpr int kDepthMax = 32;
  int depth = 0;
  bool in_text = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char each = json[at];
    if (in_text && each == '\\') ++at;
    if (each == '"') in_text = !in_text;
    if (in_text) continue;
    if ((each == '[' || each == '{') && ++depth > kDepthMax) return true;
    if (each == ']' || each == '}') --depth;
  }
  return false;
}

std::string sha256_hex(std::string_view text) {
  return to_hex(codec::sha256(as_bytes(text)));
}

}  // namespace salvor::evidence::internal
