#pragma once

#include "control/service_status.h"
#include "service/service.h"

namespace salvor::control::internal {

/// That so many records of evidence wait. `of`: whose they are.
std::string waiting_text(std::size_t count, const std::string& of);

/// That nothing proves a service, and how to prove it.
std::string never_drilled_text(const std::string& service);

/// That a restore is open, and what can be done about it.
std::string open_restore_text(const std::string& run, const std::string& service, bool is_running);

/// Fills in the reasons of a service whose other facts are known: pure.
void judge(ServiceStatus& status);

/// What a point does not have of its stores, a sentence for each store and kind: what could not be
/// read, and what the configuration leaves out.
std::vector<std::string> lacks_of(const service::Service* service, const repo::Point& point);

}  // namespace salvor::control::internal
