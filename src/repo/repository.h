#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "codec/chunker.h"
#include "codec/kdf.h"
#include "repo/point.h"
#include "repo/tree.h"

/// The repository: chunks, trees, recovery points, and the log that makes them one history.
namespace salvor::repo {

class Session;

/// What opens a repository: one of the two is enough.
struct Credentials {
  std::optional<Secret> passphrase;
  std::optional<Secret> private_key;  ///< the content of a key file
};

enum class SlotKind { passphrase, recipient };

struct SlotInfo {
  SlotId id;
  SlotKind kind = SlotKind::passphrase;
  std::string label;
  std::string created;
  bool in_use = false;  ///< it opened this repository
};

struct NewSlot {
  std::string label;
  std::optional<Secret> passphrase;  ///< one of the two
  Bytes recipient;                   ///< an X25519 public key
  codec::Argon2Cost cost;
};

/// Something that is not as it should be, and was worked around or reported.
struct Finding {
  enum class Severity { note, damage };
  Severity severity = Severity::damage;
  std::string object;
  std::string what;
};

/// `inspect` is `read` for who looks for damage: what does not authenticate is a finding, even
/// where it would keep a reader away. `repair` is `write` without refusing what is to be repaired.
/// But for `write`, all fall back to the recovery points that the packs hold where the log is
/// damaged.
enum class Access { read, inspect, write, repair };

/// Chunks to read from one stretch of one pack: places in the list that was planned.
using FetchGroup = std::vector<std::uint32_t>;

/// An opened repository.
/// Threads: reading (read_chunk, plan, fetch, node_reader, contains) any; the rest one at a time.
/// Lifetime: shorter than the backend's; outlives its sessions.
class Repository {
 public:
  /// Makes an empty repository.   Errors: conflict, where one is already; failed, where the backend
  /// does not keep "put if absent".
  static void create(backend::Backend& backend, const NewSlot& first_slot, Clock& clock, Rng& rng,
                     const codec::ChunkerLimits& limits = {});

  /// Errors: not_found: no repository is there; configuration: no slot opens; corruption.
  /// With Access::write a backend that ignores "put if absent" is refused.
  static std::unique_ptr<Repository> open(backend::Backend& backend, const Credentials& credentials,
                                          Access access, Clock& clock, Rng& rng);
  ~Repository();
  Repository(const Repository&) = delete;
  Repository& operator=(const Repository&) = delete;

  const RepositoryId& id() const;
  std::string location() const;
  const codec::Chunker& chunker() const;

  /// The sequence of the newest log entry that was read.
  std::uint64_t sequence() const;

  /// In order of commitment. refresh() reads what was committed since.
  const std::vector<Point>& points() const;
  /// Null where there is no such point.
  const Point* find_point(const PointId& id) const;
  void refresh();

  /// What was worked around while opening and reading: damaged checkpoints, index runs, slots.
  std::vector<Finding> findings() const;

  /// Whether the chunk is in a pack that exists; opened to be read, in one that the index names.
  bool contains(const ChunkId& id);

  /// The plain chunk of a data frame, verified against its id.   Errors: corruption.
  Bytes read_chunk(const ChunkId& id);

  /// The id that content has as a chunk of data: compares without reading. Threads: any.
  ChunkId id_of(ByteView content) const;

  /// Reads tree nodes, with a small cache. Valid as long as the repository.
  NodeReader node_reader();

  /// Groups chunks so that each group is one read of neighbouring bytes, in order of packs.
  /// Shape: every place of `ids` is in exactly one group.   Errors: corruption: in no pack.
  std::vector<FetchGroup> plan(std::span<const ChunkId> ids);

  using Deliver = std::function<void(std::uint32_t place, ByteView chunk)>;
  using Damaged = std::function<void(std::uint32_t place, const Error& error)>;

  /// Reads a planned group and hands out its chunks, verified. What can't be read or does not
  /// verify goes to `damaged`, and is never delivered. Errors: unreachable.
  void fetch(std::span<const ChunkId> ids, const FetchGroup& group, const Deliver& deliver,
             const Damaged& damaged);

  /// Makes a suspect point good, for every host, durably. False: it was accepted already.
  /// Errors: not_found.
  bool accept(const PointId& point);

  /// Begins to write. Ends sessions whose process is dead on this machine, and takes over what they
  /// uploaded.
  std::unique_ptr<Session> begin();

  std::vector<SlotInfo> slots();
  /// Errors: usage: its passphrase or its recipient has a slot already.
  SlotId add_slot(const NewSlot& slot);
  /// Errors: not_found; refused: the last one.
  void remove_slot(const SlotId& id);
  /// Adds an epoch: new data gets new keys, and every slot gets the new ring.
  void rotate();

  struct Core;
  Core& core() { return *core_; }

 private:
  explicit Repository(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace salvor::repo
