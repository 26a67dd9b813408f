#include "base/json.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace salvor {
namespace {

using nlohmann::json;

TEST(JsonIntegers, AreReadAsTheyWereWritten) {
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(parse_json(write_json(json(kLeast))).get<std::int64_t>(), kLeast);
  EXPECT_EQ(parse_json(write_json(json(kMost))).get<std::uint64_t>(), kMost);
  const std::uint32_t implicit = json(7);
  EXPECT_EQ(implicit, 7U);
  EXPECT_EQ(json({{"runs", 3}}).value("runs", std::uint64_t{0}), 3U);
  EXPECT_EQ(parse_json("[1,2]").get<std::vector<int>>(), (std::vector<int>{1, 2}));
  EXPECT_EQ(write_json(nlohmann::ordered_json(std::int64_t{5})), "5");
}

TEST(JsonIntegers, ThatDoNotFitAreRefused) {
  EXPECT_THROW(parse_json("-1").get<std::uint64_t>(), json::exception);
  EXPECT_THROW(parse_json("4294967296").get<std::uint32_t>(), json::exception);
  EXPECT_THROW(parse_json("9223372036854775808").get<std::int64_t>(), json::exception);
  EXPECT_THROW(parse_json("[128]").get<std::vector<std::int8_t>>(), json::exception);
  EXPECT_THROW(parse_json(R"({"runs":-3})").value("runs", std::uint64_t{0}), json::exception);
}

TEST(JsonIntegers, AreNotMadeOfAnythingElse) {
  for (const char* text : {"1.79582e+20", "2.0", "-0.5", "1e400", "true", "null", "\"1\"", "[]"}) {
    const json value = try_parse_json(text);
    EXPECT_THROW(value.get<std::int64_t>(), json::exception) << text;
    EXPECT_THROW(value.get<std::uint64_t>(), json::exception) << text;
    EXPECT_THROW(value.get<std::int8_t>(), json::exception) << text;
  }
}

TEST(Json, IsReadWhole) {
  EXPECT_EQ(parse_json(R"({"a":[1,null]})"), (json{{"a", {1, nullptr}}}));
  EXPECT_EQ(write_json(parse_json<nlohmann::ordered_json>(R"({"b":1,"a":2})")), R"({"b":1,"a":2})");
  for (const char* text : {"", "{", "[1] 2", "{\"a\":}"}) {
    EXPECT_THROW(parse_json(text), json::parse_error) << text;
    EXPECT_TRUE(try_parse_json(text).is_discarded()) << text;
  }
}

TEST(Json, IsReadAsDeepAsWasAskedFor) {
  EXPECT_EQ(try_parse_json("[[[1]],2]", 2), parse_json("[[[]],2]"));
  EXPECT_EQ(try_parse_json("[[[1]],2]", 3), parse_json("[[[1]],2]"));
}

TEST(Json, IsWrittenWithOrWithoutLines) {
  const json value = {{"a", {1, 2}}};
  EXPECT_EQ(write_json(value), R"({"a":[1,2]})");
  EXPECT_EQ(write_json(value, 1), "{\n \"a\": [\n  1,\n  2\n ]\n}");
}

TEST(Json, SaysWhatHappensToTextThatIsNotUtf8) {
  const json value = "a\xff";
  EXPECT_THROW(write_json(value), json::type_error);
  EXPECT_EQ(write_json(value, -1, InvalidUtf8::replace), "\"a\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace salvor
