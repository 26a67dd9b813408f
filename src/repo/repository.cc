#include "repo/repository.h"

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
    return std::string(as_text(backend.get(kDescriptionName, kDescriptionBytesMax)));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) return std::nullopt;
    throw;
  }
}

/// Writes what is there once more: a backend that keeps the condition says so.
void refuse_unconditional_backend(backend::Backend& backend, const std::string& description) {
  if (backend.put_if_absent(kDescriptionName, as_bytes(description)) ==
      backend::PutResult::exists) {
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
      const Bytes text = backend.get(name, 16U << 20U);
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

std::optional<Opened> open_any(const std::vector<Slot>& slots, const Credentials& credentials) {
  for (const Slot& slot : slots) {
    if (auto ring = open_slot(slot, credentials)) return Opened{std::move(*ring), slot.id};
  }
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
  if (description) {
    try {
      parse_description(*description);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::configuration) throw;  // a newer format
    }
  }
  auto core = std::make_unique<Core>(backend, Keys(std::move(opened->ring)), clock, rng);
  authenticate_description(core->keys.ring().description, core->keys.description_mac());
  core->opened_with = opened->slot;
  core->access = access;
  check_description(*core, description);
  for (Finding& damaged : slots.damaged) core->note(std::move(damaged));
  for (const Slot& slot : slots.sound) {
    if (!authentic(slot, core->keys.slot_mac())) {
      core->note({Finding::Severity::damage, slot_name(slot.id),
                  "it was not made by a holder of the repository's keys"});
    }
  }
  if (access == Access::write) {
    refuse_unconditional_backend(backend, core->keys.ring().description);
  }
  load_log(*core);
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
void Repository::refresh() {
  core_->log.refresh(core_->log_state);
}

std::vector<Finding> Repository::findings() const {
  const std::lock_guard lock(core_->findings_mutex);
  return core_->findings;
}

bool Repository::contains(const ChunkId& id) {
  return core_->chunks().contains(id);
}

Bytes Repository::read_chunk(const ChunkId& id) {
  const Location location = core_->locate(id);
  const auto frame = core_->frame_of(location, core_->data_frames);
  return to_bytes(core_->verified(id, FrameType::data, location, *frame));
}

ChunkId Repository::id_of(ByteView content) const {
  return core_->keys.chunk_id(FrameType::data, content);
}

NodeReader Repository::node_reader() {
  return [core = core_.get()](const ChunkId& id) {
    const Location location = core->locate(id);
    const auto frame = core->frame_of(location, core->node_frames);
    return std::make_shared<const Node>(
        decode_node(core->verified(id, FrameType::node, location, *frame), id));
  };
}

std::vector<SlotInfo> Repository::slots() {
  std::vector<SlotInfo> infos;
  for (const Slot& slot : read_slots(core_->backend).sound) {
    infos.push_back({slot.id, slot.kind, slot.label, slot.created, slot.id == core_->opened_with});
  }
  return infos;
}

namespace {

void log_slots(Repository::Core& core, const std::vector<SlotId>& slots) {
  LogEntry entry;
  entry.type = EntryType::keys;
  entry.slots = slots;
  core.log.append(core.log_state, std::move(entry));
}

}  // namespace

SlotId Repository::add_slot(const NewSlot& wanted) {
  const Slot slot = make_slot(core_->keys, wanted, core_->clock, core_->rng);
  core_->backend.put_if_absent(slot_name(slot.id),
                               as_bytes(write_slot(slot, core_->keys.slot_mac())));
  refresh();
  std::vector<SlotId> slots = core_->log_state.slots;
  slots.push_back(slot.id);
  log_slots(*core_, slots);
  return slot.id;
}

void Repository::remove_slot(const SlotId& id) {
  const std::vector<Slot> sound = read_slots(core_->backend).sound;
  const bool there =
      std::any_of(sound.begin(), sound.end(), [&](const Slot& slot) { return slot.id == id; });
  if (!there) {
    throw Error(ErrorCode::not_found, "there is no key slot " + id.hex(), "see `salvor keys list`");
  }
  if (sound.size() == 1) {
    throw Error(ErrorCode::refused,
                "key slot " + id.hex() +
                    " is the last one: without it nobody could ever read "
                    "the repository again",
                "add another key first, with `salvor keys add`");
  }
  refresh();
  std::vector<SlotId> slots = core_->log_state.slots;
  std::erase(slots, id);
  log_slots(*core_, slots);
  core_->backend.remove(slot_name(id));
}

void Repository::rotate() {
  KeyRing ring = KeyRing::decode(core_->keys.ring().encode().view());
  Secret root(kRootKeyBytes);
  core_->rng.fill(root.mutable_view());
  ring.roots.push_back(std::move(root));
  const Keys keys(std::move(ring));
  const std::vector<Slot> old = read_slots(core_->backend).sound;
  std::vector<SlotId> fresh;
  for (const Slot& slot : old) {
    // A slot that nobody with the root key has made must not get the new keys.
    if (!authentic(slot, core_->keys.slot_mac())) continue;
    const Slot resealed = reseal(slot, keys, core_->rng);
    core_->backend.put_if_absent(slot_name(resealed.id),
                                 as_bytes(write_slot(resealed, keys.slot_mac())));
    if (slot.id == core_->opened_with) core_->opened_with = resealed.id;
    fresh.push_back(resealed.id);
  }
  log_slots(*core_, fresh);
  for (const Slot& slot : old) core_->backend.remove(slot_name(slot.id));
}

}  // namespace salvor::repo
