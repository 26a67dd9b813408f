#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>

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

/// Called without the lock: whoever is called may log.
class SharedWriter {
 public:
  void set(Writer writer) {
    const std::lock_guard lock(mutex_);
    writer_ = writer ? std::make_shared<const Writer>(std::move(writer)) : nullptr;
  }
  std::shared_ptr<const Writer> get() {
    const std::lock_guard lock(mutex_);
    return writer_;
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<const Writer> writer_;  ///< shared with the calls under way
};

SharedWriter& shared_writer() {
  static SharedWriter instance;
  return instance;
}

}  // namespace

void set_level(Level least) {
  logger().set_level(translated(least));
}
void set_writer(Writer writer) {
  shared_writer().set(std::move(writer));
}

void write(Level level, std::string_view line) {
  const spdlog::level::level_enum wanted = translated(level);
  const auto writer = shared_writer().get();
  if (!writer) return logger().log(wanted, line);
  if (!logger().should_log(wanted)) return;
  const spdlog::string_view_t name = spdlog::level::to_string_view(wanted);
  (*writer)(fmt::format("salvor: {}: {}", std::string_view(name.data(), name.size()), line));
}

}  // namespace salvor::log
