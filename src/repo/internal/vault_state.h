#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "repo/internal/pack_ranges.h"
#include "repo/internal/signed_entry.h"

/// What the log of a vault says, folded (docs/vaults.md).
namespace salvor::repo {

enum class Rights : std::uint8_t {
  full = 1,     ///< whoever holds the repository's keys
  granted = 2,  ///< a host that may only add points of its own
};

/// A key that signs, or has signed, entries.
struct KnownKey {
  Rights rights = Rights::granted;
  std::string host;    ///< granted: whose it is
  bool ended = false;  ///< it signs nothing any more; what it has signed stays
  bool operator==(const KnownKey&) const = default;
};

/// A session that has begun and not ended.
struct WritingSession {
  EntryNonce nonce;
  AuthorKey author;
  Begin who;
  Time label;
  bool operator==(const WritingSession&) const = default;
};

/// The packs of an ended session that are in force.
struct SessionPacks {
  EntryNonce nonce;
  AuthorKey author;
  PackNumbers data;
  PackNumbers tree;

  const PackNumbers& of(PackKind kind) const { return kind == PackKind::data ? data : tree; }
  PackNumbers& of(PackKind kind) { return kind == PackKind::data ? data : tree; }
  bool empty() const { return data.empty() && tree.empty(); }
  bool operator==(const SessionPacks&) const = default;
};

/// A recovery point in force, with its marks.
struct VaultPoint {
  Point point;    ///< point.accepted is its mark
  Bytes encoded;  ///< as it was committed: what a later version has put into it is kept
  AuthorKey author;
  std::vector<WalSpan> spans;
  bool damaged = false;
  bool operator==(const VaultPoint&) const = default;
};

/// What a pack is called: it begins with the number and the nonce of its session.
struct PackName {
  SessionNumber session = 0;
  EntryNonce nonce;
  PackKind kind = PackKind::data;
  std::uint32_t number = 0;
  auto operator<=>(const PackName&) const = default;
};

/// Somebody needs a point, and nobody may forget it.
struct Hold {
  PointId point;
  std::string holder;
  AuthorKey author;
  bool operator==(const Hold&) const = default;
};

/// Packs that have left force. Kept for readers only: who removes garbage spares the young ones.
struct CondemnedPacks {
  PackRange range;
  EntryNonce nonce;  ///< of their session
  Time label;        ///< of the entry that condemned them
  bool operator==(const CondemnedPacks&) const = default;
};

/// How long condemned packs are listed. Units: by the labels of entries.
inline constexpr std::int64_t kCondemnedListedNs = 30LL * 24 * 3600 * 1'000'000'000;

/// How many points a granted key may hold at once.
inline constexpr std::size_t kHoldsOfGrantedMax = 64;

/// Whether a pack was seen before the entries were read that a state is folded from.
enum class PackSeen : std::uint8_t { before, later };

/// The fold of entries 1 to n of one vault. Whether the next entry is right depends on it alone, so
/// all who fold the same entries agree. A value.
/// Threads: one.
class VaultState {
 public:
  /// The state before entry 1. Epoch and full key are those of the root log's entry that has
  /// registered the vault.
  VaultState(const LogId& log, std::uint32_t epoch, const AuthorKey& full_key);

  /// Folds entry number()+1. One that is not right has no effect, but for its number and its hash.
  /// False: it was not right.
  bool fold(ByteView bytes);

  /// Whether such an entry, of its author, would be right as the next one.
  bool is_right(const SignedEntry& entry) const;

  /// Why `forget` may not take a point now; empty when it may.
  std::optional<std::string> why_kept(const PointId& point, ForgetWhy why) const;

  const LogId& log() const { return log_; }
  std::uint64_t number() const { return number_; }
  /// The digest of the log up to entry n, and up to the one before it.
  const codec::Digest& head() const { return head_; }
  const codec::Digest& head_before() const { return head_before_; }
  const Bytes& newest_entry() const { return newest_entry_; }
  std::uint32_t epoch() const { return epoch_; }
  const Features& features() const { return features_; }
  bool closed() const { return closed_; }
  /// A later version has written an entry whose meaning is not known here: put and remove nothing.
  bool met_unknown_kind() const { return met_unknown_kind_; }
  /// Errors: configuration: a later version has written what must be known to read, or (`writes`)
  ///         to write.
  void require_known(bool writes) const;

  const std::map<AuthorKey, KnownKey>& keys() const { return keys_; }
  bool is_full(const AuthorKey& author) const;        ///< it is, or was
  bool signs_as_full(const AuthorKey& author) const;  ///< it is one now
  const std::map<SessionNumber, WritingSession>& open_sessions() const { return open_; }
  const std::map<SessionNumber, SessionPacks>& packs() const { return packs_; }
  const std::vector<VaultPoint>& points() const { return points_; }  ///< in order of commitment
  const VaultPoint* find(const PointId& id) const;
  const std::vector<Hold>& holds() const { return holds_; }
  const std::optional<PointId>& proven() const { return proven_; }
  const std::vector<CondemnedPacks>& condemned() const { return condemned_; }
  /// 0 where nothing was ever trimmed.
  std::uint64_t trimmed_to(const ArchiveId& archive, std::uint32_t timeline) const;

  bool is_in_force(const PackName& pack) const;

  /// Whether the pack can never come into force any more, whatever is appended: anybody may remove
  /// it, at any later time.
  /// `seen`: what was listed before the entries were read, and fits no session in them, never
  /// comes into force; of what was seen later the session may have begun since.
  bool is_garbage(const PackName& pack, PackSeen seen) const;

  bool operator==(const VaultState&) const = default;

 private:
  friend Bytes encode(const VaultState& state);
  friend VaultState decode_vault_state(const LogId& log, ByteView content, std::string_view name);

  // The rules of protocol section 1, one for each kind of entry.
  bool may(const KnownKey& key, const SignedEntry& entry, const Begin& begin) const;
  bool may(const KnownKey& key, const SignedEntry& entry, const End& end) const;
  bool may(const KnownKey& key, const SignedEntry& entry, const Forget& forget) const;
  bool may(const KnownKey& key, const SignedEntry& entry, const Mark& mark) const;
  bool may(const KnownKey& key, const SignedEntry& entry, const KeyChange& change) const;
  bool may(const KnownKey& key, const SignedEntry& entry, const EpochChange& change) const;
  bool may(const KnownKey& key, const SignedEntry& entry, const Closed& closed) const;
  bool may(const KnownKey& key, const SignedEntry& entry, const UnknownEntry& unknown) const;

  // Their effects.
  void apply(const SignedEntry& entry, const Begin& begin);
  void apply(const SignedEntry& entry, const End& end);
  void apply(const SignedEntry& entry, const Forget& forget);
  void apply(const SignedEntry& entry, const Mark& mark);
  void apply(const SignedEntry& entry, const KeyChange& change);
  void apply(const SignedEntry& entry, const EpochChange& change);
  void apply(const SignedEntry& entry, const Closed& closed);
  void apply(const SignedEntry& entry, const UnknownEntry& unknown);

  explicit VaultState(const LogId& log) : log_(log) {}
  VaultPoint* find_mutable(const PointId& id);
  bool is_held(const PointId& id) const;
  bool is_last_of_its_host(const VaultPoint& of, bool undamaged_only) const;
  void condemn(const PackRange& range, Time label);
  void drop_old_condemned(Time label);

  LogId log_;
  std::uint64_t number_ = 0;
  codec::Digest head_{};
  codec::Digest head_before_{};
  Bytes newest_entry_;
  std::uint32_t epoch_ = 0;
  Features features_;
  bool closed_ = false;
  bool met_unknown_kind_ = false;
  std::map<AuthorKey, KnownKey> keys_;
  std::map<SessionNumber, WritingSession> open_;
  std::map<SessionNumber, SessionPacks> packs_;
  std::vector<VaultPoint> points_;
  std::vector<Hold> holds_;
  std::optional<PointId> proven_;
  std::vector<CondemnedPacks> condemned_;
  std::vector<Trim> trims_;
  Bytes unknown_;  ///< fields of the checkpoint that a later version has added
};

/// The content of a checkpoint.
Bytes encode(const VaultState& state);

/// Errors: corruption, naming `name`.
VaultState decode_vault_state(const LogId& log, ByteView content, std::string_view name);

}  // namespace salvor::repo
