#include <algorithm>

#include "base/error.h"
#include "codec/wire.h"
#include "fixed_keys.h"

namespace {

using namespace salvor;

/// Reads one value, and checks that what was consumed is just how a writer puts it.
void read_one(codec::WireReader& reader, ByteView all, unsigned what) {
  const std::size_t from = reader.offset();
  codec::WireWriter writer;
  switch (what % 8) {
    case 0:
      writer.u8(reader.u8());
      break;
    case 1:
      writer.u32(reader.u32());
      break;
    case 2:
      writer.u64(reader.u64());
      break;
    case 3:
      writer.varint(reader.varint());
      break;
    case 4:
      writer.zigzag(reader.zigzag());
      break;
    case 5:
      writer.varint(reader.varint32());
      break;
    case 6:
      writer.bytes(reader.bytes(1000));
      break;
    default:
      if (const auto field = reader.next_field()) writer.field(field->number, field->content);
      break;
  }
  const ByteView consumed = all.subspan(from, reader.offset() - from);
  SALVOR_ASSERT(
      std::equal(consumed.begin(), consumed.end(), writer.view().begin(), writer.view().end()));
}

}  // namespace

/// Any bytes, read as any values: the first byte counts those that say which.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t steps = std::min<std::size_t>(data[0], size - 1);
  const ByteView bytes = fuzz::input(data, size).subspan(1 + steps);
  codec::WireReader reader(bytes, "fuzz");
  try {
    for (std::size_t i = 0; i < steps; ++i) read_one(reader, bytes, data[1 + i]);
    reader.expect_end();
  } catch (const Error& error) {
    SALVOR_ASSERT(error.code() == ErrorCode::corruption);
  }
  SALVOR_ASSERT(reader.offset() <= bytes.size());
  return 0;
}
