#include "repo/internal/vault_state.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace salvor::repo {
namespace {

/// What this version knows.
constexpr Features kKnownFeatures{};

bool has_all(std::uint64_t features, std::uint64_t of) {
  return (features & of) == of;
}

}  // namespace

VaultState::VaultState(const LogId& log, std::uint32_t epoch, const AuthorKey& full_key)
    : log_(log), epoch_(epoch) {
  keys_[full_key] = {Rights::full, "", false};
}

bool VaultState::fold(ByteView bytes) {
  const std::optional<SignedEntry> entry = read_entry(bytes);
  const bool right = entry && entry->before == head_ &&
                     is_signed(log_, number_ + 1, bytes, entry->author) && is_right(*entry);
  ++number_;
  head_before_ = head_;
  head_ = digest_of_log(head_, bytes);
  newest_entry_ = to_bytes(bytes);
  if (!right) return false;
  std::visit([&](const auto& body) { apply(*entry, body); }, entry->body);
  drop_old_condemned(entry->label);
  return true;
}

void VaultState::require_known(bool writes) const {
  const bool reads_unknown = (features_.to_read & ~kKnownFeatures.to_read) != 0;
  const bool writes_unknown =
      met_unknown_kind_ || (features_.to_write & ~kKnownFeatures.to_write) != 0;
  if (!reads_unknown && !(writes && writes_unknown)) return;
  throw Error(ErrorCode::configuration,
              reads_unknown ? "a newer salvor has written to this vault, in a way that this one "
                              "can't read"
                            : "a newer salvor has written to this vault: this one can read it, "
                              "and must not write to it",
              "use the newest salvor that writes to this repository");
}

bool VaultState::is_right(const SignedEntry& entry) const {
  const auto key = keys_.find(entry.author);
  if (closed_ || key == keys_.end() || key->second.ended) return false;
  // An `epoch` is sealed under the one that it brings; may() sees to it.
  if (entry.epoch != epoch_ && !std::holds_alternative<EpochChange>(entry.body)) return false;
  return std::visit([&](const auto& body) { return may(key->second, entry, body); }, entry.body);
}

bool VaultState::may(const KnownKey& /*key*/, const SignedEntry& /*entry*/,
                     const Begin& /*begin*/) const {
  return true;
}

/// Whether its packs and points are whole is the author's to know: section 3.
bool VaultState::may(const KnownKey& key, const SignedEntry& entry, const End& end) const {
  const auto session = open_.find(end.session);
  if (session == open_.end()) return false;
  const bool own_packs_only = std::ranges::all_of(
      end.packs, [&](const PackRange& range) { return range.session == end.session; });
  if (!own_packs_only) return false;
  if (key.rights == Rights::granted) {
    if (session->second.author != entry.author || !end.condemned.empty()) return false;
    if (end.point && end.point->host() != key.host) return false;
  }
  if (end.point && find(end.point->id) != nullptr) return false;
  return std::ranges::all_of(end.spans, [&](const WalSpan& span) {
    return span.from >= trimmed_to(span.archive, span.timeline);
  });
}

bool VaultState::may(const KnownKey& key, const SignedEntry& /*entry*/,
                     const Forget& forget) const {
  return key.rights == Rights::full &&
         std::ranges::none_of(forget.points, [&](const PointId& point) {
           return why_kept(point, forget.why).has_value();
         });
}

bool VaultState::may(const KnownKey& key, const SignedEntry& entry, const Mark& mark) const {
  const bool full = key.rights == Rights::full;
  if (!full && mark.kind != MarkKind::hold && mark.kind != MarkKind::release) return false;
  if (mark.kind == MarkKind::release) {
    return std::ranges::all_of(mark.points, [&](const PointId& point) {
      return std::ranges::any_of(holds_, [&](const Hold& hold) {
        return hold.point == point && hold.holder == mark.holder &&
               (full || hold.author == entry.author);
      });
    });
  }
  if (!full) {
    const auto held = std::ranges::count(holds_, entry.author, &Hold::author);
    if (static_cast<std::size_t>(held) + mark.points.size() > kHoldsOfGrantedMax) return false;
  }
  return std::ranges::all_of(mark.points,
                             [&](const PointId& point) { return find(point) != nullptr; });
}

/// Full keys come with their epoch, and go with it.
bool VaultState::may(const KnownKey& key, const SignedEntry& /*entry*/,
                     const KeyChange& change) const {
  return key.rights == Rights::full && !is_full(change.key);
}

bool VaultState::may(const KnownKey& key, const SignedEntry& entry,
                     const EpochChange& change) const {
  if (key.rights != Rights::full || entry.epoch != change.epoch) return false;
  if (!has_all(change.features.to_read, features_.to_read)) return false;
  if (!has_all(change.features.to_write, features_.to_write)) return false;
  const auto known = keys_.find(change.full_key);
  if (change.epoch == epoch_) return known != keys_.end() && signs_as_full(change.full_key);
  return change.epoch > epoch_ && known == keys_.end();
}

bool VaultState::may(const KnownKey& key, const SignedEntry& /*entry*/,
                     const Closed& /*closed*/) const {
  return key.rights == Rights::full;
}

bool VaultState::may(const KnownKey& key, const SignedEntry& /*entry*/,
                     const UnknownEntry& /*unknown*/) const {
  return key.rights == Rights::full;
}

void VaultState::apply(const SignedEntry& entry, const Begin& begin) {
  open_[number_] = {entry.nonce, entry.author, begin, entry.label};
}

void VaultState::apply(const SignedEntry& entry, const End& end) {
  const WritingSession session = open_.at(end.session);
  open_.erase(end.session);
  for (const PackRange& range : end.condemned) condemn(range, entry.label);
  if (!end.packs.empty()) {
    SessionPacks& packs = packs_[end.session];
    packs.nonce = session.nonce;
    packs.author = session.author;
    for (const PackRange& range : end.packs) packs.of(range.kind).add(range.first, range.last);
  }
  if (!end.point) return;
  Bytes encoded = end.point_bytes.empty() ? encode(*end.point) : end.point_bytes;
  points_.push_back({*end.point, std::move(encoded), entry.author, end.spans, false});
}

void VaultState::apply(const SignedEntry& /*entry*/, const Forget& forget) {
  const auto goes = [&](const PointId& id) { return std::ranges::count(forget.points, id) != 0; };
  std::erase_if(points_, [&](const VaultPoint& each) { return goes(each.point.id); });
  std::erase_if(holds_, [&](const Hold& hold) { return goes(hold.point); });
  if (proven_ && goes(*proven_)) proven_.reset();
  for (const Trim& trim : forget.trims) {
    const auto known = std::ranges::find_if(trims_, [&](const Trim& each) {
      return each.archive == trim.archive && each.timeline == trim.timeline;
    });
    if (known == trims_.end()) {
      trims_.push_back(trim);
    } else {
      known->position = std::max(known->position, trim.position);
    }
  }
}

void VaultState::apply(const SignedEntry& entry, const Mark& mark) {
  for (const PointId& id : mark.points) {
    if (mark.kind == MarkKind::release) {
      std::erase_if(holds_, [&](const Hold& hold) {
        return hold.point == id && hold.holder == mark.holder &&
               (is_full(entry.author) || hold.author == entry.author);
      });
      continue;
    }
    VaultPoint& marked = *find_mutable(id);
    switch (mark.kind) {
      case MarkKind::hold: {
        const Hold hold{id, mark.holder, entry.author};
        if (std::ranges::count(holds_, hold) == 0) holds_.push_back(hold);
        break;
      }
      case MarkKind::accepted:
        marked.point.accepted = true;
        break;
      case MarkKind::proven:
        proven_ = id;
        break;
      case MarkKind::damaged:
        marked.damaged = true;
        break;
      case MarkKind::healed:
        marked.damaged = false;
        break;
      case MarkKind::release:
        break;
    }
  }
}

void VaultState::apply(const SignedEntry& /*entry*/, const KeyChange& change) {
  keys_[change.key] = {Rights::granted, change.host, change.ended};
  if (!change.ended) return;
  std::erase_if(open_, [&](const auto& each) { return each.second.author == change.key; });
}

void VaultState::apply(const SignedEntry& /*entry*/, const EpochChange& change) {
  open_.clear();
  features_ = change.features;
  if (change.epoch == epoch_) return;
  epoch_ = change.epoch;
  for (auto& [key, known] : keys_) {
    if (known.rights == Rights::full) known.ended = true;
  }
  keys_[change.full_key] = {Rights::full, "", false};
}

void VaultState::apply(const SignedEntry& /*entry*/, const Closed& /*closed*/) {
  closed_ = true;
}

void VaultState::apply(const SignedEntry& /*entry*/, const UnknownEntry& /*unknown*/) {
  met_unknown_kind_ = true;
}

std::optional<std::string> VaultState::why_kept(const PointId& id, ForgetWhy why) const {
  const VaultPoint* point = find(id);
  if (point == nullptr) return "it is not in force";
  if (why == ForgetWhy::vault_deleted) return std::nullopt;
  if (is_held(id)) return "somebody holds it";
  const KnownKey& author = keys_.at(point->author);
  if (why == ForgetWhy::host_ended) {
    if (author.rights == Rights::granted && author.ended) return std::nullopt;
    return "the key of its author has not ended";
  }
  if (is_last_of_its_host(*point, false)) return "it is the last good point of its host";
  if (is_last_of_its_host(*point, true))
    return "it is the last good and undamaged point of its host";
  if (proven_ == id) return "it is the one that was proven most recently";
  return std::nullopt;
}

/// Among points of full keys, if it is of one: what a granted key commits never makes another
/// holder's point superfluous.
bool VaultState::is_last_of_its_host(const VaultPoint& of, bool undamaged_only) const {
  const bool full_only = is_full(of.author);
  const std::string host = of.point.host();
  const auto counts = [&](const VaultPoint& each) {
    return each.point.is_good() && !(undamaged_only && each.damaged) &&
           !(full_only && !is_full(each.author)) && each.point.host() == host;
  };
  const auto last = std::find_if(points_.rbegin(), points_.rend(), counts);
  return last != points_.rend() && last->point.id == of.point.id;
}

bool VaultState::is_held(const PointId& id) const {
  return std::ranges::any_of(holds_, [&](const Hold& hold) { return hold.point == id; });
}

bool VaultState::is_full(const AuthorKey& author) const {
  const auto key = keys_.find(author);
  return key != keys_.end() && key->second.rights == Rights::full;
}

bool VaultState::signs_as_full(const AuthorKey& author) const {
  const auto key = keys_.find(author);
  return key != keys_.end() && key->second.rights == Rights::full && !key->second.ended;
}

const VaultPoint* VaultState::find(const PointId& id) const {
  const auto found =
      std::ranges::find_if(points_, [&](const VaultPoint& each) { return each.point.id == id; });
  return found == points_.end() ? nullptr : &*found;
}

VaultPoint* VaultState::find_mutable(const PointId& id) {
  const auto found =
      std::ranges::find_if(points_, [&](const VaultPoint& each) { return each.point.id == id; });
  return found == points_.end() ? nullptr : &*found;
}

std::uint64_t VaultState::trimmed_to(const ArchiveId& archive, std::uint32_t timeline) const {
  const auto trim = std::ranges::find_if(trims_, [&](const Trim& each) {
    return each.archive == archive && each.timeline == timeline;
  });
  return trim == trims_.end() ? 0 : trim->position;
}

void VaultState::condemn(const PackRange& range, Time label) {
  const auto session = packs_.find(range.session);
  if (session == packs_.end()) return;
  PackNumbers& numbers = session->second.of(range.kind);
  // Only what is in force leaves it.
  PackNumbers left = numbers;
  left.remove(range.first, range.last);
  PackNumbers gone = numbers;
  for (const PackNumbers::Range& kept : left.ranges()) gone.remove(kept.first, kept.last);
  for (const PackNumbers::Range& part : gone.ranges()) {
    condemned_.push_back(
        {{range.session, range.kind, part.first, part.last}, session->second.nonce, label});
  }
  numbers = std::move(left);
  if (session->second.empty()) packs_.erase(session);
}

void VaultState::drop_old_condemned(Time label) {
  // A label may be any number.
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  if (label.ns < kLeast + kCondemnedListedNs) return;
  const std::int64_t oldest = label.ns - kCondemnedListedNs;
  std::erase_if(condemned_, [&](const CondemnedPacks& each) { return each.label.ns < oldest; });
}

bool VaultState::is_in_force(const PackName& pack) const {
  const auto packs = packs_.find(pack.session);
  return packs != packs_.end() && packs->second.nonce == pack.nonce &&
         packs->second.of(pack.kind).contains(pack.number);
}

/// Only the `end` of an open session brings packs into force: neither a session that has ended nor
/// a name that fits none ever does.
bool VaultState::is_garbage(const PackName& pack, PackSeen seen) const {
  if (seen == PackSeen::later && pack.session > number_) return false;
  const auto open = open_.find(pack.session);
  const bool may_come = open != open_.end() && open->second.nonce == pack.nonce;
  return !may_come && !is_in_force(pack);
}

}  // namespace salvor::repo
