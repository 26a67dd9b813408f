#include "repo/point.h"

#include <algorithm>

#include "codec/wire.h"
#include "repo/format.h"
#include "repo/internal/fields.h"

namespace salvor::repo {
namespace {

using codec::number_of;
using codec::WireReader;
using codec::WireWriter;

constexpr std::string_view kPointWhat = "the description of a recovery point";

Bytes encode_pair(ByteView first, std::string_view second) {
  WireWriter writer;
  writer.field(1, first);
  writer.field(2, second);
  return writer.take();
}

struct Pair {
  Bytes first;
  std::string second;
};

Pair decode_pair(ByteView bytes) {
  Pair pair;
  WireReader reader(bytes, kPointWhat);
  while (const auto field = reader.next_field()) {
    if (field->number == 1) pair.first = to_bytes(field->content);
    if (field->number == 2) pair.second = std::string(as_text(field->content));
  }
  return pair;
}

Bytes encode_snapshot(const Snapshot& snapshot) {
  WireWriter writer;
  writer.field(1, snapshot.store);
  writer.field(2, snapshot.type);
  put_time(writer, 3, snapshot.time);
  writer.field(4, snapshot.root.bytes());
  writer.field_number(5, snapshot.records);
  writer.field_number(6, snapshot.content_bytes);
  for (const auto& [name, value] : snapshot.facts) {
    writer.field(7, encode_pair(as_bytes(name), value));
  }
  for (const Missing& missing : snapshot.missing) {
    writer.field(8, encode_pair(missing.key, missing.reason));
  }
  writer.field_number(9, snapshot.bytes_read);
  writer.field_number(10, snapshot.bytes_stored);
  put_time(writer, 11, Time{snapshot.duration_ns});
  writer.field_number(12, snapshot.entries);
  writer.field_number(13, snapshot.sockets_skipped);
  if (snapshot.missing_more != 0) writer.field_number(14, snapshot.missing_more);
  for (const std::string& suspicion : snapshot.suspicions) writer.field(15, suspicion);
  for (const std::string& remark : snapshot.remarks) writer.field(16, remark);
  return writer.take();
}

Snapshot decode_snapshot(ByteView bytes) {
  Snapshot snapshot;
  WireReader reader(bytes, kPointWhat);
  while (const auto field = reader.next_field()) {
    switch (field->number) {
      case 1:
        snapshot.store = std::string(as_text(field->content));
        break;
      case 2:
        snapshot.type = std::string(as_text(field->content));
        break;
      case 3:
        snapshot.time = time_in(*field, kPointWhat);
        break;
      case 4:
        snapshot.root = id_in<ChunkId>(*field, kPointWhat);
        break;
      case 5:
        snapshot.records = number_of(*field, kPointWhat);
        break;
      case 6:
        snapshot.content_bytes = number_of(*field, kPointWhat);
        break;
      case 7: {
        Pair pair = decode_pair(field->content);
        snapshot.facts[std::string(as_text(pair.first))] = std::move(pair.second);
        break;
      }
      case 8: {
        Pair pair = decode_pair(field->content);
        snapshot.missing.push_back({std::move(pair.first), std::move(pair.second)});
        break;
      }
      case 9:
        snapshot.bytes_read = number_of(*field, kPointWhat);
        break;
      case 10:
        snapshot.bytes_stored = number_of(*field, kPointWhat);
        break;
      case 11:
        snapshot.duration_ns = time_in(*field, kPointWhat).ns;
        break;
      case 12:
        snapshot.entries = number_of(*field, kPointWhat);
        break;
      case 13:
        snapshot.sockets_skipped = number_of(*field, kPointWhat);
        break;
      case 14:
        snapshot.missing_more = number_of(*field, kPointWhat);
        break;
      case 15:
        snapshot.suspicions.emplace_back(as_text(field->content));
        break;
      case 16:
        snapshot.remarks.emplace_back(as_text(field->content));
        break;
      default:
        break;
    }
  }
  if (snapshot.store.empty() || snapshot.root.is_zero()) reader.fail("lacks a store or its root");
  return snapshot;
}

/// Keeps the first sentences, and of each its beginning.
void bound_sentences(std::vector<std::string>& sentences) {
  if (sentences.size() > kSentencesMax) sentences.resize(kSentencesMax);
  for (std::string& sentence : sentences) {
    if (sentence.size() > kSentenceBytesMax) sentence.resize(kSentenceBytesMax);
  }
}

}  // namespace

bool Point::is_safety_snapshot() const {
  const auto purpose = facts.find("purpose");
  return purpose != facts.end() && purpose->second == "safety";
}

bool Point::is_partial() const {
  const auto partial = facts.find("partial");
  return partial != facts.end() && partial->second == "yes";
}

bool Point::is_suspect() const {
  if (accepted || is_safety_snapshot()) return false;
  return std::any_of(snapshots.begin(), snapshots.end(),
                     [](const Snapshot& snapshot) { return !snapshot.suspicions.empty(); });
}

std::string_view Point::state() const {
  if (is_safety_snapshot()) return "safety";
  if (is_suspect()) return "suspect";
  return is_partial() ? "partial" : "good";
}

std::string Point::host() const {
  const auto host = facts.find("host");
  return host == facts.end() ? std::string() : host->second;
}

const Snapshot* Point::find(std::string_view store) const {
  for (const Snapshot& snapshot : snapshots) {
    if (snapshot.store == store) return &snapshot;
  }
  return nullptr;
}

void bound_lists(Snapshot& snapshot) {
  bound_sentences(snapshot.suspicions);
  bound_sentences(snapshot.remarks);
  std::size_t listed = 0;
  std::size_t bytes = 0;
  for (const Missing& missing : snapshot.missing) {
    bytes += missing.key.size() + missing.reason.size();
    if (listed == kMissingListedMax || bytes > kMissingBytesMax) break;
    ++listed;
  }
  snapshot.missing_more += snapshot.missing.size() - listed;
  snapshot.missing.resize(listed);
}

Bytes encode(const Point& point) {
  WireWriter writer;
  writer.field(1, point.id.bytes());
  writer.field(2, point.service);
  put_time(writer, 3, point.time);
  for (const Snapshot& snapshot : point.snapshots) writer.field(4, encode_snapshot(snapshot));
  writer.field(5, point.version);
  for (const auto& [name, value] : point.facts) {
    writer.field(6, encode_pair(as_bytes(name), value));
  }
  return writer.take();
}

Point decode_point(ByteView bytes) {
  Point point;
  WireReader reader(bytes, kPointWhat);
  while (const auto field = reader.next_field()) {
    switch (field->number) {
      case 1:
        point.id = id_in<PointId>(*field, kPointWhat);
        break;
      case 2:
        point.service = std::string(as_text(field->content));
        break;
      case 3:
        point.time = time_in(*field, kPointWhat);
        break;
      case 4:
        point.snapshots.push_back(decode_snapshot(field->content));
        break;
      case 5:
        point.version = std::string(as_text(field->content));
        break;
      case 6: {
        Pair pair = decode_pair(field->content);
        point.facts[std::string(as_text(pair.first))] = std::move(pair.second);
        break;
      }
      default:
        break;
    }
  }
  if (point.id.is_zero() || point.service.empty()) reader.fail("lacks its id or its service");
  return point;
}

}  // namespace salvor::repo
