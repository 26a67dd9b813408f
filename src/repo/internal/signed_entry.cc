#include "repo/internal/signed_entry.h"

#include <functional>

#include "base/error.h"
#include "repo/internal/fields.h"

namespace salvor::repo {
namespace {

using codec::number_of;
using codec::WireReader;
using codec::WireWriter;

constexpr std::string_view kEntryWhat = "a log entry";
constexpr std::string_view kSignedAs = "salvor log entry 1";

/// The numbers of docs/vaults.md.
enum class EntryKind : std::uint64_t {
  begin = 1,
  end = 2,
  forget = 3,
  mark = 4,
  key = 5,
  epoch = 6,
  closed = 7,
};

/// A body of a kind that is known, and that can't be: the entry has no effect.
[[noreturn]] void refuse(std::string_view why) {
  throw Error(ErrorCode::corruption, std::string(kEntryWhat) + " " + std::string(why));
}

struct Encoder {
  WireWriter out;

  EntryKind operator()(const Begin& begin) {
    out.field(1, begin.host);
    out.field(2, begin.process);
    return EntryKind::begin;
  }
  EntryKind operator()(const End& end) {
    out.field_number(1, end.session);
    for (const PackRange& range : end.packs) out.field(2, encode(range));
    for (const PackRange& range : end.condemned) out.field(3, encode(range));
    if (end.point) out.field(4, encode(*end.point));
    for (const WalSpan& span : end.spans) out.field(5, encode(span));
    return EntryKind::end;
  }
  EntryKind operator()(const Forget& forget) {
    for (const PointId& point : forget.points) out.field(1, point.bytes());
    for (const Trim& trim : forget.trims) out.field(2, encode(trim));
    out.field_number(3, static_cast<std::uint64_t>(forget.why));
    return EntryKind::forget;
  }
  EntryKind operator()(const Mark& mark) {
    out.field_number(1, static_cast<std::uint64_t>(mark.kind));
    for (const PointId& point : mark.points) out.field(2, point.bytes());
    out.field(3, mark.holder);
    return EntryKind::mark;
  }
  EntryKind operator()(const KeyChange& change) {
    out.field(1, change.key.bytes());
    out.field(2, change.host);
    out.field_number(3, change.ended ? 1 : 0);
    return EntryKind::key;
  }
  EntryKind operator()(const EpochChange& change) {
    out.field_number(1, change.epoch);
    out.field_number(2, change.features.to_read);
    out.field_number(3, change.features.to_write);
    out.field(4, change.full_key.bytes());
    return EntryKind::epoch;
  }
  EntryKind operator()(const Closed& /*closed*/) { return EntryKind::closed; }
  EntryKind operator()(const UnknownEntry& unknown) { return static_cast<EntryKind>(unknown.kind); }
};

std::string short_text_in(const WireReader::Field& field) {
  if (field.content.size() > kEntryTextBytesMax) refuse("has a text that is too long");
  return text_in(field);
}

/// Packs and points are listed in order, so that reading a long list takes no time to speak of.
template <class Value, class Follows>
void add_in_order(std::vector<Value>& list, Value value, Follows follows) {
  if (!list.empty() && !follows(list.back(), value)) refuse("has a list that is not in order");
  list.push_back(std::move(value));
}

bool range_follows(const PackRange& before, const PackRange& after) {
  if (before.session != after.session) return before.session < after.session;
  if (before.kind != after.kind) return before.kind < after.kind;
  return after.first > before.last && after.first - before.last > 1;
}

Begin read_begin(ByteView content) {
  Begin begin;
  WireReader reader(content, kEntryWhat);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) begin.host = short_text_in(*field);
    if (field->number == 2) begin.process = short_text_in(*field);
  }
  return begin;
}

End read_end(ByteView content) {
  End end;
  WireReader reader(content, kEntryWhat);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) end.session = number_of(*field, kEntryWhat);
    if (field->number == 2) {
      add_in_order(end.packs, decode_pack_range(field->content, kEntryWhat), range_follows);
    }
    if (field->number == 3) {
      add_in_order(end.condemned, decode_pack_range(field->content, kEntryWhat), range_follows);
    }
    if (field->number == 4) {
      end.point = decode_point(field->content);
      end.point_bytes = to_bytes(field->content);
    }
    if (field->number == 5) end.spans.push_back(decode_wal_span(field->content, kEntryWhat));
  }
  return end;
}

Forget decode_forget(ByteView content) {
  Forget forget;
  WireReader reader(content, kEntryWhat);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) {
      add_in_order(forget.points, id_in<PointId>(*field, kEntryWhat), std::less());
    }
    if (field->number == 2) forget.trims.push_back(decode_trim(field->content, kEntryWhat));
    if (field->number == 3) {
      const std::uint64_t why = number_of(*field, kEntryWhat);
      if (why < 1 || why > 3) refuse("forgets for a reason that is not known");
      forget.why = static_cast<ForgetWhy>(why);
    }
  }
  return forget;
}

Mark decode_mark(ByteView content) {
  Mark mark;
  WireReader reader(content, kEntryWhat);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) {
      const std::uint64_t kind = number_of(*field, kEntryWhat);
      if (kind < 1 || kind > 6) refuse("makes a mark that is not known");
      mark.kind = static_cast<MarkKind>(kind);
    }
    if (field->number == 2) {
      add_in_order(mark.points, id_in<PointId>(*field, kEntryWhat), std::less());
    }
    if (field->number == 3) mark.holder = short_text_in(*field);
  }
  return mark;
}

KeyChange decode_key(ByteView content) {
  KeyChange change;
  WireReader reader(content, kEntryWhat);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) change.key = id_in<AuthorKey>(*field, kEntryWhat);
    if (field->number == 2) change.host = short_text_in(*field);
    if (field->number == 3) change.ended = number_of(*field, kEntryWhat) != 0;
  }
  return change;
}

EpochChange decode_epoch(ByteView content) {
  EpochChange change;
  WireReader reader(content, kEntryWhat);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) change.epoch = number32_in(*field, kEntryWhat);
    if (field->number == 2) change.features.to_read = number_of(*field, kEntryWhat);
    if (field->number == 3) change.features.to_write = number_of(*field, kEntryWhat);
    if (field->number == 4) change.full_key = id_in<AuthorKey>(*field, kEntryWhat);
  }
  return change;
}

EntryBody decode_body(std::uint64_t kind, ByteView content) {
  switch (static_cast<EntryKind>(kind)) {
    case EntryKind::begin:
      return read_begin(content);
    case EntryKind::end:
      return read_end(content);
    case EntryKind::forget:
      return decode_forget(content);
    case EntryKind::mark:
      return decode_mark(content);
    case EntryKind::key:
      return decode_key(content);
    case EntryKind::epoch:
      return decode_epoch(content);
    case EntryKind::closed:
      return Closed{};
  }
  return UnknownEntry{kind};
}

SignedEntry decode_signed_part(ByteView part) {
  SignedEntry entry;
  std::uint64_t kind = 0;
  ByteView body;
  WireReader reader(part, kEntryWhat);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) entry.nonce = id_in<EntryNonce>(*field, kEntryWhat);
    if (field->number == 2) entry.label = time_in(*field, kEntryWhat);
    if (field->number == 3) entry.epoch = number32_in(*field, kEntryWhat);
    if (field->number == 4) entry.before = digest_in(*field, kEntryWhat);
    if (field->number == 5) entry.author = id_in<AuthorKey>(*field, kEntryWhat);
    if (field->number == 6) kind = number_of(*field, kEntryWhat);
    if (field->number == 7) body = field->content;
  }
  entry.body = decode_body(kind, body);
  return entry;
}

struct SignedBytes {
  ByteView part;
  ByteView signature;
};

/// Empty when the bytes are too short for any entry.
std::optional<SignedBytes> split_signed(ByteView bytes) {
  if (bytes.size() < codec::kSignatureBytes) return std::nullopt;
  const std::size_t part = bytes.size() - codec::kSignatureBytes;
  return SignedBytes{bytes.first(part), bytes.subspan(part)};
}

Bytes to_sign(const LogId& log, std::uint64_t number, ByteView part) {
  WireWriter writer;
  writer.text(kSignedAs);
  writer.id(log.repository);
  writer.id(log.vault);
  writer.u64(number);
  writer.raw(part);
  return writer.take();
}

}  // namespace

Bytes sign_entry(const LogId& log, std::uint64_t number, const SignedEntry& entry,
                 const codec::SigningKey& key) {
  Encoder encoder;
  const EntryKind kind = std::visit(encoder, entry.body);
  WireWriter writer;
  writer.field(1, entry.nonce.bytes());
  put_time(writer, 2, entry.label);
  writer.field_number(3, entry.epoch);
  writer.field(4, entry.before);
  writer.field(5, entry.author.bytes());
  writer.field_number(6, static_cast<std::uint64_t>(kind));
  writer.field(7, encoder.out.view());
  return sign_part(log, number, writer.view(), key);
}

Bytes sign_part(const LogId& log, std::uint64_t number, ByteView part,
                const codec::SigningKey& key) {
  Bytes bytes = to_bytes(part);
  const Bytes signature = key.sign(to_sign(log, number, part));
  bytes.insert(bytes.end(), signature.begin(), signature.end());
  return bytes;
}

codec::Digest digest_of_log(const codec::Digest& before, ByteView entry) {
  codec::Sha256Stream stream;
  stream.add(before);
  stream.add(entry);
  return stream.finish();
}

std::optional<SignedEntry> read_entry(ByteView bytes) {
  const auto parts = split_signed(bytes);
  if (!parts || bytes.size() > kEntryBytesMax) return std::nullopt;
  try {
    return decode_signed_part(parts->part);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool is_signed(const LogId& log, std::uint64_t number, ByteView bytes, const AuthorKey& author) {
  const auto parts = split_signed(bytes);
  return parts && codec::verify_signature(to_sign(log, number, parts->part), parts->signature,
                                          author.bytes());
}

Bytes encode(const PackRange& range) {
  WireWriter writer;
  writer.varint(range.session);
  writer.u8(static_cast<std::uint8_t>(range.kind));
  writer.varint(range.first);
  writer.varint(range.last);
  return writer.take();
}

PackRange decode_pack_range(ByteView content, std::string_view what) {
  WireReader reader(content, what);
  PackRange range;
  range.session = reader.varint();
  const std::uint8_t kind = reader.u8();
  if (kind != static_cast<std::uint8_t>(PackKind::data) &&
      kind != static_cast<std::uint8_t>(PackKind::tree)) {
    reader.fail("names packs of a kind that is not known");
  }
  range.kind = static_cast<PackKind>(kind);
  range.first = reader.varint32();
  range.last = reader.varint32();
  reader.expect_end();
  if (range.session == 0 || range.first > range.last) reader.fail("names an impossible range");
  return range;
}

Bytes encode(const WalSpan& span) {
  WireWriter writer;
  writer.id(span.archive);
  writer.varint(span.timeline);
  writer.varint(span.from);
  writer.varint(span.to);
  return writer.take();
}

WalSpan decode_wal_span(ByteView content, std::string_view what) {
  WireReader reader(content, what);
  WalSpan span;
  span.archive = reader.id<ArchiveId>();
  span.timeline = reader.varint32();
  span.from = reader.varint();
  span.to = reader.varint();
  reader.expect_end();
  if (span.from > span.to) reader.fail("names an impossible span of WAL");
  return span;
}

Bytes encode(const Trim& trim) {
  WireWriter writer;
  writer.id(trim.archive);
  writer.varint(trim.timeline);
  writer.varint(trim.position);
  return writer.take();
}

Trim decode_trim(ByteView content, std::string_view what) {
  WireReader reader(content, what);
  Trim trim;
  trim.archive = reader.id<ArchiveId>();
  trim.timeline = reader.varint32();
  trim.position = reader.varint();
  reader.expect_end();
  return trim;
}

}  // namespace salvor::repo
