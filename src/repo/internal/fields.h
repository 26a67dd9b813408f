#pragma once

#include <algorithm>
#include <string_view>

#include "base/clock.h"
#include "codec/hash.h"
#include "codec/wire.h"

/// Values of more than one kind in the fields of messages (docs/vaults.md, "Encoding").
namespace salvor::repo {

inline void put_time(codec::WireWriter& writer, std::uint32_t number, Time time) {
  codec::WireWriter value;
  value.zigzag(time.ns);
  writer.field(number, value.view());
}

/// Errors, for all that read: corruption, naming `what`.
inline Time time_in(const codec::WireReader::Field& field, std::string_view what) {
  codec::WireReader reader(field.content, what);
  const Time time{reader.zigzag()};
  reader.expect_end();
  return time;
}

template <class SomeId>
SomeId id_in(const codec::WireReader::Field& field, std::string_view what) {
  codec::WireReader reader(field.content, what);
  const auto id = reader.id<SomeId>();
  reader.expect_end();
  return id;
}

inline codec::Digest digest_in(const codec::WireReader::Field& field, std::string_view what) {
  codec::Digest digest{};
  codec::WireReader reader(field.content, what);
  std::ranges::copy(reader.raw(digest.size()), digest.begin());
  reader.expect_end();
  return digest;
}

inline std::string text_in(const codec::WireReader::Field& field) {
  return std::string(as_text(field.content));
}

inline std::uint32_t number32_in(const codec::WireReader::Field& field, std::string_view what) {
  codec::WireReader reader(field.content, what);
  const std::uint32_t value = reader.varint32();
  reader.expect_end();
  return value;
}

}  // namespace salvor::repo
