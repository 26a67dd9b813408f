#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codec/hash.h"
#include "repo/format.h"
#include "repo/repository.h"

/// Records beside the recovery points: numbered chains of sealed objects (docs/format.md, section
/// 12). To the repository their content means nothing.
namespace salvor::repo {

/// What a chain is for; it is the first part of the object's name.
enum class ChainKind {
  journal,   ///< the steps of one run: journal/<chain>/<n>
  claim,     ///< who restores a service: claim/<chain>/<n>
  evidence,  ///< the signed records of a service: evidence/<chain>/<n>
};

/// What one read of a record gave.
enum class RecordState {
  readable,  ///< its content
  lost,      ///< bytes that do not authenticate, or that there is no such object
  /// The medium has the object, and does not give its bytes: another time it may. Or it is of a
  /// newer key than was there when the repository was opened.
  not_now,
};

/// A record, or why it is not there. A value.
struct RecordRead {
  RecordState state = RecordState::lost;
  Bytes content = {};
  std::string why = {};  ///< why there is no content
};

/// One chain. `chain` in object names is the first 32 digits of a keyed hash of kind and name, so
/// that a repository shows no name of a service.
/// Threads: one at a time.   Lifetime: shorter than the repository's.
class Chain {
 public:
  Chain(Repository& repository, ChainKind kind, std::string_view name);

  /// The chain that list_chains() lists so.
  static Chain of_id(Repository& repository, ChainKind kind, std::string_view id);

  /// All records, in order from number 1 on.
  /// Errors: corruption: a record does not authenticate, or one is missing before the last.
  std::vector<Bytes> read();

  /// The number of the last record, 0 when there is none; lists names only.
  std::uint64_t last();

  /// One record; empty when it does not exist.   Errors: corruption.
  std::optional<Bytes> read(std::uint64_t number);

  /// The same for who is to tell what is lost from what can't be read now: from one read, as a
  /// second one may go otherwise.   Errors: unreachable; failed.
  RecordRead try_read(std::uint64_t number);

  /// Writes record `number` (1 more than the last), durably, unless it exists.
  /// Shape:  content: at most kRecordBytesMax. It says whose it is: of two writers with the same
  ///         content both would be told that they wrote it.
  /// False: another one wrote that number first (what it wrote is not `content`).
  /// True also when an earlier try with the same content succeeded and its answer was lost.
  /// Errors: corruption: what is there does not authenticate; no_space; unreachable: it may be
  ///         written or not, and may be tried again; failed.
  bool append(std::uint64_t number, ByteView content);

  /// Says that what had this number is lost: puts the bytes that are there aside, under damaged/,
  /// and an empty record in their place. Nothing where a record can be read. Killed anywhere, it
  /// can be done again. Returns what was done, a line; empty: nothing.   Errors: no_space;
  /// unreachable; failed.
  std::string give_up(std::uint64_t number);

  /// What the record is called in the repository, for messages.
  std::string object_name(std::uint64_t number) const;

 private:
  Chain(Repository& repository, ObjectType type, std::string prefix);

  Repository& repository_;
  ObjectType type_;
  std::string prefix_;  ///< "journal/<chain>/"
};

/// A secret that follows from the repository's first root key, for a purpose of the caller's: who
/// holds the repository's key can derive it, and nobody else. 32 bytes; survives the rotation of
/// keys.
Secret derive_secret(Repository& repository, std::string_view purpose);

/// The digest of the newest log entry that was read: it holds all that the log says until then.
codec::Digest log_head(Repository& repository);

/// What the chains of a kind are called is known to their writers only; this lists the names of
/// chains as they are in the repository (32 digits, ascending), for checks of the whole repository.
std::vector<std::string> list_chains(Repository& repository, ChainKind kind);

/// What list_chains() lists a chain as.
std::string chain_id(Repository& repository, ChainKind kind, std::string_view name);

}  // namespace salvor::repo
