#include "repo/repository.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "repo/internal/core.h"
#include "repo/internal/description.h"
#include "repo/internal/object.h"

namespace salvor::repo {
namespace {

constexpr std::size_t kRootKeyBytes = 32;
constexpr std::size_t kDescriptionBytesMax = 64 * 1024;

std::optional<std::string> read_description(backend::Backend& backend) {
  try {
    return std::string(as_text(read_object(backend, kDescriptionName, kDescriptionBytesMax)));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) return std::nullopt;
    if (error.code() == ErrorCode::corruption) return std::string();
    throw;
  }
}

/// Writes what is there once more: a backend that keeps the condition says so. Where it was lost,
/// the first try brings it back, and the second one tells.
void refuse_unconditional_backend(backend::Backend& backend, const std::string& description) {
  try {
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (backend.put_if_absent(kDescriptionName, as_bytes(description)) ==
          backend::PutResult::exists) {
        return;
      }
    }
  } catch (const Error& error) {
    // What takes nothing replaces nothing; and a restore in place may go on with that.
    if (!error.unwritable()) throw;
    return;
  }
  throw Error(ErrorCode::refused,
              backend.location() + " replaces objects that exist, though it was asked not to",
              "writers would overwrite each other's commits there: use a medium that keeps "
              "If-None-Match");
}

KeyRing new_ring(RepositoryId id, Rng& rng) {
  KeyRing ring;
  ring.repository = id;
  Secret root(kRootKeyBytes);
  rng.fill(root.mutable_view());
  ring.roots.push_back(std::move(root));
  return ring;
}

/// What claims to be of a newer format is not touched, whoever wrote the claim. Who inspects or
/// repairs believes only what authenticates: a flipped bit can make a newer format of it, too.
/// Errors: configuration.
void refuse_newer_format(const std::string& description, const codec::Hmac& mac, Access access) {
  try {
    parse_description(description);
    return;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::configuration) return;
    if (access == Access::read || access == Access::write) throw;
  }
  try {
    authenticate_description(description, mac);
  } catch (const Error&) {
    return;
  }
  parse_description(description);
}

/// The repository's salvor.json, checked; where it is lost, the copy in the key ring.
void check_description(Repository::Core& core, const std::optional<std::string>& stored) {
  const std::string& sealed = core.keys.ring().description;
  if (stored && *stored == sealed) return;
  core.note({Finding::Severity::damage, kDescriptionName,
             stored ? "it is not as it was written" : "it is missing"});
  log::warning("{}: {} is lost or damaged; using the copy in the key ring", core.backend.location(),
               kDescriptionName);
}

void load_log(Repository::Core& core) {
  try {
    core.log_state = core.log.load(core.log_findings());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption) throw;
    if (core.access == Access::write) {
      core.refuse_outdated_keys();
      throw Error(error.code(), error.message(),
                  "nothing is written to a damaged log: run `salvor verify --repair` first");
    }
    core.log_state = core.salvaged_state(error);
  }
}

[[noreturn]] void throw_no_repository(const backend::Backend& backend) {
  throw Error(ErrorCode::not_found, "there is no repository at " + printable(backend.location()),
              "create it with `salvor init`, or correct [repository] url");
}

[[noreturn]] void throw_no_slot_opens(const Credentials& credentials) {
  if (!credentials.passphrase && !credentials.private_key) {
    throw Error(ErrorCode::configuration, "no passphrase and no key file is configured",
                "set passphrase_file or key_file in [repository]");
  }
  throw Error(ErrorCode::configuration,
              credentials.passphrase ? "wrong passphrase" : "the key file opens no key slot",
              "check passphrase_file, passphrase_env, passphrase_command or key_file in "
              "[repository]");
}

}  // namespace

void Repository::create(backend::Backend& backend, const NewSlot& first_slot, Clock& clock,
                        Rng& rng, const codec::ChunkerLimits& limits) {
  bool in_use = false;
  for (const char* prefix : {"salvor.json", "keys/", "log/"}) {
    backend.list(prefix, "", [&](const backend::Object&) { in_use = true; });
  }
  if (in_use) {
    throw Error(ErrorCode::conflict,
                "there is a repository at " + printable(backend.location()) + " already",
                "choose another place, or use the one that is there");
  }
  KeyRing ring = new_ring(random_id<RepositoryId>(rng), rng);
  {
    KeyRing half = new_ring(ring.repository, rng);
    half.roots.front() = ring.roots.front().clone();
    const Keys keys(std::move(half));
    ring.description = write_description({ring.repository, limits}, keys.description_mac());
  }
  const Keys keys(std::move(ring));
  const std::string& description = keys.ring().description;
  const Slot slot = make_slot(keys, first_slot, clock, rng);
  backend.put_if_absent(slot_name(slot.id), as_bytes(write_slot(slot, keys.slot_mac())));
  // The description comes last of what opening needs: without it there is no repository.
  if (backend.put_if_absent(kDescriptionName, as_bytes(description)) ==
      backend::PutResult::exists) {
    backend.remove(slot_name(slot.id));
    throw Error(ErrorCode::conflict,
                "another process has just created a repository at " + backend.location());
  }
  refuse_unconditional_backend(backend, description);
  Log log(backend, keys, clock, rng);
  LogState state;
  LogEntry entry;
  entry.type = EntryType::keys;
  entry.slots = {slot.id};
  log.append(state, std::move(entry));
}

namespace {

struct StoredSlots {
  std::vector<Slot> sound;
  std::vector<Finding> damaged;
};

StoredSlots read_slots(backend::Backend& backend) {
  StoredSlots result;
  std::vector<std::string> names;
  backend.list("keys/", "", [&](const backend::Object& object) { names.push_back(object.name); });
  for (const std::string& name : names) {
    const auto id = SlotId::parse(std::string_view(name).substr(5));
    if (!id) continue;
    try {
      const Bytes text = read_object(backend, name, 16U << 20U);
      result.sound.push_back(parse_slot(*id, as_text(text)));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::not_found) continue;
      if (error.code() != ErrorCode::corruption) throw;
      result.damaged.push_back({Finding::Severity::damage, name, error.message()});
    }
  }
  // After a rotation that was killed, both generations are there: the newer ring first.
  std::stable_sort(result.sound.begin(), result.sound.end(),
                   [](const Slot& a, const Slot& b) { return a.epochs > b.epochs; });
  return result;
}

struct Opened {
  KeyRing ring;
  SlotId slot;
};

void note_slots(Repository::Core& core, const StoredSlots& slots) {
  for (const Finding& damaged : slots.damaged) core.note(damaged);
  for (const Slot& slot : slots.sound) {
    if (authentic(slot, core.keys.slot_mac())) continue;
    core.note({Finding::Severity::damage, slot_name(slot.id),
               "it was not made by a holder of the repository's keys"});
  }
}

/// The newest epoch that every valid slot has a key for. After a rotation that was killed some
/// holders have a newer one, which the others could not read.
std::uint32_t epoch_in_force(const Repository::Core& core, const std::vector<Slot>& slots) {
  std::uint64_t epochs = core.keys.ring().roots.size();
  const std::vector<SlotId>& valid = core.log_state.slots;
  for (const Slot& slot : slots) {
    if (std::find(valid.begin(), valid.end(), slot.id) == valid.end()) continue;
    if (slot.epochs != 0 && authentic(slot, core.keys.slot_mac())) {
      epochs = std::min(epochs, slot.epochs);
    }
  }
  return static_cast<std::uint32_t>(epochs - 1);
}

/// One authentic slot for each holder. A rotation that was killed leaves two: the newer ring is
/// first.
std::vector<Slot> one_for_each_holder(const std::vector<Slot>& slots, const Keys& keys) {
  std::vector<Slot> result;
  for (const Slot& slot : slots) {
    if (!authentic(slot, keys.slot_mac())) continue;
    const bool known = std::any_of(result.begin(), result.end(), [&](const Slot& other) {
      return other.public_key == slot.public_key;
    });
    if (!known) result.push_back(slot);
  }
  return result;
}

std::optional<Opened> open_any(const std::vector<Slot>& slots, const Credentials& credentials) {
  std::optional<Error> failure;
  for (const Slot& slot : slots) {
    try {
      if (auto ring = open_slot(slot, credentials)) return Opened{std::move(*ring), slot.id};
    } catch (const Error& error) {
      // A slot may ask for more memory than there is: another one may open all the same.
      if (error.code() != ErrorCode::failed) throw;
      failure = error;
    }
  }
  if (failure) throw Error(*failure);
  return std::nullopt;
}

}  // namespace

Repository::Repository(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Repository::~Repository() = default;

std::unique_ptr<Repository> Repository::open(backend::Backend& backend,
                                             const Credentials& credentials, Access access,
                                             Clock& clock, Rng& rng) {
  const auto description = read_description(backend);
  StoredSlots slots = read_slots(backend);
  if (!description && slots.sound.empty() && slots.damaged.empty()) throw_no_repository(backend);
  auto opened = open_any(slots.sound, credentials);
  if (!opened) {
    if (!slots.damaged.empty()) {
      throw Error(ErrorCode::corruption, slots.damaged.front().what,
                  "restore that object from a copy of the repository, or use another key");
    }
    if (slots.sound.empty()) {
      throw Error(ErrorCode::corruption, "all key slots are missing from " + backend.location(),
                  "restore keys/ from a copy of the repository");
    }
    throw_no_slot_opens(credentials);
  }
  auto core = std::make_unique<Core>(backend, Keys(std::move(opened->ring)), clock, rng);
  authenticate_description(core->keys.ring().description, core->keys.description_mac());
  if (description) refuse_newer_format(*description, core->keys.description_mac(), access);
  core->opened_with = opened->slot;
  core->access = access;
  check_description(*core, description);
  note_slots(*core, slots);
  if (access == Access::write) {
    refuse_unconditional_backend(backend, core->keys.ring().description);
  }
  load_log(*core);
  core->keys.write_with(epoch_in_force(*core, slots.sound));
  return std::unique_ptr<Repository>(new Repository(std::move(core)));
}

const RepositoryId& Repository::id() const {
  return core_->keys.repository();
}
std::string Repository::location() const {
  return core_->backend.location();
}
const codec::Chunker& Repository::chunker() const {
  return core_->chunker;
}
std::uint64_t Repository::sequence() const {
  return core_->log_state.sequence;
}
const std::vector<Point>& Repository::points() const {
  return core_->log_state.points;
}
const Point* Repository::find_point(const PointId& id) const {
  const auto found = std::ranges::find(points(), id, &Point::id);
  return found == points().end() ? nullptr : &*found;
}
void Repository::refresh() {
  core_->log.refresh(core_->log_state);
  core_->load_new_runs();
}

std::vector<Finding> Repository::findings() const {
  const std::lock_guard lock(core_->findings_mutex);
  return core_->findings;
}

bool Repository::contains(const ChunkId& id) {
  return core_->chunks().contains(id);
}

Bytes Repository::read_chunk(const ChunkId& id) {
  return core_->read(id, FrameType::data);
}

ChunkId Repository::id_of(ByteView content) const {
  return core_->keys.chunk_id(FrameType::data, content);
}

NodeReader Repository::node_reader() {
  return [core = core_.get()](const ChunkId& id) {
    return std::make_shared<const Node>(decode_node(core->read(id, FrameType::node), id));
  };
}

std::vector<SlotInfo> Repository::slots() {
  std::vector<SlotInfo> infos;
  for (const Slot& slot : one_for_each_holder(read_slots(core_->backend).sound, core_->keys)) {
    infos.push_back({slot.id, slot.kind, slot.label, slot.created, slot.id == core_->opened_with});
  }
  return infos;
}

namespace {

/// Replaces the valid slots `before` by `after`.
/// Errors: conflict: somebody else has changed them meanwhile.
void log_slots(Repository::Core& core, const std::vector<SlotId>& before,
               const std::vector<SlotId>& after) {
  LogEntry entry;
  entry.type = EntryType::keys;
  entry.slots = after;
  core.log.append(core.log_state, std::move(entry), [&](const LogState& state) {
    if (state.slots == before) return;
    throw Error(ErrorCode::conflict, "another process has changed the keys at the same time",
                "see `salvor keys list`, and try again");
  });
}

/// Whether a slot is of the holder that a new one is wanted for.
bool is_of(const Slot& slot, const NewSlot& wanted) {
  if (!wanted.passphrase) return slot.public_key == wanted.recipient;
  Credentials credentials;
  credentials.passphrase.emplace(wanted.passphrase->view());
  return open_slot(slot, credentials).has_value();
}

[[noreturn]] void throw_has_slot(const Slot& slot) {
  throw Error(
      ErrorCode::usage,
      fmt::format("this {} opens the repository already, as key {}",
                  slot.kind == SlotKind::passphrase ? "passphrase" : "key file", slot.id.hex()),
      "add another one; `salvor keys list` lists the keys");
}

/// As log_slots; where it is sure that nothing was logged, the new slots go again.
void log_slots_or_undo(Repository::Core& core, const std::vector<SlotId>& before,
                       const std::vector<SlotId>& after, const std::vector<SlotId>& made) {
  try {
    log_slots(core, before, after);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::conflict) {
      for (const SlotId& slot : made) core.backend.remove(slot_name(slot));
    }
    throw;
  }
}

}  // namespace

SlotId Repository::add_slot(const NewSlot& wanted) {
  refresh();
  const std::vector<SlotId> before = core_->log_state.slots;
  for (const Slot& slot : read_slots(core_->backend).sound) {
    const bool is_valid = std::ranges::find(before, slot.id) != before.end();
    if (is_valid && is_of(slot, wanted)) throw_has_slot(slot);
  }
  const Slot slot = make_slot(core_->keys, wanted, core_->clock, core_->rng);
  core_->backend.put_if_absent(slot_name(slot.id),
                               as_bytes(write_slot(slot, core_->keys.slot_mac())));
  std::vector<SlotId> slots = before;
  slots.push_back(slot.id);
  log_slots_or_undo(*core_, before, slots, {slot.id});
  return slot.id;
}

void Repository::remove_slot(const SlotId& id) {
  std::vector<Slot> sound = read_slots(core_->backend).sound;
  const auto found =
      std::find_if(sound.begin(), sound.end(), [&](const Slot& slot) { return slot.id == id; });
  if (found == sound.end()) {
    throw Error(ErrorCode::not_found, "there is no key slot " + id.hex(), "see `salvor keys list`");
  }
  // Whatever a killed rotation has left: afterwards no slot is there that this holder can open.
  const Bytes holder = found->public_key;
  const auto kept = std::stable_partition(
      sound.begin(), sound.end(), [&](const Slot& slot) { return slot.public_key == holder; });
  const bool last = std::none_of(
      kept, sound.end(), [&](const Slot& slot) { return authentic(slot, core_->keys.slot_mac()); });
  if (last) {
    throw Error(ErrorCode::refused,
                "key slot " + id.hex() +
                    " is the last one: without it nobody could ever read "
                    "the repository again",
                "add another key first, with `salvor keys add`");
  }
  refresh();
  const std::vector<SlotId> before = core_->log_state.slots;
  std::vector<SlotId> slots = before;
  for (auto slot = sound.begin(); slot != kept; ++slot) std::erase(slots, slot->id);
  log_slots(*core_, before, slots);
  for (auto slot = sound.begin(); slot != kept; ++slot) {
    core_->backend.remove(slot_name(slot->id));
  }
}

bool Repository::accept(const PointId& id) {
  refresh();
  const auto find = [&]() -> const Point& {
    const auto& all = core_->log_state.points;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Point& point) { return point.id == id; });
    if (found != all.end()) return *found;
    throw Error(ErrorCode::not_found, "there is no recovery point " + id.hex(),
                "`salvor points` lists the recovery points");
  };
  if (find().accepted) return false;
  LogEntry entry;
  entry.type = EntryType::accept;
  entry.accepted = id;
  core_->log.append(core_->log_state, std::move(entry));
  return true;
}

void Repository::rotate() {
  refresh();
  const std::vector<SlotId> before = core_->log_state.slots;
  const std::vector<Slot> old = read_slots(core_->backend).sound;
  KeyRing ring = KeyRing::decode(core_->keys.ring().encode().view());
  // Past every epoch that a killed rotation may have given to some: two rings never have as many.
  std::uint64_t epochs = ring.roots.size();
  for (const Slot& slot : old) {
    if (authentic(slot, core_->keys.slot_mac())) epochs = std::max(epochs, slot.epochs);
  }
  while (ring.roots.size() <= epochs) {
    Secret root(kRootKeyBytes);
    core_->rng.fill(root.mutable_view());
    ring.roots.push_back(std::move(root));
  }
  Keys keys(std::move(ring));
  std::vector<SlotId> fresh;
  SlotId opened_with = core_->opened_with;
  // A slot that nobody with the root key has made must not get the new keys.
  for (const Slot& slot : one_for_each_holder(old, core_->keys)) {
    const Slot resealed = reseal(slot, keys, core_->rng);
    core_->backend.put_if_absent(slot_name(resealed.id),
                                 as_bytes(write_slot(resealed, keys.slot_mac())));
    if (slot.id == core_->opened_with) opened_with = resealed.id;
    fresh.push_back(resealed.id);
  }
  log_slots_or_undo(*core_, before, fresh, fresh);
  core_->opened_with = opened_with;
  core_->keys = std::move(keys);
  for (const Slot& slot : old) core_->backend.remove(slot_name(slot.id));
}

}  // namespace salvor::repo
