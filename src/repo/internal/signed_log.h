#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/random.h"
#include "repo/internal/log_keys.h"
#include "repo/internal/vault_state.h"

/// The log of a vault on its medium: how it is read, and how an entry is appended (docs/vaults.md).
namespace salvor::repo {

/// How numbered objects are called: 16 decimal digits, so that their order is that of their names.
std::string numbered_name(std::uint64_t number);

/// The numbers of all objects of that prefix; foreign names are passed over.
std::vector<std::uint64_t> numbers_below(backend::Backend& backend, const std::string& prefix);

/// What a simulation gets wrong on purpose, to show that it would be noticed.
enum class LogMistake {
  none,
  believes_the_answer,          ///< to a put, in place of reading what is there
  believes_every_copy,          ///< also what a granted key says of its own entries
  believes_no_copy_of_granted,  ///< not even of entries of others
  believes_over_a_hole,         ///< a copy by a granted key where there is no entry, and puts none
};

/// Reads and appends the entries of one log. It keeps nothing: what was read is in the state that
/// the caller folds.
/// Any number of processes append at once; each of them may stop between any two calls, for ever,
/// or go on hours later.
/// Threads:  one at a time.
/// Lifetime: shorter than that of backend, keys, clock and rng.
class SignedLog {
 public:
  SignedLog(backend::Backend& backend, const LogKeys& keys, Clock& clock, Rng& rng,
            LogMistake planted = LogMistake::none);

  /// The bytes of the entry that follows the state; empty where there is none yet.
  /// Errors: corruption: it is unreadable, and no later entry has a copy of it; configuration: it
  ///         is of a newer key; unreachable.
  std::optional<Bytes> next_after(const VaultState& state);

  /// Folds all entries that follow the state.
  /// Errors: as next_after(); corruption where entries are missing before the newest one.
  void follow(VaultState& state);

  /// Asked with each state that the entry would follow. It gives the entry's content, or throws
  /// when there is nothing to append any more.
  using Decide = std::function<EntryBody(const VaultState&)>;

  /// Appends one entry, which was right in the state that it follows; what others have appended
  /// meanwhile, and the entry itself, are folded into `state`. When it returns, the entry is
  /// durable, and no one can take it back.
  /// Shape:  the entry's number.
  /// Errors: what `decide` throws; refused: the entry is not right; unreachable: it may be there or
  ///         not, and a later follow() tells.
  std::uint64_t append(VaultState& state, const Decide& decide);

  /// Compares the newest entry of the state with what the log has at its number.
  /// Errors: corruption: the log has another entry there, or ends before it.
  void require_same_history(const VaultState& state);

  /// Puts an entry again that the medium has lost, from the copy in the one behind it.
  /// False: nothing was missing at that number.
  bool put_again(std::uint64_t number, const VaultState& state_before);

  std::string name_of(std::uint64_t number) const;

 private:
  struct Found;
  /// Whether an object is read for its entry, or for the copy of the entry before.
  enum class Position { asked_for, behind };
  Found read(std::uint64_t number, Position position);
  std::optional<Bytes> entry_at(const VaultState& state, const Found& here, const Found& after);
  bool copy_is_believed(const VaultState& state, const Found& here, const Found& after) const;
  bool is_older_than_epoch_of(const VaultState& state, const Found& here,
                              const SignedEntry& follower) const;
  bool fill_hole(const VaultState& state, const Found& after);
  std::optional<std::uint64_t> newest_proof_of_more(const VaultState& state);
  bool put_until_taken(std::uint64_t number, ByteView object, ByteView entry, VaultState& state);
  Bytes object_of(std::uint64_t number, ByteView entry, const VaultState& state,
                  std::uint32_t epoch);

  backend::Backend& backend_;
  const LogKeys& keys_;
  Clock& clock_;
  Rng& rng_;
  std::string prefix_;
  LogMistake planted_;
};

}  // namespace salvor::repo
