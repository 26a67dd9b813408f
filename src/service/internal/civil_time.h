#pragma once

#include <ctime>

#include "base/clock.h"
#include "service/cron.h"

namespace salvor::service {

/// Date and time of day at that moment, with the offset of the zone.
std::tm civil_time(Time time, TimeZone zone);

}  // namespace salvor::service
