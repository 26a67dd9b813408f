#include "repo/internal/description.h"

#include "base/error.h"
#include "base/json.h"
#include "repo/internal/object.h"

namespace salvor::repo {
namespace {

using nlohmann::json;

const json& algorithms() {
  static const json kAlgorithms = {
      {"chunk_id", "hmac-sha256"}, {"compression", "zstd"}, {"encryption", "aes-256-gcm"}};
  return kAlgorithms;
}

std::string write_description(const json& document) {
  return write_json(document, 1) + "\n";
}

std::string mac_of(json document, const codec::Hmac& mac) {
  document.erase("mac");
  return to_hex(mac.digest(as_bytes(write_description(document))));
}

/// Parsed, and equal to what we would have written: any flipped byte shows.
json parse_exactly(std::string_view text) {
  // Bounded in depth, so that no hostile document exhausts the stack.
  constexpr int kDepthMax = 4;
  json document = try_parse_json(text, kDepthMax);
  if (!document.is_object() || write_description(document) != text) {
    throw_damaged(kDescriptionName, "it is not as it was written");
  }
  return document;
}

std::size_t size_in(const json& chunker, const char* name) {
  const std::size_t value = chunker.at(name).get<std::size_t>();
  if (value < 4096 || value > kFrameBytesMax) {
    throw_damaged(kDescriptionName, std::string(name) + " is out of range");
  }
  return value;
}

}  // namespace

std::string write_description(const Description& description, const codec::Hmac& mac) {
  json document = {{"format", kFormatVersion},
                   {"repository", description.repository.hex()},
                   {"algorithms", algorithms()},
                   {"chunker",
                    {{"min_bytes", description.chunker.min_bytes},
                     {"normal_bytes", description.chunker.normal_bytes},
                     {"max_bytes", description.chunker.max_bytes}}}};
  document["mac"] = mac_of(document, mac);
  return write_description(document);
}

Description parse_description(std::string_view text) {
  const json document = parse_exactly(text);
  try {
    const auto format = document.at("format").get<std::uint64_t>();
    if (format > kFormatVersion) {
      throw Error(ErrorCode::configuration,
                  "the repository has format " + std::to_string(format) +
                      ", this salvor reads up to format " + std::to_string(kFormatVersion),
                  "use a newer salvor; if none has ever written there, `salvor verify` tells "
                  "whether salvor.json is damaged");
    }
    if (document.at("algorithms") != algorithms()) {
      throw Error(ErrorCode::configuration, "the repository uses an algorithm that is not known",
                  "use a newer salvor");
    }
    Description description;
    const auto id = RepositoryId::parse(document.at("repository").get<std::string>());
    if (!id) throw_damaged(kDescriptionName, "the repository's id is malformed");
    description.repository = *id;
    const json& chunker = document.at("chunker");
    description.chunker = {size_in(chunker, "min_bytes"), size_in(chunker, "normal_bytes"),
                           size_in(chunker, "max_bytes")};
    const codec::ChunkerLimits& limits = description.chunker;
    if (limits.min_bytes >= limits.normal_bytes || limits.normal_bytes >= limits.max_bytes ||
        (limits.normal_bytes & (limits.normal_bytes - 1)) != 0) {
      throw_damaged(kDescriptionName, "the chunker's limits are out of order");
    }
    return description;
  } catch (const json::exception&) {
    throw_damaged(kDescriptionName, "a field is missing or of another type");
  }
}

void authenticate_description(std::string_view text, const codec::Hmac& mac) {
  const json document = parse_exactly(text);
  const json found = document.value("mac", json());
  if (!found.is_string() ||
      !codec::equal_in_constant_time(as_bytes(found.get_ref<const std::string&>()),
                                     as_bytes(mac_of(document, mac)))) {
    throw_damaged(kDescriptionName, "it does not authenticate");
  }
}

}  // namespace salvor::repo
