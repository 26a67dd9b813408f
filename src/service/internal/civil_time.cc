#include "service/internal/civil_time.h"

namespace salvor::service {
namespace {

constexpr std::int64_t kCivilSecond_ns = 1'000'000'000;

}  // namespace

std::tm civil_time(Time time, TimeZone zone) {
  std::int64_t seconds = time.ns / kCivilSecond_ns;
  if (time.ns % kCivilSecond_ns < 0) --seconds;
  const std::time_t value = seconds;
  std::tm fields{};
  if (zone == TimeZone::utc) {
    gmtime_r(&value, &fields);
  } else {
    localtime_r(&value, &fields);
  }
  return fields;
}

}  // namespace salvor::service
