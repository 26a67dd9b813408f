#include "cli/event_stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <sstream>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"

namespace salvor::cli {
namespace {

using control::Note;
using control::PhaseProgress;
using control::RunBegan;
using control::RunEnded;
using json = nlohmann::json;

const RunBegan kBegan{"backup", "20260203t040506-00000001", "shop", {"db"}};

/// A pipe with the stream on one end of it.
class EventStreamTest : public ::testing::Test {
 protected:
  EventStreamTest() {
    std::signal(SIGPIPE, SIG_IGN);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error("cannot make", "a pipe", errno);
    reader_ = Fd(ends[0]);
    writer_ = Fd(ends[1]);
    log::set_writer([this](std::string_view line) { warned_.emplace_back(line); });
  }
  ~EventStreamTest() override { log::set_writer({}); }

  /// Fills the pipe, so that it takes no byte more.
  void fill() {
    const int flags = ::fcntl(writer_.get(), F_GETFL);
    ::fcntl(writer_.get(), F_SETFL, flags | O_NONBLOCK);
    const std::string blanks(4096, '\n');
    while (::write(writer_.get(), blanks.data(), blanks.size()) > 0) {
    }
    while (::write(writer_.get(), blanks.data(), 1) > 0) {
    }
    ::fcntl(writer_.get(), F_SETFL, flags);
  }

  /// What can be read now, line by line, without empty ones.
  std::vector<json> read() {
    ::fcntl(reader_.get(), F_SETFL, O_NONBLOCK);
    std::string text;
    std::array<char, 65536> buffer{};
    for (ssize_t size = 1; (size = ::read(reader_.get(), buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    std::istringstream lines(text);
    std::vector<json> events;
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty()) events.push_back(parse_json(line));
    }
    return events;
  }

  static std::vector<std::string> kinds_of(const std::vector<json>& events) {
    std::vector<std::string> kinds;
    for (const json& event : events) kinds.push_back(event.at("event"));
    return kinds;
  }

  Fd reader_;
  Fd writer_;
  std::vector<std::string> warned_;
};

using Kinds = std::vector<std::string>;

ErrorCode code_of(std::size_t descriptor) {
  try {
    EventStream stream(descriptor);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::failed;
}

TEST_F(EventStreamTest, WhatCanNotBeWrittenToIsAUsageError) {
  for (const std::size_t descriptor :
       {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{999'999}, std::size_t{1} << 40U,
        static_cast<std::size_t>(reader_.get())}) {
    EXPECT_EQ(code_of(descriptor), ErrorCode::usage) << descriptor;
  }
  const Fd read_only = open_file("/dev/null", O_RDONLY);
  EXPECT_EQ(code_of(static_cast<std::size_t>(read_only.get())), ErrorCode::usage);
  const Fd path_only = open_file("/dev/null", O_PATH);
  EXPECT_EQ(code_of(static_cast<std::size_t>(path_only.get())), ErrorCode::usage);
}

TEST_F(EventStreamTest, EachLineNamesItsRun) {
  EventStream events(static_cast<std::size_t>(writer_.get()));
  events.write(Note{"before"});
  events.write(PhaseProgress{"backup"});
  events.write(kBegan);
  events.write(PhaseProgress{"backup", 1, 2, 3, 4});
  events.write(RunEnded{"succeeded", 0, {}});
  events.write(PhaseProgress{"backup"});
  events.end(0, {});
  const std::vector<json> read = this->read();
  ASSERT_EQ(kinds_of(read), (Kinds{"note", "began", "progress", "ended"}))
      << "there is no progress without a run, and one end";
  EXPECT_TRUE(read[0].at("run").is_null());
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(read[i].at("run"), kBegan.run);
}

TEST_F(EventStreamTest, ACommandThatBeginsNoRunTellsItsEnd) {
  EventStream events(static_cast<std::size_t>(writer_.get()));
  events.end(4, Error(ErrorCode::not_found, "no service \"shp\"", "did you mean shop?"));
  const std::vector<json> read = this->read();
  ASSERT_EQ(kinds_of(read), Kinds{"ended"});
  EXPECT_TRUE(read[0].at("run").is_null());
  EXPECT_TRUE(read[0].at("outcome").is_null());
  EXPECT_EQ(read[0].at("exit"), 4);
  EXPECT_EQ(read[0].at("error").at("code"), "not_found");
}

TEST_F(EventStreamTest, ARunThatToldNoEndHasOne) {
  EventStream events(static_cast<std::size_t>(writer_.get()));
  events.write(kBegan);
  events.end(1, Error(ErrorCode::failed, "out of memory"));
  const std::vector<json> read = this->read();
  ASSERT_EQ(kinds_of(read), (Kinds{"began", "ended"}));
  EXPECT_EQ(read[1].at("run"), kBegan.run);
  EXPECT_EQ(read[1].at("outcome"), "failed");
}

TEST_F(EventStreamTest, AFullPipeHoldsNobodyUp) {
  EventStream events(static_cast<std::size_t>(writer_.get()));
  fill();
  events.write(kBegan);
  events.write(PhaseProgress{"backup", 1});
  events.write(Note{"kept"});
  EXPECT_TRUE(read().empty());
  events.write(PhaseProgress{"backup", 2});
  const std::vector<json> read = this->read();
  EXPECT_EQ(kinds_of(read), (Kinds{"began", "note", "progress"}));
  EXPECT_EQ(read.back().at("bytes"), 2) << "that of the time when nobody read is dropped";
}

TEST_F(EventStreamTest, WhatDoesNotFitIsCounted) {
  EventStream events(static_cast<std::size_t>(writer_.get()));
  fill();
  events.write(kBegan);
  for (std::size_t i = 0; i < EventStream::kWaitingMax + 9; ++i) events.write(Note{"note"});
  events.write(RunEnded{"succeeded", 0, {}});
  read();
  std::jthread ending([&events] { events.end(0, {}); });
  std::vector<json> all;
  while (all.empty() || all.back().at("event") != "ended") {
    for (json& event : read()) all.push_back(std::move(event));
    std::this_thread::yield();
  }
  EXPECT_EQ(all.size(), EventStream::kWaitingMax + 1);
  EXPECT_EQ(all.back().at("dropped"), 10);
}

TEST_F(EventStreamTest, AReaderThatWentAwayEndsTheEventsAlone) {
  EventStream events(static_cast<std::size_t>(writer_.get()));
  events.write(kBegan);
  reader_.close();
  events.write(Note{"to nobody"});
  events.write(RunEnded{"succeeded", 0, {}});
  events.end(0, {});
  EXPECT_TRUE(warned_.empty()) << "that is no fault";
}

TEST_F(EventStreamTest, AFullDiskIsWarnedOfOnce) {
  const Fd full = open_file("/dev/full", O_WRONLY);
  EventStream events(static_cast<std::size_t>(full.get()));
  // Who hears the warning writes it as an event, too.
  const log::Listener listener([&events](std::string_view line) {
    events.write(control::Warning{std::string(line), {}, {}});
  });
  events.write(kBegan);
  events.write(Note{"more"});
  events.end(0, {});
  ASSERT_EQ(warned_.size(), 1U);
  EXPECT_NE(warned_[0].find("No space left on device"), std::string::npos) << warned_[0];
}

TEST_F(EventStreamTest, ADescriptorThatIsClosedInTheMiddleIsWarnedOf) {
  EventStream events(static_cast<std::size_t>(writer_.get()));
  events.write(kBegan);
  writer_.close();
  events.write(Note{"to nowhere"});
  events.end(0, {});
  EXPECT_EQ(warned_.size(), 1U);
}

TEST_F(EventStreamTest, EventsOfSeveralThreadsAreWholeLines) {
  EventStream events(static_cast<std::size_t>(writer_.get()));
  events.write(kBegan);
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&events, i] {
        for (int k = 0; k < kEach; ++k)
          events.write(Note{std::string(500, static_cast<char>('a' + i))});
      });
    }
  }
  std::jthread ending([&events] { events.end(0, {}); });
  std::vector<json> all;
  while (all.empty() || all.back().at("event") != "ended") {
    for (json& event : read()) all.push_back(std::move(event));
    std::this_thread::yield();
  }
  EXPECT_EQ(all.size(), 2U + kThreads * kEach);
}

TEST_F(EventStreamTest, ASocketTakesThemToo) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  reader_ = Fd(ends[0]);
  const Fd writer(ends[1]);
  EventStream events(static_cast<std::size_t>(writer.get()));
  events.write(kBegan);
  events.end(0, {});
  EXPECT_EQ(kinds_of(read()), (Kinds{"began", "ended"}));
  EventStream more(static_cast<std::size_t>(writer.get()));
  reader_.close();
  more.write(kBegan);
  EXPECT_TRUE(warned_.empty());
}

}  // namespace
}  // namespace salvor::cli
