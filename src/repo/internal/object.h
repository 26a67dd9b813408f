#pragma once

#include <optional>
#include <string>

#include "backend/backend.h"
#include "base/random.h"
#include "base/secret.h"
#include "repo/format.h"

/// Sealed objects: index runs, log entries, checkpoints (docs/format.md, section 6).
namespace salvor::repo {

/// The keys under which the objects of a repository, or of one of its vaults, are sealed.
/// Threads: any.
class ObjectKeys {
 public:
  virtual ~ObjectKeys() = default;

  /// Whose objects these are: it comes first in what each of them authenticates, so that no object
  /// passes for one of another repository or vault.
  virtual ByteView owner() const = 0;

  /// The epoch to write with.
  virtual std::uint32_t epoch() const = 0;

  /// How many epochs there are keys for.
  virtual std::size_t epochs() const = 0;

  /// The key of one object.
  /// Errors: corruption, when there is no key of that epoch.
  virtual Secret object_key(std::uint32_t epoch, ByteView salt) const = 0;
};

/// `epoch`: under whose key; empty for the one to write with.   Threads: any.
Bytes seal_object(const ObjectKeys& keys, ObjectType type, const std::string& name,
                  ByteView content, Rng& rng, std::optional<std::uint32_t> epoch = {});

/// The key epoch that a sealed object says it is of; nothing is authenticated.
/// Errors: corruption, when its bytes are not as they were written.
std::uint32_t epoch_of_object(const std::string& name, ByteView stored);

/// The content of a sealed object, authenticated.
/// Errors: corruption, naming the object.
Bytes open_object(const ObjectKeys& keys, ObjectType type, const std::string& name,
                  ByteView stored);

/// Compresses what pays to be compressed, with the plain length in front; and back.
Bytes squeeze(ByteView plain);
Bytes unsqueeze(ByteView squeezed, std::size_t plain_bytes_max, std::string_view what);

/// The whole object of that name. What has grown beyond what any writer makes is damaged.
/// Errors: not_found; corruption; whatever the backend throws.
Bytes read_object(backend::Backend& backend, const std::string& name, std::uint64_t bytes_max);

[[noreturn]] void throw_damaged(const std::string& name, std::string_view how);

/// Whether an object is there and sound is answered by this error: it is damaged, or missing.
bool is_damage(const Error& error);

}  // namespace salvor::repo
