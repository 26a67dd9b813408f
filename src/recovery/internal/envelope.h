#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

#include "codec/signature.h"

/// DSSE envelopes (https://github.com/secure-systems-lab/dsse, version 1) with in-toto statements
/// (https://in-toto.io/Statement/v1) in them; docs/evidence.md.
namespace salvor::recovery::internal {

/// Sorted keys, no blanks, UTF-8: the only text that a value has.
std::string canonical(const nlohmann::json& value);

/// What is signed: "DSSEv1", the payload's type and the payload, each with its length in front.
Bytes pre_authentication_encoding(std::string_view payload);

/// The envelope of a statement, as canonical JSON.
std::string seal_envelope(const nlohmann::json& statement, const codec::SigningKey& key);

/// The statement of an envelope.   Errors: corruption: it is no envelope, or has other members than
/// an envelope has; nothing is verified.
nlohmann::json read_envelope(const nlohmann::json& envelope);

/// The same, with the signature verified.   Errors: corruption.
nlohmann::json open_envelope(const nlohmann::json& envelope, ByteView public_key);

/// The value of a text.   Errors: corruption.
nlohmann::json parse_json(std::string_view text, std::string_view what);

std::string sha256_hex(std::string_view text);

}  // namespace salvor::recovery::internal
