#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "repo/internal/keys.h"
#include "repo/records.h"

/// How records are called, and opened (docs/format.md, section 12).
namespace salvor::repo {

/// The objects of one kind of chain.
struct RecordArea {
  ChainKind kind;
  ObjectType type;
  std::string_view prefix;
};

inline constexpr std::array<RecordArea, 3> kRecordAreas = {{
    {ChainKind::journal, ObjectType::journal, "journal/"},
    {ChainKind::claim, ObjectType::claim, "claim/"},
    {ChainKind::evidence, ObjectType::evidence, "evidence/"},
}};

const RecordArea& area_of(ChainKind kind);

/// The digits of a chain in the names of its objects.
std::string chain_digits(const Keys& keys, ObjectType type, std::string_view name);

std::string record_name(std::string_view chain_prefix, std::uint64_t number);

struct RecordPlace {
  std::string chain_prefix;  ///< "journal/<chain>/"
  std::uint64_t number = 0;
};

/// Empty for a foreign name.
std::optional<RecordPlace> parse_record_name(const RecordArea& area, std::string_view name);

/// The content of a record, authenticated.   Errors: corruption, naming the object.
Bytes open_record(const Keys& keys, ObjectType type, const std::string& name, ByteView stored);

}  // namespace salvor::repo
