#include <algorithm>

#include "repo/internal/fields.h"
#include "repo/internal/vault_state.h"

namespace salvor::repo {
namespace {

using codec::number_of;
using codec::WireReader;
using codec::WireWriter;

Bytes encode_key(const AuthorKey& key, const KnownKey& known) {
  WireWriter writer;
  writer.field(1, key.bytes());
  writer.field_number(2, static_cast<std::uint64_t>(known.rights));
  writer.field(3, known.host);
  writer.field_number(4, known.ended ? 1 : 0);
  return writer.take();
}

std::pair<AuthorKey, KnownKey> decode_known_key(ByteView content, std::string_view name) {
  std::pair<AuthorKey, KnownKey> result;
  WireReader reader(content, name);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) result.first = id_in<AuthorKey>(*field, name);
    if (field->number == 2) {
      const std::uint64_t rights = number_of(*field, name);
      if (rights < 1 || rights > 2) reader.fail("has a key of rights that are not known");
      result.second.rights = static_cast<Rights>(rights);
    }
    if (field->number == 3) result.second.host = text_in(*field);
    if (field->number == 4) result.second.ended = number_of(*field, name) != 0;
  }
  return result;
}

Bytes encode_session(SessionNumber number, const WritingSession& session) {
  WireWriter writer;
  writer.field_number(1, number);
  writer.field(2, session.nonce.bytes());
  writer.field(3, session.author.bytes());
  writer.field(4, session.who.host);
  writer.field(5, session.who.process);
  put_time(writer, 6, session.label);
  return writer.take();
}

std::pair<SessionNumber, WritingSession> decode_session(ByteView content, std::string_view name) {
  std::pair<SessionNumber, WritingSession> result;
  WireReader reader(content, name);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) result.first = number_of(*field, name);
    if (field->number == 2) result.second.nonce = id_in<EntryNonce>(*field, name);
    if (field->number == 3) result.second.author = id_in<AuthorKey>(*field, name);
    if (field->number == 4) result.second.who.host = text_in(*field);
    if (field->number == 5) result.second.who.process = text_in(*field);
    if (field->number == 6) result.second.label = time_in(*field, name);
  }
  return result;
}

Bytes encode_packs(SessionNumber number, const SessionPacks& packs) {
  WireWriter writer;
  writer.field_number(1, number);
  writer.field(2, packs.nonce.bytes());
  writer.field(3, packs.author.bytes());
  for (const PackKind kind : {PackKind::data, PackKind::tree}) {
    for (const PackNumbers::Range& range : packs.of(kind).ranges()) {
      writer.field(4, encode(PackRange{number, kind, range.first, range.last}));
    }
  }
  return writer.take();
}

std::pair<SessionNumber, SessionPacks> decode_packs(ByteView content, std::string_view name) {
  std::pair<SessionNumber, SessionPacks> result;
  WireReader reader(content, name);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) result.first = number_of(*field, name);
    if (field->number == 2) result.second.nonce = id_in<EntryNonce>(*field, name);
    if (field->number == 3) result.second.author = id_in<AuthorKey>(*field, name);
    if (field->number == 4) {
      const PackRange range = decode_pack_range(field->content, name);
      result.second.of(range.kind).add(range.first, range.last);
    }
  }
  return result;
}

Bytes encode_point(const VaultPoint& point) {
  WireWriter writer;
  writer.field(1, point.encoded);
  writer.field(2, point.author.bytes());
  for (const WalSpan& span : point.spans) writer.field(3, encode(span));
  writer.field_number(4, (point.point.accepted ? 1U : 0U) | (point.damaged ? 2U : 0U));
  return writer.take();
}

VaultPoint decode_vault_point(ByteView content, std::string_view name) {
  VaultPoint point;
  std::uint64_t marks = 0;
  WireReader reader(content, name);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) point.encoded = to_bytes(field->content);
    if (field->number == 2) point.author = id_in<AuthorKey>(*field, name);
    if (field->number == 3) point.spans.push_back(decode_wal_span(field->content, name));
    if (field->number == 4) marks = number_of(*field, name);
  }
  point.point = decode_point(point.encoded);
  point.point.accepted = (marks & 1U) != 0;
  point.damaged = (marks & 2U) != 0;
  return point;
}

Bytes encode_hold(const Hold& hold) {
  WireWriter writer;
  writer.field(1, hold.point.bytes());
  writer.field(2, hold.holder);
  writer.field(3, hold.author.bytes());
  return writer.take();
}

Hold decode_hold(ByteView content, std::string_view name) {
  Hold hold;
  WireReader reader(content, name);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) hold.point = id_in<PointId>(*field, name);
    if (field->number == 2) hold.holder = text_in(*field);
    if (field->number == 3) hold.author = id_in<AuthorKey>(*field, name);
  }
  return hold;
}

Bytes encode_condemned(const CondemnedPacks& packs) {
  WireWriter writer;
  writer.field(1, encode(packs.range));
  writer.field(2, packs.nonce.bytes());
  put_time(writer, 3, packs.label);
  return writer.take();
}

CondemnedPacks decode_condemned(ByteView content, std::string_view name) {
  CondemnedPacks packs;
  WireReader reader(content, name);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) packs.range = decode_pack_range(field->content, name);
    if (field->number == 2) packs.nonce = id_in<EntryNonce>(*field, name);
    if (field->number == 3) packs.label = time_in(*field, name);
  }
  return packs;
}

}  // namespace

Bytes encode(const VaultState& state) {
  WireWriter writer;
  writer.field_number(1, state.number_);
  writer.field(2, state.head_);
  writer.field(3, state.newest_entry_);
  writer.field_number(4, state.epoch_);
  writer.field_number(5, state.features_.to_read);
  writer.field_number(6, state.features_.to_write);
  writer.field_number(7, state.closed_ ? 1 : 0);
  for (const auto& [key, known] : state.keys_) writer.field(8, encode_key(key, known));
  for (const auto& [number, session] : state.open_) {
    writer.field(9, encode_session(number, session));
  }
  for (const auto& [number, packs] : state.packs_) writer.field(10, encode_packs(number, packs));
  for (const VaultPoint& point : state.points_) writer.field(11, encode_point(point));
  for (const Hold& hold : state.holds_) writer.field(12, encode_hold(hold));
  if (state.proven_) writer.field(13, state.proven_->bytes());
  for (const CondemnedPacks& packs : state.condemned_) writer.field(14, encode_condemned(packs));
  for (const Trim& trim : state.trims_) writer.field(15, encode(trim));
  writer.field(16, state.head_before_);
  writer.raw(state.unknown_);
  return writer.take();
}

VaultState decode_vault_state(const LogId& log, ByteView content, std::string_view name) {
  VaultState state(log);
  std::uint64_t closed = 0;
  WireWriter unknown;
  WireReader reader(content, name);
  while (const auto field = reader.next_field()) {
    switch (field->number) {
      case 1:
        state.number_ = number_of(*field, name);
        break;
      case 2:
        state.head_ = digest_in(*field, name);
        break;
      case 3:
        state.newest_entry_ = to_bytes(field->content);
        break;
      case 4:
        state.epoch_ = number32_in(*field, name);
        break;
      case 5:
        state.features_.to_read = number_of(*field, name);
        break;
      case 6:
        state.features_.to_write = number_of(*field, name);
        break;
      case 7:
        closed = number_of(*field, name);
        break;
      case 8:
        state.keys_.insert(decode_known_key(field->content, name));
        break;
      case 9:
        state.open_.insert(decode_session(field->content, name));
        break;
      case 10:
        state.packs_.insert(decode_packs(field->content, name));
        break;
      case 11:
        state.points_.push_back(decode_vault_point(field->content, name));
        break;
      case 12:
        state.holds_.push_back(decode_hold(field->content, name));
        break;
      case 13:
        state.proven_ = id_in<PointId>(*field, name);
        break;
      case 14:
        state.condemned_.push_back(decode_condemned(field->content, name));
        break;
      case 15:
        state.trims_.push_back(decode_trim(field->content, name));
        break;
      case 16:
        state.head_before_ = digest_in(*field, name);
        break;
      default:
        unknown.field(field->number, field->content);
        break;
    }
  }
  if (state.number_ == 0 || state.head_ != digest_of_log(state.head_before_, state.newest_entry_)) {
    reader.fail("does not have the entry that it ends with");
  }
  const bool authors_known = std::ranges::all_of(
      state.points_, [&](const VaultPoint& point) { return state.keys_.contains(point.author); });
  if (!authors_known) reader.fail("has a point whose author it does not know");
  state.closed_ = closed != 0;
  state.unknown_ = unknown.take();
  return state;
}

}  // namespace salvor::repo
