#pragma once

#include <functional>
#include <optional>
#include <string>

#include "repo/internal/signed_log.h"

/// Checkpoints of a vault's log: states that need not be folded again (docs/vaults.md).
namespace salvor::repo {

/// Reads and writes the checkpoints of one vault. Any of them may be lost: that costs time, never
/// data.
/// Threads:  one at a time. Any number of processes at once.
/// Lifetime: shorter than that of backend, keys and rng.
class Checkpoints {
 public:
  /// Told of a checkpoint that is not believed: object, why.
  using Unbelieved = std::function<void(const std::string& object, const std::string& why)>;

  Checkpoints(backend::Backend& backend, const LogKeys& keys, Rng& rng);

  /// The newest one that is sealed under the newest epoch of these keys, and signed with that full
  /// key. Empty where there is none: then the log is read from its start.
  /// Errors: unreachable; configuration, where it is of a newer key.
  std::optional<VaultState> newest(const AuthorKey& full_key, const Unbelieved& unbelieved);

  /// Puts one of that state, and removes those that are older than the two newest: one that is
  /// being read must not go.
  /// Errors: refused: the keys are not a full holder's, or the state is of another epoch.
  void put(const VaultState& state);

  std::string name_of(std::uint64_t number) const;

 private:
  void remove_older_than(std::uint64_t number);
  std::optional<VaultState> read(std::uint64_t number, const AuthorKey& full_key,
                                 const Unbelieved& unbelieved);

  backend::Backend& backend_;
  const LogKeys& keys_;
  Rng& rng_;
  std::string prefix_;
};

/// Whether a checkpoint pays: reading the entries since the last one costs more than a tenth of
/// reading the state, and more than one object that is not small.
/// Units: bytes, as they are before compression.
bool checkpoint_is_due(std::uint64_t entry_bytes_since, std::uint64_t state_bytes);

/// The state of a vault: the newest checkpoint, and the entries behind it.
/// Shape:  `empty`: the state before entry 1, with the full key that believed checkpoints are
///         signed with, where the epoch has changed since.
/// Errors: corruption: the log is not the one of the checkpoint, or ends before it; and those of
///         SignedLog::follow().
VaultState load_vault(SignedLog& log, Checkpoints& checkpoints, const VaultState& empty,
                      const AuthorKey& full_key, const Checkpoints::Unbelieved& unbelieved);

}  // namespace salvor::repo
