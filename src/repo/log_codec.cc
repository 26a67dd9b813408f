#include <fmt/format.h>

#include <algorithm>

#include "codec/wire.h"
#include "repo/internal/log.h"

namespace salvor::repo {
namespace {

using codec::number_of;
using codec::WireReader;
using codec::WireWriter;

constexpr std::string_view kLog = "log/";
constexpr std::string_view kCheckpoint = "checkpoint/";
constexpr std::size_t kDigits = 16;

std::string numbered(std::string_view prefix, std::uint64_t sequence) {
  return fmt::format("{}{:016}", prefix, sequence);
}

Bytes zigzag(std::int64_t value) {
  WireWriter writer;
  writer.zigzag(value);
  return writer.take();
}

template <class SomeId>
SomeId id_of(const WireReader::Field& field, std::string_view name) {
  WireReader reader(field.content, name);
  const auto id = reader.id<SomeId>();
  reader.expect_end();
  return id;
}

codec::Digest digest_of(const WireReader::Field& field, std::string_view name) {
  codec::Digest digest{};
  WireReader reader(field.content, name);
  const ByteView bytes = reader.raw(digest.size());
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  reader.expect_end();
  return digest;
}

std::int64_t zigzag_of(const WireReader::Field& field, std::string_view name) {
  WireReader reader(field.content, name);
  const std::int64_t value = reader.zigzag();
  reader.expect_end();
  return value;
}

Bytes encode_open_session(const OpenSession& session) {
  WireWriter writer;
  writer.field(1, session.session.bytes());
  writer.field(2, session.process);
  writer.field(3, zigzag(session.time.ns));
  writer.field(4, session.host);
  writer.field_number(5, session.committed ? 1 : 0);
  return writer.take();
}

OpenSession decode_open_session(ByteView content, std::string_view name) {
  OpenSession session;
  WireReader reader(content, name);
  while (const auto field = reader.next_field()) {
    switch (field->number) {
      case 1:
        session.session = id_of<SessionId>(*field, name);
        break;
      case 2:
        session.process = std::string(as_text(field->content));
        break;
      case 3:
        session.time.ns = zigzag_of(*field, name);
        break;
      case 4:
        session.host = std::string(as_text(field->content));
        break;
      case 5:
        session.committed = number_of(*field, name) != 0;
        break;
      default:
        break;
    }
  }
  return session;
}

}  // namespace

std::string log_name(std::uint64_t sequence) {
  return numbered(kLog, sequence);
}
std::string checkpoint_name(std::uint64_t sequence) {
  return numbered(kCheckpoint, sequence);
}

std::optional<std::uint64_t> sequence_of_name(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix) || name.size() != prefix.size() + kDigits) return std::nullopt;
  std::uint64_t value = 0;
  for (const char digit : name.substr(prefix.size())) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return value;
}

Bytes encode(const LogEntry& entry) {
  WireWriter writer;
  writer.field(1, entry.nonce);
  writer.field(2, entry.before);
  writer.field(3, zigzag(entry.time.ns));
  writer.field_number(4, static_cast<std::uint64_t>(entry.type));
  writer.field(5, entry.host);
  if (!entry.session.is_zero()) writer.field(6, entry.session.bytes());
  if (!entry.process.empty()) writer.field(7, entry.process);
  if (entry.point) writer.field(8, encode(*entry.point));
  for (const IndexRunId& run : entry.runs) writer.field(9, run.bytes());
  for (const SlotId& slot : entry.slots) writer.field(10, slot.bytes());
  for (const IndexRunId& run : entry.withdrawn_runs) writer.field(12, run.bytes());
  if (entry.accepted) writer.field(13, entry.accepted->bytes());
  if (entry.type == EntryType::end) {
    writer.field_number(11, static_cast<std::uint64_t>(entry.result));
  }
  return writer.take();
}

LogEntry decode_entry(ByteView content, std::string_view name) {
  LogEntry entry;
  entry.type = EntryType{0};
  WireReader reader(content, name);
  while (const auto field = reader.next_field()) {
    switch (field->number) {
      case 1:
        entry.nonce = to_bytes(field->content);
        break;
      case 2:
        entry.before = digest_of(*field, name);
        break;
      case 3:
        entry.time.ns = zigzag_of(*field, name);
        break;
      case 4:
        entry.type = static_cast<EntryType>(number_of(*field, name));
        break;
      case 5:
        entry.host = std::string(as_text(field->content));
        break;
      case 6:
        entry.session = id_of<SessionId>(*field, name);
        break;
      case 7:
        entry.process = std::string(as_text(field->content));
        break;
      case 8:
        entry.point = decode_point(field->content);
        break;
      case 9:
        entry.runs.push_back(id_of<IndexRunId>(*field, name));
        break;
      case 10:
        entry.slots.push_back(id_of<SlotId>(*field, name));
        break;
      case 11:
        entry.result = static_cast<EndResult>(number_of(*field, name));
        break;
      case 12:
        entry.withdrawn_runs.push_back(id_of<IndexRunId>(*field, name));
        break;
      case 13:
        entry.accepted = id_of<PointId>(*field, name);
        break;
      default:
        break;
    }
  }
  const auto type = static_cast<std::uint64_t>(entry.type);
  const bool known = (type >= 1 && type <= 4) || entry.type == EntryType::accept;
  if (!known) {
    throw Error(ErrorCode::configuration,
                std::string(name) + " has type " + std::to_string(type) + ", expected 1 to 4, or 8",
                "a newer salvor has written to this repository: use it");
  }
  return entry;
}

Bytes encode(const LogState& state) {
  WireWriter writer;
  writer.field_number(1, state.sequence);
  writer.field(2, state.head);
  for (const Point& point : state.points) writer.field(3, encode(point));
  for (const IndexRunId& run : state.runs) writer.field(4, run.bytes());
  for (const OpenSession& session : state.sessions) writer.field(5, encode_open_session(session));
  for (const SlotId& slot : state.slots) writer.field(6, slot.bytes());
  if (state.first != 1) writer.field_number(7, state.first);
  for (const PointId& point : state.accepted) writer.field(8, point.bytes());
  return writer.take();
}

LogState decode_state(ByteView content, std::string_view name) {
  LogState state;
  WireReader reader(content, name);
  while (const auto field = reader.next_field()) {
    switch (field->number) {
      case 1:
        state.sequence = number_of(*field, name);
        break;
      case 2:
        state.head = digest_of(*field, name);
        break;
      case 3:
        state.points.push_back(decode_point(field->content));
        break;
      case 4:
        state.runs.push_back(id_of<IndexRunId>(*field, name));
        break;
      case 5:
        state.sessions.push_back(decode_open_session(field->content, name));
        break;
      case 6:
        state.slots.push_back(id_of<SlotId>(*field, name));
        break;
      case 7:
        state.first = number_of(*field, name);
        break;
      case 8:
        state.accepted.push_back(id_of<PointId>(*field, name));
        break;
      default:
        break;
    }
  }
  state.mark_accepted();
  return state;
}

}  // namespace salvor::repo
