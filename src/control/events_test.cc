#include "control/events.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/json.h"
#include "base/log.h"
#include "control/internal/run_events.h"

namespace salvor::control {
namespace {

using json = nlohmann::json;

const Time kTime{1'770'091'506'000'000'000};

std::string line_of(const Event& event) {
  return to_json(event, "R", kTime);
}

TEST(Events, EachHasItsKeys) {
  const std::string begin = R"("time":"2026-02-03T04:05:06.000000Z","run":"R",)";
  EXPECT_EQ(line_of(RunBegan{"backup", "R", "shop", {"db", "media"}}),
            R"({"event":"began",)" + begin +
                R"("verb":"backup","service":"shop","stores":["db","media"]})");
  EXPECT_EQ(line_of(StepTold{"provision", 2, 7, "began", 0, {}}),
            R"({"event":"step",)" + begin +
                R"("name":"provision","number":2,"count":7,"state":"began","seconds":null,)"
                R"("error":null})");
  EXPECT_EQ(line_of(StepTold{"migrate", 3, 7, "failed", 1.5, "exit status 3"}),
            R"({"event":"step",)" + begin +
                R"("name":"migrate","number":3,"count":7,"state":"failed","seconds":1.5,)"
                R"("error":"exit status 3"})");
  EXPECT_EQ(line_of(PhaseProgress{"restore", 10, 20, 3, 0}),
            R"({"event":"progress",)" + begin +
                R"("phase":"restore","bytes":10,"bytes_expected":20,"entries":3,)"
                R"("entries_expected":null})");
  EXPECT_EQ(line_of(Note{"a note"}), R"({"event":"note",)" + begin + R"("text":"a note"})");
  EXPECT_EQ(line_of(Warning{"not in the backup", "store media: x", {}}),
            R"({"event":"warning",)" + begin +
                R"("what":"not in the backup","where":"store media: x","hint":null})");
  EXPECT_EQ(line_of(RunEnded{"failed", 9, Error(ErrorCode::checks_failed, "m", "h"), 4}),
            R"({"event":"ended",)" + begin +
                R"("outcome":"failed","exit":9,"error":{"code":"checks_failed","message":"m",)"
                R"("hint":"h","exit":9},"dropped":4})");
}

TEST(Events, ALineIsWhatAPipeTakesAsAWhole) {
  const std::string hostile(1 << 20U, '\x01');
  const std::vector<Event> events = {
      RunBegan{"backup", "R", "shop", std::vector<std::string>(5000, std::string(60, 's'))},
      StepTold{"migrate", 1, 1, "failed", 1, hostile}, Note{hostile},
      Warning{hostile, hostile, hostile},
      RunEnded{"failed", 1, Error(ErrorCode::failed, hostile, hostile)}};
  for (const Event& event : events) {
    const std::string line = line_of(event);
    EXPECT_LE(line.size(), kEventBytesMax);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_TRUE(parse_json(line).is_object());
  }
}

TEST(Events, WhatIsNoUtf8IsReplaced) {
  const std::string text = parse_json(line_of(Note{"a\xff"
                                                   "b\nc"}))
                               .at("text");
  EXPECT_EQ(text, "a\uFFFDb\nc");
}

TEST(RunWarnings, AreToldAndKept) {
  std::vector<std::string> told;
  Caller caller;
  caller.on_event = [&told](const Event& event) { told.push_back(std::get<Warning>(event).what); };
  log::set_level(log::Level::off);
  {
    internal::RunWarnings warnings(caller);
    log::warning("the catalog can't be used");
    log::info("no warning");
    EXPECT_EQ(warnings.lines(), std::vector<std::string>{"the catalog can't be used"});
    EXPECT_EQ(told, warnings.lines());
    warnings.clear();
    EXPECT_TRUE(warnings.lines().empty());
    for (std::size_t i = 0; i < internal::RunWarnings::kWarningsMax + 2; ++i) log::warning("again");
    EXPECT_EQ(warnings.lines().size(), internal::RunWarnings::kWarningsMax + 1);
    EXPECT_EQ(warnings.lines().back(), "and 2 more");
  }
  told.clear();
  log::warning("of another run");
  EXPECT_TRUE(told.empty());
  log::set_level(log::Level::warning);
}

}  // namespace
}  // namespace salvor::control
