#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

/// A place for immutable objects.
namespace salvor::backend {

enum class PutResult { created, exists };

struct Object {
  std::string name;
  std::uint64_t size_bytes = 0;
};

/// Names are relative paths of [a-z0-9._-] parts joined by '/', no part is "." or "..", the first
/// is not "tmp" (where a medium may keep what is not finished), at most 200 bytes in all. Where
/// there is an object a/b there is none a: a part is a directory or an object, not both. Objects
/// are written once and never changed.
///
/// Threads:     every call may be made by any number of threads at once; many in flight is normal.
/// Durability:  when put_if_absent returns, the object survives a loss of power; also with
/// `exists`. Atomicity:   an object is there whole, or not at all; for all readers from the same
/// moment on. Idempotence: get, size, list and remove may be repeated freely. A put_if_absent that
/// failed may
///              have succeeded nevertheless (the answer was lost): who repeats it must be prepared
///              for `exists`, and find out whose object it is by reading it.
/// Errors:      not_found where said; unreachable (retryable) when the medium does not answer;
///              no_space; failed for everything else. Of a put that fails since the medium takes
///              nothing new (read-only, full, not to be written by this user): unwritable().
class Backend {
 public:
  using Visit = std::function<void(const Object&)>;

  virtual ~Backend() = default;

  /// For messages: "/var/backups/salvor", "s3://bucket/prefix".
  virtual std::string location() const = 0;

  /// Creates the object unless one of that name exists; then nothing changes.
  virtual PutResult put_if_absent(const std::string& name, ByteView bytes) = 0;

  /// The whole object. Errors: not_found; failed, when it is larger than `bytes_max`.
  virtual Bytes get(const std::string& name, std::uint64_t bytes_max) = 0;

  /// Fills `out` from `offset` on; the count is less only when the object ends before.
  /// Errors: not_found.
  virtual std::size_t get_range(const std::string& name, std::uint64_t offset,
                                MutableByteView out) = 0;

  /// The size in bytes; empty when there is no such object.
  virtual std::optional<std::uint64_t> size(const std::string& name) = 0;

  /// Visits every object whose name begins with `prefix` ("packs/", "log/") and is greater than
  /// `after` (memcmp), in ascending order of names. Objects that come or go meanwhile may or may
  /// not be seen. An absent prefix has no objects. `visit` may make calls on the same backend; what
  /// it throws ends the listing.   Errors: usage, for a prefix that no name can begin with.
  virtual void list(const std::string& prefix, const std::string& after, const Visit& visit) = 0;

  /// Removes the object; one that is not there is no error. Durable when it returns.
  virtual void remove(const std::string& name) = 0;

  /// Why nothing new can be put now, though what is there can be read; empty: nothing speaks
  /// against it. Puts nothing; a put may fail nevertheless.   Errors: none.
  virtual std::optional<Error> why_unwritable() { return std::nullopt; }

  /// Free bytes of the medium, where that is known.
  virtual std::optional<std::uint64_t> free_bytes() { return std::nullopt; }
};

/// Throws (usage) unless `name` keeps the rules above. All implementations call it first, so that
/// no object name can leave the repository.
void check_name(const std::string& name);

}  // namespace salvor::backend
