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

SignedLog::Found SignedLog::read(std::uint64_t number) {
  const std::string name = name_of(number);
  Found found;
  try {
    const Bytes stored = read_object(backend_, name, kObjectBytesMax);
    const std::uint32_t epoch = epoch_of_object(name, stored);
    const Bytes content = open_object(keys_, ObjectType::log_entry, name, stored);
    codec::WireReader reader(content, name);
    while (const auto field = reader.next_field()) {
      if (field->number == 1) found.entry = to_bytes(field->content);
      if (field->number == 2) found.copy = to_bytes(field->content);
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

/// What an entry of a granted key says of the one before counts for less: its holder may have been
/// robbed. It can't sign for others, so that a copy of another's entry is good; of its own entries
/// the log itself knows better.
bool SignedLog::copy_is_believed(const VaultState& state, const Found& here,
                                 const Found& after) const {
  if (here.is_there() && here.entry == after.copy) return true;
  const auto follower = read_entry(after.entry);
  const std::uint64_t number = state.number() + 1;
  if (!follower || follower->before != codec::sha256(after.copy)) return false;
  if (!is_signed(state.log(), number + 1, after.entry, follower->author)) return false;
  if (state.signs_as_full(follower->author) || !here.is_there()) return true;
  if (planted_ == LogMistake::believes_every_copy) return true;
  if (planted_ == LogMistake::believes_no_copy_of_granted) return false;
  const auto copied = read_entry(after.copy);
  return copied && copied->author != follower->author && state.keys().contains(copied->author) &&
         is_signed(state.log(), number, after.copy, copied->author);
}

std::optional<Bytes> SignedLog::next_after(const VaultState& state) {
  const std::uint64_t number = state.number() + 1;
  Found here = read(number);
  const Found after = read(number + 1);
  // It may have come between the two reads.
  if (!here.is_there() && after.is_there()) here = read(number);
  return entry_at(state, here, after);
}

void SignedLog::follow(VaultState& state) {
  while (const auto entry = next_after(state)) state.fold(*entry);
  std::uint64_t newest = 0;
  for (const std::uint64_t number : numbers_below(backend_, prefix_)) {
    newest = std::max(newest, number);
  }
  if (newest <= state.number()) return;
  // A listing is not of one moment: what is named must only be there by now.
  while (const auto entry = next_after(state)) state.fold(*entry);
  if (newest <= state.number()) return;
  throw Error(ErrorCode::corruption,
              fmt::format("{} and the entry behind it are missing, though there is {}",
                          name_of(state.number() + 1), name_of(newest)),
              "restore these objects from a copy of the repository, or run "
              "`salvor verify --repair`");
}

std::uint64_t SignedLog::append(VaultState& state, const Decide& decide) {
  for (;;) {
    while (const auto taken = next_after(state)) state.fold(*taken);
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
    // As others will read it.
    const auto as_read = read_entry(bytes);
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
  throw Error(ErrorCode::corruption, name_of(number) + " was written, and is not there",
              "the medium loses what it has taken: look into it before anything is backed up");
}

bool SignedLog::put_again(std::uint64_t number, const VaultState& state_before) {
  SALVOR_ASSERT(state_before.number() + 1 == number);
  if (read(number).what != Found::What::nothing) return false;
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
  const Found here = read(state.number());
  if (here.is_there() && codec::sha256(here.entry) == state.head()) return;
  const Found after = read(state.number() + 1);
  // Lost, damaged or in another's place: the entry behind it knows.
  if (after.is_there() && codec::sha256(after.copy) == state.head()) return;
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
