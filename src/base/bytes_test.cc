#include "base/bytes.h"

#include <gtest/gtest.h>

namespace salvor {
namespace {

TEST(Hex, GoesThereAndBack) {
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::byte>(i);
  const std::string hex = to_hex(all);
  EXPECT_EQ(hex.size(), 512U);
  EXPECT_TRUE(hex.starts_with("000102030405060708090a0b0c0d0e0f10"));
  EXPECT_TRUE(hex.ends_with("fcfdfeff"));
  Bytes back(256);
  EXPECT_TRUE(from_hex(hex, back));
  EXPECT_EQ(back, all);
  EXPECT_EQ(to_hex({}), "");
  EXPECT_TRUE(from_hex("", {}));
}

TEST(Hex, RefusesEverythingElse) {
  Bytes two(2);
  for (const std::string_view text :
       {"", "00", "000", "00000", "000000", "0G00", "00AB", "0x00", " 000", "000\n", "-100"}) {
    EXPECT_FALSE(from_hex(text, two)) << text;
  }
  EXPECT_FALSE(from_hex(std::string_view("00\0000", 4), two));
}

TEST(Printable, KeepsTextAndEscapesTheRest) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"plain text_1.2 ~!", "plain text_1.2 ~!"},
      {"line\nbreak\ttab\r", "line\\x0abreak\\x09tab\\x0d"},
      {"back\\slash", "back\\x5cslash"},
      {"\x1b[31mred", "\\x1b[31mred"},
      {"\x7f", "\\x7f"},
      {"Zürich – 東京 🚢", "Zürich – 東京 🚢"},
      {"\xff\xfe", "\\xff\\xfe"},
      {"\xc3", "\\xc3"},                    // cut short
      {"\xc3(", "\\xc3("},                  // no continuation
      {"\xc0\xaf", "\\xc0\\xaf"},           // overlong
      {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},  // overlong
      {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // half of a surrogate pair
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond U+10FFFF
      {"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},
      {"\xc2\x9b", "\\xc2\\x9b"},  // a C1 control character: CSI
      {"\xc2\xa0", "\xc2\xa0"},
      {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},  // U+10FFFF
  };
  for (const auto& [raw, shown] : cases) EXPECT_EQ(printable(raw), shown);
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(Printable, NeverTwoLinesAndNeverTheSameForTwoNames) {
  EXPECT_EQ(printable("a\nb").find('\n'), std::string::npos);
  EXPECT_NE(printable("a\nb"), printable("a\\x0ab"));
}

TEST(HumanBytes, BinaryUnitsWithOneDecimal) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(10U << 20U), "10.0 MiB");
  EXPECT_EQ(human_bytes(1'503'238'554), "1.4 GiB");
  EXPECT_EQ(human_bytes(3ULL << 40U), "3.0 TiB");
  EXPECT_EQ(human_bytes(~0ULL), "16.0 EiB");
}

TEST(Bytes, TextAndBytesAreTwoViewsOfOneThing) {
  const Bytes bytes = to_bytes("text");
  EXPECT_EQ(bytes.size(), 4U);
  EXPECT_EQ(as_text(bytes), "text");
  EXPECT_EQ(as_unsigned(bytes.data())[0], 't');
  EXPECT_EQ(as_text(as_bytes("same")), "same");
  EXPECT_TRUE(to_bytes("").empty());
}

}  // namespace
}  // namespace salvor
