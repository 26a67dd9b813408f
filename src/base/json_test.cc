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
  EXPECT_EQ(json::parse(json(kLeast).dump()).get<std::int64_t>(), kLeast);
  EXPECT_EQ(json::parse(json(kMost).dump()).get<std::uint64_t>(), kMost);
  const std::uint32_t implicit = json(7);
  EXPECT_EQ(implicit, 7U);
  EXPECT_EQ(json({{"runs", 3}}).value("runs", std::uint64_t{0}), 3U);
  EXPECT_EQ(json::parse("[1,2]").get<std::vector<int>>(), (std::vector<int>{1, 2}));
  EXPECT_EQ(nlohmann::ordered_json(std::int64_t{5}).dump(), "5");
}

TEST(JsonIntegers, ThatDoNotFitAreRefused) {
  EXPECT_THROW(json::parse("-1").get<std::uint64_t>(), json::exception);
  EXPECT_THROW(json::parse("4294967296").get<std::uint32_t>(), json::exception);
  EXPECT_THROW(json::parse("9223372036854775808").get<std::int64_t>(), json::exception);
  EXPECT_THROW(json::parse("[128]").get<std::vector<std::int8_t>>(), json::exception);
  EXPECT_THROW(json::parse(R"({"runs":-3})").value("runs", std::uint64_t{0}), json::exception);
}

TEST(JsonIntegers, AreNotMadeOfAnythingElse) {
  for (const char* text : {"1.79582e+20", "2.0", "-0.5", "1e400", "true", "null", "\"1\"", "[]"}) {
    const json value = json::parse(text, nullptr, false);
    EXPECT_THROW(value.get<std::int64_t>(), json::exception) << text;
    EXPECT_THROW(value.get<std::uint64_t>(), json::exception) << text;
    EXPECT_THROW(value.get<std::int8_t>(), json::exception) << text;
  }
}

}  // namespace
}  // namespace salvor
