#include "repo/internal/signed_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "repo/internal/fields.h"
#include "repo/internal/object.h"

namespace salvor::repo {
namespace {

constexpr std::size_t kNumberDigits = 16;
/// How often an entry is put that the medium says it has made, and then does not have.
constexpr int kPutsMax = 5;

[[noreturn]] void throw_newer_keys(std::uint32_t epoch) {
  throw Error(ErrorCode::configuration,
              fmt::format("the vault is at key epoch {}, for which there is no key", epoch),
              "another host has rotated the keys: open the repository again");
}

Bytes pack_object(ByteView entry, ByteView copy) {
  codec::WireWriter writer;
  writer.field(1, entry);
  writer.field(2, copy);
  return writer.take();
}

}  // namespace

/// What lies at one name of the log.
struct SignedLog::Found {
  enum class What { nothing, unreadable, entry };
  What what = What::nothing;
  Bytes entry;
  Bytes copy;       ///< of the entry before; empty for entry 1
  std::string why;  ///< it is unreadable

  bool is_there() const { return what == What::entry; }
};

SignedLog::SignedLog(backend::Backend& backend, const LogKeys& keys, Clock& clock, Rng& rng,
                     LogMistake planted)
    : backend_(backend),
      keys_(keys),
      clock_(clock),
      rng_(rng),
      prefix_(keys.log().vault.hex() + "/log/"),
      planted_(planted) {}

std::string SignedLog::name_of(std::uint64_t number) const {
  return prefix_ + numbered_name(number);
}

SignedLog::Found SignedLog::read(std::uint64_t number, Position position) {
  const std::string name = name_of(number);
  Found found;
  try {
    const Bytes stored = read_object(backend_, name, kObjectBytesMax);
    const std::uint32_t epoch = epoch_of_object(name, stored);
    // Nothing vouches for that number: behind the entry that is asked for it stops nobody.
    if (position == Position::behind && epoch >= keys_.epochs()) {
      throw_damaged(name, "it is of an epoch without a key");
    }
    const Bytes content = open_object(keys_, ObjectType::log_entry, name, stored);
    codec::WireReader reader(content, name);
    while (const auto field = reader.next_field()) {
      // What is beyond the limit counts as no bytes, for all: else nobody could copy it.
      const bool counts = field->content.size() <= kEntryBytesMax;
      if (field->number == 1 && counts) found.entry = to_bytes(field->content);
      if (field->number == 2 && counts) found.copy = to_bytes(field->content);
    }
    const auto entry = read_entry(found.entry);
    // The epoch that an author has signed is the one that it has sealed with. A copy of the entry
    // says no more than that, so here it must be so.
    if (entry && entry->epoch != epoch) throw_damaged(name, "it is sealed for another epoch");
    found.what = Found::What::entry;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) return {};
    if (error.code() != ErrorCode::corruption) throw;
    found.what = Found::What::unreadable;
    found.why = error.message();
  }
  return found;
}

/// Protocol, section 1: entry n is what log/<n+1> says that it is; only while there is no log/<n+1>
/// does log/<n> speak for itself.
std::optional<Bytes> SignedLog::entry_at(const VaultState& state, const Found& here,
                                         const Found& after) {
  if (after.is_there() && copy_is_believed(state, here, after)) return after.copy;
  if (here.is_there()) return here.entry;
  if (here.what == Found::What::nothing) return std::nullopt;
  throw Error(ErrorCode::corruption, here.why,
              "restore that object from a copy of the repository, or run `salvor verify --repair`");
}

/// What an object says of the entry before its own counts only if its own entry is right behind
/// that one: else anybody who can put objects could say it. Of a granted key it counts for less:
/// its holder may have been robbed. It can't sign for others, so that its copy of another's entry
/// is good, if that is right; of its own entries the log itself knows better.
bool SignedLog::copy_is_believed(const VaultState& state, const Found& here,
                                 const Found& after) const {
  if (here.is_there() && here.entry == after.copy) return true;
  const auto follower = read_entry(after.entry);
  if (!follower) return false;
  VaultState next = state;
  const bool copied_is_right = next.fold(after.copy);
  const bool by_full = next.signs_as_full(follower->author);
  if (!next.fold(after.entry)) return false;
  if (!here.is_there()) return true;
  if (is_older_than_epoch_of(state, here, *follower)) return false;
  if (by_full || planted_ == LogMistake::believes_every_copy) return true;
  if (planted_ == LogMistake::believes_no_copy_of_granted || !copied_is_right) return false;
  return read_entry(after.copy)->author != follower->author;
}

/// Who was not given an epoch can't take it back, by a copy without the entry that has brought it.
bool SignedLog::is_older_than_epoch_of(const VaultState& state, const Found& here,
                                       const SignedEntry& follower) const {
  const auto entry = read_entry(here.entry);
  const auto* change = entry ? std::get_if<EpochChange>(&entry->body) : nullptr;
  if (change == nullptr || follower.epoch >= change->epoch) return false;
  VaultState next = state;
  return next.fold(here.entry);
}

std::optional<Bytes> SignedLog::next_after(const VaultState& state) {
  const std::uint64_t number = state.number() + 1;
  Found here = read(number, Position::asked_for);
  const Found after = read(number + 1, Position::behind);
  // It may have come between the two reads.
  if (!here.is_there() && after.is_there()) here = read(number, Position::asked_for);
  if (here.what == Found::What::nothing && after.is_there() && fill_hole(state, after)) {
    here = read(number, Position::asked_for);
  }
  return entry_at(state, here, after);
}

/// Where nothing lies at log/<n>, another's put may be under way to it, and a thief may have put
/// what lies behind. So what a granted key says of it is put there first: what then lies there
/// decides for all. False: a full key says it, or nothing can be put.
bool SignedLog::fill_hole(const VaultState& state, const Found& after) {
  if (planted_ == LogMistake::believes_over_a_hole) return false;
  const auto follower = read_entry(after.entry);
  if (!follower || state.signs_as_full(follower->author)) return false;
  if (!copy_is_believed(state, {}, after)) return false;
  const auto copied = read_entry(after.copy);
  const std::uint64_t number = state.number() + 1;
  try {
    backend_.put_if_absent(name_of(number), object_of(number, after.copy, state,
                                                      copied ? copied->epoch : state.epoch()));
    return true;
  } catch (const Error& error) {
    if (backend_.why_unwritable()) return false;
    throw;
  }
}

void SignedLog::follow(VaultState& state) {
  for (;;) {
    while (const auto entry = next_after(state)) state.fold(*entry);
    state.require_known(false);
    const auto behind = newest_proof_of_more(state);
    if (!behind) return;
    // A listing is not of one moment: what is named must only be there by now.
    if (next_after(state)) continue;
    throw Error(ErrorCode::corruption,
                fmt::format("{} and the entry behind it are missing, though there is {}",
                            name_of(state.number() + 1), name_of(*behind)),
                "restore these objects from a copy of the repository, or run "
                "`salvor verify --repair`");
  }
}

/// An object behind the end of the log that a full key has signed for its number. Anything else
/// anybody can put there.
std::optional<std::uint64_t> SignedLog::newest_proof_of_more(const VaultState& state) {
  for (const std::uint64_t number : numbers_below(backend_, prefix_)) {
    if (number <= state.number()) continue;
    const Found found = read(number, Position::behind);
    const auto entry = read_entry(found.entry);
    const bool by_full = entry && state.is_full(entry->author);
    if (by_full && is_signed(state.log(), number, found.entry, entry->author)) return number;
  }
  return std::nullopt;
}

std::uint64_t SignedLog::append(VaultState& state, const Decide& decide) {
  for (;;) {
    while (const auto taken = next_after(state)) state.fold(*taken);
    state.require_known(true);
    if (state.epoch() >= keys_.epochs()) throw_newer_keys(state.epoch());
    SignedEntry entry;
    entry.body = decide(state);
    const auto* change = std::get_if<EpochChange>(&entry.body);
    entry.nonce = random_id<EntryNonce>(rng_);
    entry.label = clock_.now();
    entry.epoch = change != nullptr ? change->epoch : state.epoch();
    entry.before = state.head();
    entry.author = keys_.author(state.epoch());
    const std::uint64_t number = state.number() + 1;
    const Bytes bytes = sign_entry(state.log(), number, entry, keys_.signing_key(state.epoch()));
    const auto as_read = read_entry(bytes);  // as others will read it
    if (!as_read || !state.is_right(*as_read)) {
      throw Error(ErrorCode::refused, "the log of the vault does not take such an entry now");
    }
    const Bytes object = object_of(number, bytes, state, entry.epoch);
    if (put_until_taken(number, object, bytes, state)) return number;
  }
}

/// Puts the entry until there is one of that number, and folds that. Whatever the answer to a put
/// is, only what can be read counts. False: it is another's.
bool SignedLog::put_until_taken(std::uint64_t number, ByteView object, ByteView entry,
                                VaultState& state) {
  for (int puts = 0; puts < kPutsMax; ++puts) {
    std::optional<Error> failure;
    try {
      const auto result = backend_.put_if_absent(name_of(number), object);
      if (result == backend::PutResult::created && planted_ == LogMistake::believes_the_answer) {
        state.fold(entry);
        return true;
      }
    } catch (const Error& error) {
      failure = error;
    }
    if (const auto taken = next_after(state)) {
      state.fold(*taken);
      return std::ranges::equal(*taken, entry);
    }
    if (failure) throw Error(*failure);
  }
  throw Error(ErrorCode::unreachable, name_of(number) + " was written, and is not there",
              "the medium loses what it has taken: look into it before anything is backed up");
}

bool SignedLog::put_again(std::uint64_t number, const VaultState& state_before) {
  SALVOR_ASSERT(state_before.number() + 1 == number);
  state_before.require_known(true);
  if (read(number, Position::asked_for).what != Found::What::nothing) return false;
  const auto entry = next_after(state_before);
  if (!entry) return false;
  const auto parsed = read_entry(*entry);
  const std::uint32_t epoch = parsed ? parsed->epoch : state_before.epoch();
  backend_.put_if_absent(name_of(number), object_of(number, *entry, state_before, epoch));
  return true;
}

Bytes SignedLog::object_of(std::uint64_t number, ByteView entry, const VaultState& state,
                           std::uint32_t epoch) {
  return seal_object(keys_, ObjectType::log_entry, name_of(number),
                     pack_object(entry, state.newest_entry()), rng_, epoch);
}

void SignedLog::require_same_history(const VaultState& state) {
  if (state.number() == 0) return;
  const Found here = read(state.number(), Position::asked_for);
  if (here.is_there() && digest_of_log(state.head_before(), here.entry) == state.head()) return;
  // Lost, damaged or in another's place: an entry that is right behind it names all before it.
  const Found after = read(state.number() + 1, Position::behind);
  VaultState next = state;
  if (after.is_there() && next.fold(after.entry)) return;
  throw Error(ErrorCode::corruption,
              fmt::format("{} is not the entry that was there when the log was read last, though "
                          "nothing of a log ever changes",
                          name_of(state.number())),
              "put the newest copy of the repository in its place again: this one is older, or "
              "another one");
}

std::string numbered_name(std::uint64_t number) {
  return fmt::format("{:0{}}", number, kNumberDigits);
}

std::vector<std::uint64_t> numbers_below(backend::Backend& backend, const std::string& prefix) {
  std::vector<std::uint64_t> numbers;
  backend.list(prefix, "", [&](const backend::Object& object) {
    const std::string_view digits = std::string_view(object.name).substr(prefix.size());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool is_number = error == std::errc() && end == digits.data() + digits.size();
    if (is_number && digits.size() == kNumberDigits) numbers.push_back(number);
  });
  return numbers;
}

}  // namespace salvor::repo
