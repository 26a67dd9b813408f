#pragma once

#include <string>

#include "codec/chunker.h"
#include "repo/internal/keys.h"

namespace salvor::repo {

/// `salvor.json`: what this repository is (docs/format.md, section 4). A value.
struct Description {
  RepositoryId repository;
  codec::ChunkerLimits chunker;
};

inline constexpr const char* kDescriptionName = "salvor.json";

/// The document, with its mac.
std::string write_description(const Description& description, const codec::Hmac& mac);

/// Reads without authenticating: the keys are found with its help.
/// Errors: corruption; configuration, for a newer format or an unknown algorithm.
Description parse_description(std::string_view text);

/// Errors: corruption, when the document was not written by a holder of the keys.
void authenticate_description(std::string_view text, const codec::Hmac& mac);

}  // namespace salvor::repo
