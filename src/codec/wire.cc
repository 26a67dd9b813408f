#include "codec/wire.h"

namespace salvor::codec {

void WireWriter::field_number(std::uint32_t number, std::uint64_t value) {
  WireWriter content;
  content.varint(value);
  field(number, content.view());
}

std::uint64_t WireReader::long_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint64_t byte = u8();
    const std::uint64_t bits = byte & 0x7FU;
    // One value has one encoding: no bits above the 64th, no zero byte at the end.
    if (shift == 63 && bits > 1) break;
    value |= bits << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift != 0) break;
      return value;
    }
  }
  fail("has a malformed varint");
}

std::uint64_t WireReader::varint_max(std::uint64_t most) {
  const std::uint64_t value = varint();
  if (value > most) fail("has a number above its limit");
  return value;
}

std::optional<WireReader::Field> WireReader::next_field() {
  if (at_end()) return std::nullopt;
  const std::uint32_t number = varint32();
  return Field{number, bytes()};
}

void WireReader::expect_end() const {
  if (!at_end()) fail("has bytes after its end");
}

void WireReader::fail(std::string_view how) const {
  throw Error(ErrorCode::corruption, std::string(what_) + " " + std::string(how) + " (at byte " +
                                         std::to_string(at_) + " of " + std::to_string(in_.size()) +
                                         ")");
}

std::uint64_t number_of(const WireReader::Field& field, std::string_view what) {
  WireReader reader(field.content, what);
  const std::uint64_t value = reader.varint();
  reader.expect_end();
  return value;
}

}  // namespace salvor::codec
