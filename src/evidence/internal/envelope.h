#pragma once

#include <string>

#include "codec/signature.h"

/// DSSE envelopes (https://github.com/secure-systems-lab/dsse, version 1) with in-toto statements
/// (https://in-toto.io/Statement/v1) in them; docs/evidence.md.
namespace salvor::evidence::internal {

/// What is signed: "DSSEv1", the payload's type and the payload, each with its length in front.
Bytes pre_authentication_encoding(std::string_view payload);

/// The envelope of a statement, both as canonical JSON: sorted keys, no blanks, UTF-8; the only
/// text that a value has.
std::string seal_envelope(std::string_view statement, const codec::SigningKey& key);

/// The statement of an envelope: an object, in canonical JSON.
/// Errors: corruption: it is no envelope, or has other members than one has; nothing is verified.
std::string read_envelope(std::string_view envelope);

/// The same, with the signature verified.   Errors: corruption.
std::string open_envelope(std::string_view envelope, ByteView public_key);

/// Whether JSON nests deeper than anything that is written here: who reads foreign text asks first,
/// because the library goes down by recursion.   Shape: any text.
bool nests_too_deep(std::string_view json);

std::string sha256_hex(std::string_view text);

}  // namespace salvor::evidence::internal
