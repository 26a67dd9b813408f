#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "codec/hash.h"
#include "codec/signature.h"
#include "repo/format.h"
#include "repo/ids.h"
#include "repo/point.h"

/// The entries of a vault's log, and how they are written and signed (docs/vaults.md).
namespace salvor::repo {

/// Opens a session, whose number is the number of this entry. Nothing in it counts for the rules.
struct Begin {
  std::string host;     ///< for people, and for who asks whether the session still lives
  std::string process;  ///< identity of the process, see base/process_identity.h
  bool operator==(const Begin&) const = default;
};

/// Packs of one session and kind, by their numbers in it.
/// Shape: first <= last.
struct PackRange {
  SessionNumber session = 0;
  PackKind kind = PackKind::data;
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  auto operator<=>(const PackRange&) const = default;
};

/// A stretch of archived WAL.
/// Units: positions are bytes, as PostgreSQL counts them.
struct WalSpan {
  ArchiveId archive;
  std::uint32_t timeline = 0;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  bool operator==(const WalSpan&) const = default;
};

/// What an entry may have at most. Each is read by everybody who ever opens the vault, also where a
/// granted host has written it.
inline constexpr std::size_t kEntryBytesMax = 16U << 20U;
inline constexpr std::size_t kEntryTextBytesMax = 1024;

/// Closes a session: its packs, and the point if there is one, come into force; the condemned packs
/// leave force.
struct End {
  SessionNumber session = 0;
  std::vector<PackRange> packs;      ///< of that session; ascending, and none touches the next
  std::vector<PackRange> condemned;  ///< of any; likewise
  std::optional<Point> point;
  Bytes point_bytes;           ///< as it was read: with what a later version has put into it
  std::vector<WalSpan> spans;  ///< what WAL the point needs
  bool operator==(const End&) const = default;
};

/// From where on the WAL of an archive is kept.
struct Trim {
  ArchiveId archive;
  std::uint32_t timeline = 0;
  std::uint64_t position = 0;
  bool operator==(const Trim&) const = default;
};

/// What allows a `forget` to take points that are otherwise kept.
enum class ForgetWhy : std::uint8_t {
  retention = 1,      ///< nothing does
  vault_deleted = 2,  ///< the whole vault goes
  host_ended = 3,     ///< the granted key of the points' author has ended
};

/// Takes points out of force.
struct Forget {
  std::vector<PointId> points;  ///< ascending
  std::vector<Trim> trims;
  ForgetWhy why = ForgetWhy::retention;
  bool operator==(const Forget&) const = default;
};

enum class MarkKind : std::uint8_t {
  hold = 1,      ///< nobody forgets the point until the same holder releases it
  release = 2,   ///< ends a hold
  accepted = 3,  ///< a suspect point is good all the same
  proven = 4,    ///< a drill or a restore has shown that it comes back
  damaged = 5,   ///< a verification has found that something of it can't be read
  healed = 6,    ///< everything of it can be read again
};

/// Says something of points in force.
struct Mark {
  MarkKind kind = MarkKind::hold;
  std::vector<PointId> points;  ///< ascending
  std::string holder;           ///< hold, release: the name of the run
  bool operator==(const Mark&) const = default;
};

/// Grants a key, or ends its rights.
struct KeyChange {
  AuthorKey key;
  std::string host;  ///< whose key it is; its points are that host's
  bool ended = false;
  bool operator==(const KeyChange&) const = default;
};

/// What one must know to read, or to write: one bit a feature. Unknown bits are kept.
struct Features {
  std::uint64_t to_read = 0;
  std::uint64_t to_write = 0;
  bool operator==(const Features&) const = default;
};

/// Raises epoch and features; closes all open sessions.
struct EpochChange {
  std::uint32_t epoch = 0;
  Features features;
  AuthorKey full_key;  ///< the full key of that epoch
  bool operator==(const EpochChange&) const = default;
};

/// No entry behind it is right.
struct Closed {
  bool operator==(const Closed&) const = default;
};

/// An entry of a kind that a later version has added: it has no effect here.
struct UnknownEntry {
  std::uint64_t kind = 0;
  bool operator==(const UnknownEntry&) const = default;
};

using EntryBody =
    std::variant<Begin, End, Forget, Mark, KeyChange, EpochChange, Closed, UnknownEntry>;

/// Random bytes by which an author knows its own entry, and a session its packs.
using EntryNonce = Id<struct EntryNonceTag, 16>;

/// One entry, as its author has signed it. A value.
struct SignedEntry {
  EntryNonce nonce;
  Time label;               ///< a clock's reading; nothing rests on it
  std::uint32_t epoch = 0;  ///< under whose key it is sealed
  codec::Digest before{};   ///< of the log up to the entry before, see digest_of_log()
  AuthorKey author;
  EntryBody body;
};

/// Where a log lies: a signature is good for one number of one log of one repository.
struct LogId {
  RepositoryId repository;
  VaultId vault;
  bool operator==(const LogId&) const = default;
};

/// The bytes of a signed entry, from which digests are taken, and of which copies are made.
Bytes sign_entry(const LogId& log, std::uint64_t number, const SignedEntry& entry,
                 const codec::SigningKey& key);

/// The same for a message that is written already, see docs/vaults.md.
Bytes sign_part(const LogId& log, std::uint64_t number, ByteView part,
                const codec::SigningKey& key);

/// The digest of a log up to an entry: SHA-256 of the digest before it (zeros for entry 1), and the
/// entry's bytes. So each entry names all that came before it.
codec::Digest digest_of_log(const codec::Digest& before, ByteView entry);

/// Reads an entry. Empty when the bytes are none, or beyond a limit, or in another order than is
/// written: then it has no effect, like any other that is not right. The signature is not looked
/// at.
std::optional<SignedEntry> read_entry(ByteView bytes);

/// Whether the author that the entry names has signed these bytes for this number of this log.
bool is_signed(const LogId& log, std::uint64_t number, ByteView bytes, const AuthorKey& author);

// The values within, each as a message; checkpoints hold them as well. Errors: corruption.

Bytes encode(const PackRange& range);
PackRange decode_pack_range(ByteView content, std::string_view what);
Bytes encode(const WalSpan& span);
WalSpan decode_wal_span(ByteView content, std::string_view what);
Bytes encode(const Trim& trim);
Trim decode_trim(ByteView content, std::string_view what);

}  // namespace salvor::repo
