#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

/// The interface of a medium: a place for immutable objects. The layers that a repository uses:
///     auto medium = with_retry(open_local(path));        // retry.h, local.h
///     if (medium->put_if_absent(name, bytes) == PutResult::exists) …
namespace salvor::backend {

/// Whether a put has made the object, or found one of that name.
enum class PutResult { created, exists };

/// What a listing tells of one object. A value.
struct Object {
  std::string name;
  std::uint64_t size_bytes = 0;
};

/// Holds objects by name. They are written once and never changed.
///
/// Names are relative paths: parts of [a-z0-9._-] joined by '/', at most 200 bytes in all. No part
/// is "." or "..", and the first is not "tmp", where a medium keeps what is not finished. A part is
/// a directory or an object, not both: where there is an object a/b there is none called a.
///
/// An implementation must override all that is pure. why_unwritable() and free_bytes() are
/// optional: the defaults mean "not known". Whatever it does, it must pass the contract suite
/// (testing/backend_contract.h).
///
/// Durability:  when put_if_absent returns, the object survives a loss of power; also with
///              `exists`.
/// Atomicity:   an object is there whole, or not at all; for all readers from the same moment on.
/// Idempotence: get, size, list and remove may be repeated freely. A put_if_absent that failed may
///              have succeeded nevertheless (the answer was lost). A caller that repeats it must be
///              prepared for `exists`, and finds out whose object it is by reading it.
/// Errors:      not_found where said; unreachable (retryable) when the medium does not answer;
///              no_space; failed for everything else. A put that fails because the medium takes
///              nothing new (it is read-only or full, or this user may not write to it) is
///              unwritable(). Every call with a name that breaks the rules: usage.
/// Threads:     every call may be made by any number of threads at once; many in flight is normal.
class Backend {
 public:
  using Visit = std::function<void(const Object&)>;

  virtual ~Backend() = default;

  /// Where the medium is, for messages: "/var/backups/salvor", "s3://bucket/prefix".
  virtual std::string location() const = 0;

  /// Creates the object, unless one of that name exists: then nothing changes.
  virtual PutResult put_if_absent(const std::string& name, ByteView bytes) = 0;

  /// Reads a whole object.
  /// Errors: not_found; failed, when it is larger than `bytes_max`, so that a hostile medium can't
  ///         exhaust memory.
  virtual Bytes get(const std::string& name, std::uint64_t bytes_max) = 0;

  /// Fills `out` with the object's bytes from `offset` on.
  /// Shape:  the number of bytes; it is less than out.size() only when the object ends before.
  /// Errors: not_found.
  virtual std::size_t get_range(const std::string& name, std::uint64_t offset,
                                MutableByteView out) = 0;

  /// The size of an object; empty when there is none of that name.
  /// Units: bytes.
  virtual std::optional<std::uint64_t> size(const std::string& name) = 0;

  /// Visits every object whose name begins with `prefix` ("packs/", "log/", or "" for all) and is
  /// greater than `after` (by memcmp), in ascending order of names. Objects that come or go
  /// meanwhile may or may not be seen. A prefix under which there is nothing is no error. `visit`
  /// may make calls on the same backend; what it throws ends the listing.
  /// Errors: usage, for a prefix with which no name can begin.
  virtual void list(const std::string& prefix, const std::string& after, const Visit& visit) = 0;

  /// Removes the object; durable when it returns. An object that is not there is no error.
  virtual void remove(const std::string& name) = 0;

  /// Why no object can be put now, though objects can be read; empty when nothing speaks against
  /// it. It puts nothing, and a put may fail nevertheless. Ask it before work that would be in
  /// vain.
  /// Errors: none.
  virtual std::optional<Error> why_unwritable() { return std::nullopt; }

  /// Free bytes of the medium; empty when that is not known.
  virtual std::optional<std::uint64_t> free_bytes() { return std::nullopt; }
};

/// Throws (usage) unless `name` keeps the rules above. Every implementation calls it first, so that
/// no object name can lead out of the repository.
void check_name(const std::string& name);

}  // namespace salvor::backend
