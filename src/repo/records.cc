#include "repo/records.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "codec/wire.h"
#include "repo/internal/core.h"
#include "repo/internal/object.h"
#include "repo/internal/record_name.h"

namespace salvor::repo {
namespace {

constexpr std::size_t kChainDigits = 32;

bool is_chain(std::string_view text) {
  return text.size() == kChainDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Whether it says that it is of a key that another process may have made since this one has the
/// repository open. What has rotted says so as well, but seldom.
bool is_of_newer_epoch(const Keys& keys, const std::string& name, ByteView stored) {
  constexpr std::size_t kRotationsMax = 16;
  try {
    const std::size_t epoch = epoch_of_object(name, stored);
    return epoch >= keys.epochs() && epoch < keys.epochs() + kRotationsMax;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption) throw;
    return false;
  }
}

}  // namespace

const RecordArea& area_of(ChainKind kind) {
  const auto found = std::find_if(kRecordAreas.begin(), kRecordAreas.end(),
                                  [kind](const RecordArea& area) { return area.kind == kind; });
  SALVOR_ASSERT(found != kRecordAreas.end());
  return *found;
}

std::string chain_digits(const Keys& keys, ObjectType type, std::string_view name) {
  codec::WireWriter writer;
  writer.u8(static_cast<std::uint8_t>(type));
  writer.raw(as_bytes(name));
  return to_hex(keys.record_chain().digest(writer.view())).substr(0, kChainDigits);
}

std::string record_name(std::string_view chain_prefix, std::uint64_t number) {
  return fmt::format("{}{:016}", chain_prefix, number);
}

std::optional<RecordPlace> parse_record_name(const RecordArea& area, std::string_view name) {
  const std::size_t prefix_size = area.prefix.size() + kChainDigits + 1;
  if (!name.starts_with(area.prefix) || name.size() < prefix_size) return std::nullopt;
  const std::string_view prefix = name.substr(0, prefix_size);
  if (prefix.back() != '/' || !is_chain(prefix.substr(area.prefix.size(), kChainDigits))) {
    return std::nullopt;
  }
  const auto number = sequence_of_name(prefix, name);
  if (!number || *number == 0) return std::nullopt;
  return RecordPlace{std::string(prefix), *number};
}

Bytes open_record(const Keys& keys, ObjectType type, const std::string& name, ByteView stored) {
  Bytes content = open_object(keys, type, name, stored);
  if (content.size() > kRecordBytesMax) throw_damaged(name, "it has an impossible length");
  return content;
}

Chain::Chain(Repository& repository, ObjectType type, std::string prefix)
    : repository_(repository), type_(type), prefix_(std::move(prefix)) {}

Chain::Chain(Repository& repository, ChainKind kind, std::string_view name)
    : Chain(of_id(repository, kind, chain_id(repository, kind, name))) {}

Chain Chain::of_id(Repository& repository, ChainKind kind, std::string_view id) {
  const RecordArea& area = area_of(kind);
  return {repository, area.type, fmt::format("{}{}/", area.prefix, id)};
}

std::string Chain::object_name(std::uint64_t number) const {
  return record_name(prefix_, number);
}

std::uint64_t Chain::last() {
  std::uint64_t last = 0;
  repository_.core().backend.list(prefix_, "", [&](const backend::Object& object) {
    last = std::max(last, sequence_of_name(prefix_, object.name).value_or(0));
  });
  return last;
}

std::optional<Bytes> Chain::read(std::uint64_t number) {
  Repository::Core& core = repository_.core();
  const std::string name = object_name(number);
  try {
    return open_record(core.keys, type_, name, core.backend.get(name, kObjectBytesMax));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) return std::nullopt;
    throw;
  }
}

RecordRead Chain::try_read(std::uint64_t number) {
  Repository::Core& core = repository_.core();
  const std::string name = object_name(number);
  Bytes stored;
  try {
    stored = core.backend.get(name, kObjectBytesMax);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      return {RecordState::lost, {}, name + " is missing"};
    }
    if (error.code() == ErrorCode::corruption) return {RecordState::not_now, {}, error.message()};
    throw;
  }
  try {
    return {RecordState::readable, open_record(core.keys, type_, name, stored)};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption) throw;
    const bool is_newer = is_of_newer_epoch(core.keys, name, stored);
    return {is_newer ? RecordState::not_now : RecordState::lost, {}, error.message()};
  }
}

std::vector<Bytes> Chain::read() {
  std::vector<Bytes> records;
  const std::uint64_t count = last();
  while (records.size() < count) {
    auto record = read(records.size() + 1);
    if (!record) {
      throw Error(
          ErrorCode::corruption,
          object_name(records.size() + 1) + " is missing, though there is " + object_name(count),
          "restore that object from a copy of the repository");
    }
    records.push_back(std::move(*record));
  }
  return records;
}

bool Chain::append(std::uint64_t number, ByteView content) {
  SALVOR_ASSERT(number > 0);
  Repository::Core& core = repository_.core();
  const std::string name = object_name(number);
  if (content.size() > kRecordBytesMax) {
    throw Error(ErrorCode::failed, fmt::format("{} would have {} bytes, expected at most {}", name,
                                               content.size(), kRecordBytesMax));
  }
  const Bytes stored = seal_object(core.keys, type_, name, content, core.rng);
  try {
    if (core.backend.put_if_absent(name, stored) == backend::PutResult::created) return true;
  } catch (const Error& error) {
    // The answer may have been lost after the object was created: look before giving up.
    if (error.code() != ErrorCode::unreachable || !core.backend.size(name)) throw;
  }
  const auto winner = read(number);
  if (!winner) throw_damaged(name, "it was there, and is gone");
  return std::equal(winner->begin(), winner->end(), content.begin(), content.end());
}

Secret derive_secret(Repository& repository, std::string_view purpose) {
  return repository.core().keys.secret_for(purpose);
}

codec::Digest log_head(Repository& repository) {
  return repository.core().log_state.head;
}

std::vector<std::string> list_chains(Repository& repository, ChainKind kind) {
  const RecordArea& area = area_of(kind);
  std::vector<std::string> chains;
  repository.core().backend.list(std::string(area.prefix), "", [&](const backend::Object& object) {
    const auto place = parse_record_name(area, object.name);
    if (!place) return;
    std::string chain = place->chain_prefix.substr(area.prefix.size(), kChainDigits);
    if (chains.empty() || chains.back() != chain) chains.push_back(std::move(chain));
  });
  return chains;
}

std::string chain_id(Repository& repository, ChainKind kind, std::string_view name) {
  return chain_digits(repository.core().keys, area_of(kind).type, name);
}

}  // namespace salvor::repo
