#include "base/log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace salvor::log {
namespace {

/// What was written, by a writer that is there for one test.
class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    set_writer([this](std::string_view line) { printed_.emplace_back(line); });
  }
  ~LogTest() override {
    set_writer({});
    set_level(Level::warning);
  }

  std::vector<std::string> printed_;
};

using Lines = std::vector<std::string>;

TEST_F(LogTest, AListenerHearsWarningsWhileItLives) {
  Lines heard;
  warning("before");
  {
    const Listener listener([&heard](std::string_view line) { heard.emplace_back(line); });
    warning("the catalog {} can't be used", "c");
    info("and that");
    debug("and this");
  }
  warning("after");
  EXPECT_EQ(heard, Lines{"the catalog c can't be used"});
  EXPECT_EQ(printed_,
            (Lines{"salvor: warning: before", "salvor: warning: the catalog c can't be used",
                   "salvor: warning: after"}))
      << "as without a listener, and once";
}

TEST_F(LogTest, AListenerHearsWhatIsNotPrinted) {
  set_level(Level::error);
  Lines heard;
  const Listener listener([&heard](std::string_view line) { heard.emplace_back(line); });
  warning("quiet");
  EXPECT_EQ(heard, Lines{"quiet"});
  EXPECT_TRUE(printed_.empty());
}

TEST_F(LogTest, AListenerMayWarn) {
  Lines heard;
  const Listener listener([&heard](std::string_view line) {
    heard.emplace_back(line);
    if (heard.size() == 1) warning("the events can't be written");
  });
  warning("first");
  EXPECT_EQ(heard, (Lines{"first", "the events can't be written"}));
}

TEST_F(LogTest, ListenersComeAndGoWhileThreadsWarn) {
  set_level(Level::error);
  const auto heard = std::make_shared<std::atomic<int>>(0);
  std::atomic<bool> done = false;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&done] {
      while (!done) warning("again");
    });
  }
  while (*heard < 1000) {
    const Listener listener([heard](std::string_view) { ++*heard; });
    std::this_thread::yield();
  }
  done = true;
}

}  // namespace
}  // namespace salvor::log
