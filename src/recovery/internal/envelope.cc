#include "recovery/internal/envelope.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "codec/hash.h"
#include "recovery/evidence.h"

namespace salvor::recovery::internal {
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

std::string payload_of(const json& envelope) {
  if (!envelope.is_object() || envelope.size() != 3) fail("it is no envelope");
  if (text_of(envelope, "payloadType") != kPayloadType) fail("its payload is of another type");
  signature_of(envelope);
  return std::string(as_text(decoded(envelope, "payload")));
}

json statement_of(const std::string& payload) {
  json statement = parse_json(payload, "its payload");
  if (!statement.is_object() || canonical(statement) != payload) {
    fail("its payload is not canonical JSON");
  }
  return statement;
}

}  // namespace

std::string canonical(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Bytes pre_authentication_encoding(std::string_view payload) {
  return to_bytes(fmt::format("DSSEv1 {} {} {} {}", kPayloadType.size(), kPayloadType,
                              payload.size(), payload));
}

std::string seal_envelope(const json& statement, const codec::SigningKey& key) {
  const std::string payload = canonical(statement);
  const Bytes signature = key.sign(pre_authentication_encoding(payload));
  const json signed_by = {{"keyid", key_id_of(key.public_key())},
                          {"sig", codec::to_base64(signature)}};
  return canonical({{"payload", codec::to_base64(as_bytes(payload))},
                    {"payloadType", std::string(kPayloadType)},
                    {"signatures", json::array({signed_by})}});
}

json read_envelope(const json& envelope) {
  return statement_of(payload_of(envelope));
}

json open_envelope(const json& envelope, ByteView public_key) {
  const std::string payload = payload_of(envelope);
  const json& signature = signature_of(envelope);
  if (text_of(signature, "keyid") != key_id_of(public_key)) {
    fail(fmt::format("it is signed with key {}, expected {}",
                     printable(text_of(signature, "keyid")), key_id_of(public_key)));
  }
  if (!codec::verify_signature(pre_authentication_encoding(payload), decoded(signature, "sig"),
                               public_key)) {
    fail("its signature does not verify");
  }
  return statement_of(payload);
}

json parse_json(std::string_view text, std::string_view what) {
  json value = json::parse(text, nullptr, false);
  if (value.is_discarded()) fail(fmt::format("{} is not JSON", what));
  return value;
}

std::string sha256_hex(std::string_view text) {
  return to_hex(codec::sha256(as_bytes(text)));
}

}  // namespace salvor::recovery::internal
