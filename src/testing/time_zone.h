#pragma once

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

namespace salvor::testing {

/// Puts the process into a time zone for the length of a test; in POSIX form it needs no tzdata.
/// Threads: none but the test's own may ask for local time meanwhile.
class InTimeZone {
 public:
  explicit InTimeZone(const char* zone) {
    if (const char* before = std::getenv("TZ")) before_ = before;
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  ~InTimeZone() {
    before_ ? ::setenv("TZ", before_->c_str(), 1) : ::unsetenv("TZ");
    ::tzset();
  }
  InTimeZone(const InTimeZone&) = delete;
  InTimeZone& operator=(const InTimeZone&) = delete;

  static constexpr const char* kCentralEurope = "CET-1CEST,M3.5.0,M10.5.0/3";

 private:
  std::optional<std::string> before_;
};

}  // namespace salvor::testing
