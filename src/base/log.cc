#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <vector>

namespace salvor::log {
namespace {

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("salvor",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("salvor: %l: %v");
    made->set_level(spdlog::level::warn);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum translated(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

using SharedWriter = std::shared_ptr<const Writer>;

/// The receiver of lines. It is called without the lock, since it may log itself.
class Readers {
 public:
  void write_by(Writer writer) {
    const std::lock_guard lock(mutex_);
    writer_ = writer ? std::make_shared<const Writer>(std::move(writer)) : nullptr;
  }
  SharedWriter writer() {
    const std::lock_guard lock(mutex_);
    return writer_;
  }
  void add(SharedWriter listener) {
    const std::lock_guard lock(mutex_);
    listeners_.push_back(std::move(listener));
  }
  void remove(const SharedWriter& listener) {
    const std::lock_guard lock(mutex_);
    std::erase(listeners_, listener);
  }
  std::vector<SharedWriter> listeners() {
    const std::lock_guard lock(mutex_);
    return listeners_;
  }

 private:
  std::mutex mutex_;  ///< guards the two below, which the calls under way share
  SharedWriter writer_;
  std::vector<SharedWriter> listeners_;
};

Readers& readers() {
  static Readers instance;
  return instance;
}

void print(Level level, std::string_view line) {
  const spdlog::level::level_enum wanted = translated(level);
  const SharedWriter writer = readers().writer();
  if (!writer) return logger().log(wanted, line);
  if (!logger().should_log(wanted)) return;
  const spdlog::string_view_t name = spdlog::level::to_string_view(wanted);
  (*writer)(fmt::format("salvor: {}: {}", std::string_view(name.data(), name.size()), line));
}

}  // namespace

void set_level(Level least) {
  logger().set_level(translated(least));
}
void set_writer(Writer writer) {
  readers().write_by(std::move(writer));
}

Listener::Listener(Writer hear) : hear_(std::make_shared<const Writer>(std::move(hear))) {
  readers().add(hear_);
}

Listener::~Listener() {
  readers().remove(hear_);
}

void write(Level level, std::string_view line) {
  print(level, line);
  if (level != Level::warning) return;
  for (const SharedWriter& listener : readers().listeners()) (*listener)(line);
}

}  // namespace salvor::log
