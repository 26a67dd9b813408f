#include "codec/wire.h"

#include <gtest/gtest.h>

#include <limits>

#include "testing/hex.h"
#include "testing/seeded_rng.h"

namespace salvor::codec {
namespace {

using testing::unhex;

using TestId = Id<struct TestTag, 4>;

/// Runs `read` over the bytes, and gives the message of the corruption that it must raise.
template <class Read>
std::string corruption(std::string_view hex, Read read) {
  const Bytes bytes = unhex(hex);
  WireReader reader(bytes, "the test object");
  try {
    read(reader);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corruption);
    return error.message();
  }
  ADD_FAILURE() << hex << " was accepted";
  return {};
}

TEST(Wire, IntegersAreLittleEndian) {
  WireWriter writer;
  writer.u8(0xFE);
  writer.u32(0x01020304);
  writer.u64(0x0102030405060708);
  EXPECT_EQ(to_hex(writer.view()), "fe040302010807060504030201");
  WireReader reader(writer.view(), "test");
  EXPECT_EQ(reader.u8(), 0xFE);
  EXPECT_EQ(reader.u32(), 0x01020304U);
  EXPECT_EQ(reader.u64(), 0x0102030405060708U);
  EXPECT_TRUE(reader.at_end());
}

TEST(Wire, VarintsAreLeb128) {
  const std::pair<std::uint64_t, std::string_view> known[] = {
      {0, "00"},
      {1, "01"},
      {127, "7f"},
      {128, "8001"},
      {300, "ac02"},
      {16383, "ff7f"},
      {16384, "808001"},
      {624485, "e58e26"},
      {0xFFFFFFFF, "ffffffff0f"},
      {~0ULL >> 1U, "ffffffffffffffff7f"},
      {1ULL << 63U, "80808080808080808001"},
      {~0ULL, "ffffffffffffffffff01"},
  };
  for (const auto& [value, hex] : known) {
    WireWriter writer;
    writer.varint(value);
    EXPECT_EQ(to_hex(writer.view()), hex);
    WireReader reader(writer.view(), "test");
    EXPECT_EQ(reader.varint(), value);
    EXPECT_TRUE(reader.at_end());
  }
}

TEST(Wire, ZigzagKeepsSmallMagnitudesShort) {
  const std::pair<std::int64_t, std::string_view> known[] = {
      {0, "00"},
      {-1, "01"},
      {1, "02"},
      {-2, "03"},
      {63, "7e"},
      {-64, "7f"},
      {64, "8001"},
      {std::numeric_limits<std::int64_t>::max(), "feffffffffffffffff01"},
      {std::numeric_limits<std::int64_t>::min(), "ffffffffffffffffff01"},
  };
  for (const auto& [value, hex] : known) {
    WireWriter writer;
    writer.zigzag(value);
    EXPECT_EQ(to_hex(writer.view()), hex);
    WireReader reader(writer.view(), "test");
    EXPECT_EQ(reader.zigzag(), value);
  }
}

TEST(Wire, EveryVarintOfRandomBytesIsTheOneThatTheWriterMakes) {
  testing::SeededRng rng(testing::test_seed());
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = rng.bytes(1 + rng.below(11));
    // Long ones would be too rare.
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) bytes[i] |= std::byte{0x80};
    WireReader reader(bytes, "test");
    try {
      WireWriter writer;
      writer.varint(reader.varint());
      EXPECT_EQ(to_hex(writer.view()), to_hex(ByteView(bytes).first(reader.offset())));
      ++accepted;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corruption);
    }
  }
  EXPECT_GT(accepted, 1000);
}

TEST(Wire, MalformedVarintsAreRefused) {
  const auto varint = [](WireReader& reader) { reader.varint(); };
  for (const std::string_view hex :
       {"8000", "ff00", "80808000",           // a zero byte at the end: not the shortest
        "ffffffffffffffffff02",               // a 65th bit
        "ffffffffffffffffff7f",               //
        "8080808080808080808001",             // 11 bytes
        "ffffffffffffffffffffffffffffff"}) {  // without an end
    EXPECT_NE(corruption(hex, varint).find("malformed varint"), std::string::npos) << hex;
  }
  for (const std::string_view hex : {"", "80", "ffff", "ffffffffffffffffff"}) {
    EXPECT_NE(corruption(hex, varint).find("ends too early"), std::string::npos) << hex;
  }
}

TEST(Wire, LimitsAreInclusive) {
  const Bytes bytes = unhex("ac02");
  EXPECT_EQ(WireReader(bytes, "test").varint_max(300), 300U);
  const std::string message =
      corruption("ac02", [](WireReader& reader) { reader.varint_max(299); });
  EXPECT_EQ(message, "the test object has a number above its limit (at byte 2 of 2)");
  const Bytes largest = unhex("ffffffff0f");
  EXPECT_EQ(WireReader(largest, "test").varint32(), 0xFFFFFFFFU);
  corruption("8080808010", [](WireReader& reader) { reader.varint32(); });
}

TEST(Wire, ByteStringsAndIds) {
  WireWriter writer;
  writer.bytes({});
  writer.text("text");
  writer.id(TestId::parse("01020304").value());
  writer.raw(as_bytes("raw"));
  EXPECT_EQ(to_hex(writer.view()),
            "00"
            "0474657874"
            "01020304"
            "726177");
  WireReader reader(writer.view(), "test");
  EXPECT_TRUE(reader.bytes().empty());
  EXPECT_EQ(reader.text(), "text");
  EXPECT_EQ(reader.id<TestId>().hex(), "01020304");
  EXPECT_EQ(reader.left(), 3U);
  EXPECT_EQ(as_text(reader.raw(3)), "raw");
  reader.expect_end();
}

TEST(Wire, LengthsAreComparedWithWhatIsThere) {
  corruption("04616263", [](WireReader& reader) { reader.bytes(); });
  corruption("ffffffffffffffffff01", [](WireReader& reader) { reader.bytes(); });
  corruption("ffffffffffffffff7f", [](WireReader& reader) { reader.text(); });
  corruption("0361626364", [](WireReader& reader) { reader.bytes(2); });
  corruption("010203", [](WireReader& reader) { reader.u32(); });
  corruption("01020304050607", [](WireReader& reader) { reader.u64(); });
  corruption("010203", [](WireReader& reader) { reader.id<TestId>(); });
  corruption("", [](WireReader& reader) { reader.u8(); });
}

TEST(Wire, ErrorsNameTheObjectAndThePlace) {
  const std::string message = corruption("0102", [](WireReader& reader) {
    reader.u8();
    reader.expect_end();
  });
  EXPECT_EQ(message, "the test object has bytes after its end (at byte 1 of 2)");
}

TEST(Wire, MessagesAreFieldsUntilTheEnd) {
  WireWriter writer;
  writer.field(1, std::string_view("one"));
  writer.field_number(300, 300);
  writer.field(2, ByteView{});
  writer.field(1, std::string_view("again"));
  WireReader reader(writer.view(), "test");
  auto field = reader.next_field();
  ASSERT_TRUE(field.has_value());
  EXPECT_EQ(field->number, 1U);
  EXPECT_EQ(as_text(field->content), "one");
  field = reader.next_field();
  ASSERT_TRUE(field.has_value());
  EXPECT_EQ(field->number, 300U);
  EXPECT_EQ(number_of(*field, "test"), 300U);
  field = reader.next_field();
  ASSERT_TRUE(field.has_value());
  EXPECT_TRUE(field->content.empty());
  EXPECT_THROW(number_of(*field, "test"), Error);
  field = reader.next_field();
  ASSERT_TRUE(field.has_value());
  EXPECT_EQ(as_text(field->content), "again");
  EXPECT_THROW(number_of(*field, "test"), Error) << "bytes after the number";
  EXPECT_FALSE(reader.next_field().has_value());
}

TEST(Wire, BrokenMessagesAreRefused) {
  const auto field = [](WireReader& reader) { reader.next_field(); };
  corruption("01", field);            // no content
  corruption("0105616263", field);    // too short for its length
  corruption("808080801000", field);  // a number above 32 bits
  corruption("800000", field);        // a number that is not in its shortest form
}

TEST(Wire, ViewsLookIntoTheInput) {
  const Bytes bytes = unhex("03616263");
  WireReader reader(bytes, "test");
  EXPECT_EQ(reader.bytes().data(), bytes.data() + 1);
}

TEST(Wire, AWriterIsUsedAgain) {
  WireWriter writer;
  writer.u32(1);
  EXPECT_EQ(writer.size(), 4U);
  writer.clear();
  EXPECT_EQ(writer.size(), 0U);
  writer.u8(7);
  EXPECT_EQ(to_hex(writer.take()), "07");
}

}  // namespace
}  // namespace salvor::codec
