#include "repo/internal/checkpoints.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "codec/wire.h"
#include "repo/internal/object.h"

namespace salvor::repo {
namespace {

constexpr std::string_view kCheckpointSignedAs = "salvor checkpoint 1";
constexpr std::size_t kCheckpointsKept = 2;
constexpr std::uint64_t kEntryBytesMin = 65536;

Bytes to_sign_checkpoint(const LogId& log, std::uint64_t number, ByteView state) {
  codec::WireWriter writer;
  writer.text(kCheckpointSignedAs);
  writer.id(log.repository);
  writer.id(log.vault);
  writer.u64(number);
  writer.raw(state);
  return writer.take();
}

}  // namespace

Checkpoints::Checkpoints(backend::Backend& backend, const LogKeys& keys, Rng& rng)
    : backend_(backend), keys_(keys), rng_(rng), prefix_(keys.log().vault.hex() + "/checkpoint/") {}

std::string Checkpoints::name_of(std::uint64_t number) const {
  return prefix_ + numbered_name(number);
}

std::optional<VaultState> Checkpoints::newest(const AuthorKey& full_key,
                                              const Unbelieved& unbelieved) {
  std::vector<std::uint64_t> numbers = numbers_below(backend_, prefix_);
  std::ranges::sort(numbers, std::greater());
  for (const std::uint64_t number : numbers) {
    if (auto state = read(number, full_key, unbelieved)) return state;
  }
  return std::nullopt;
}

std::optional<VaultState> Checkpoints::read(std::uint64_t number, const AuthorKey& full_key,
                                            const Unbelieved& unbelieved) {
  const std::string name = name_of(number);
  try {
    const Bytes stored = read_object(backend_, name, kObjectBytesMax);
    const std::uint32_t epoch = epoch_of_object(name, stored);
    // Nothing vouches for that number: one that is not believed stops nobody.
    if (epoch != keys_.epoch()) throw_damaged(name, "it is of another epoch");
    const Bytes content = open_object(keys_, ObjectType::checkpoint, name, stored);
    ByteView encoded;
    ByteView signature;
    codec::WireReader reader(content, name);
    while (const auto field = reader.next_field()) {
      if (field->number == 1) encoded = field->content;
      if (field->number == 2) signature = field->content;
    }
    if (!codec::verify_signature(to_sign_checkpoint(keys_.log(), number, encoded), signature,
                                 full_key.bytes())) {
      throw_damaged(name, "no holder of the repository's keys has signed it");
    }
    VaultState state = decode_vault_state(keys_.log(), encoded, name);
    if (state.number() != number) throw_damaged(name, "it is of another entry");
    return state;
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    unbelieved(name, error.message());
    return std::nullopt;
  }
}

void Checkpoints::put(const VaultState& state) {
  state.require_known(true);
  if (!state.signs_as_full(keys_.author(keys_.epoch()))) {
    throw Error(ErrorCode::refused, "only a full key of the epoch in force signs checkpoints");
  }
  const std::string name = name_of(state.number());
  const Bytes encoded = encode(state);
  codec::WireWriter content;
  content.field(1, encoded);
  content.field(2, keys_.signing_key(keys_.epoch())
                       .sign(to_sign_checkpoint(keys_.log(), state.number(), encoded)));
  backend_.put_if_absent(name,
                         seal_object(keys_, ObjectType::checkpoint, name, content.view(), rng_));
  remove_older_than(state.number());
}

/// Junk in another's name counts for none: two that are believed are kept.
void Checkpoints::remove_older_than(std::uint64_t number) {
  const AuthorKey own = keys_.author(keys_.epoch());
  const auto is_believed = [&](std::uint64_t each) {
    return read(each, own, [](const std::string&, const std::string&) {}).has_value();
  };
  std::vector<std::uint64_t> numbers = numbers_below(backend_, prefix_);
  std::erase_if(numbers, [&](std::uint64_t each) { return each > number; });
  std::ranges::sort(numbers, std::greater());
  std::size_t kept = 0;
  for (const std::uint64_t each : numbers) {
    if (kept == kCheckpointsKept) {
      backend_.remove(name_of(each));
    } else if (is_believed(each)) {
      ++kept;
    }
  }
}

bool checkpoint_is_due(std::uint64_t entry_bytes_since, std::uint64_t state_bytes) {
  return entry_bytes_since > std::max(kEntryBytesMin, state_bytes / 10);
}

VaultState load_vault(SignedLog& log, Checkpoints& checkpoints, const VaultState& empty,
                      const AuthorKey& full_key, const Checkpoints::Unbelieved& unbelieved) {
  VaultState state = checkpoints.newest(full_key, unbelieved).value_or(empty);
  log.require_same_history(state);
  log.follow(state);
  return state;
}

}  // namespace salvor::repo
