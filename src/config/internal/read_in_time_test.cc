#include "config/internal/read_in_time.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <thread>

#include "base/error.h"

namespace salvor::config::internal {
namespace {

class ReadInTimeTest : public ::testing::Test {
 protected:
  ReadInTimeTest() : fifo_(directory_.path() / "fifo") { ::mkfifo(fifo_.c_str(), 0600); }

  std::string read(std::stop_token stop, std::int64_t limit_ms) const {
    const Fd fd = open_to_wait(fifo_);
    std::array<std::byte, 16> bytes{};
    const std::size_t size = read_in_time(fd.get(), bytes, fifo_.native(), stop, limit_ms);
    return std::string(as_text(ByteView(bytes).first(size)));
  }

  ErrorCode error_of(std::stop_token stop, std::int64_t limit_ms) const {
    try {
      read(stop, limit_ms);
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "expected an error";
    return ErrorCode::usage;
  }

  TemporaryDirectory directory_{"/tmp"};
  std::filesystem::path fifo_;
};

TEST_F(ReadInTimeTest, APipeThatNobodyWritesToEndsByTheLimit) {
  EXPECT_EQ(error_of({}, 200), ErrorCode::failed);
}

TEST_F(ReadInTimeTest, APipeThatNobodyWritesToEndsByAStop) {
  std::stop_source stop;
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    stop.request_stop();
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of(stop.get_token(), 60'000), ErrorCode::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST_F(ReadInTimeTest, AWriterThatComesLateIsRead) {
  const std::jthread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const Fd fd = open_file(fifo_, O_WRONLY);
    write_all(fd.get(), as_bytes("sec"), "fifo");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    write_all(fd.get(), as_bytes("ret"), "fifo");
  });
  EXPECT_EQ(read({}, 10'000), "secret");
}

TEST_F(ReadInTimeTest, AFileIsReadToItsEnd) {
  const std::filesystem::path file = directory_.path() / "file";
  write_file_atomically(file, as_bytes("0123456789abcdefgh"));
  const Fd fd = open_to_wait(file);
  std::array<std::byte, 32> bytes{};
  EXPECT_EQ(read_in_time(fd.get(), bytes, "file", {}), 18U);
}

}  // namespace
}  // namespace salvor::config::internal
