#pragma once

#include <string>
#include <string_view>

namespace salvor {

/// One process on one boot of one machine: "boot-id pid start-ticks pid-namespace". A process
/// id alone is used again sooner or later, and by every container; the four together never are.
std::string own_process_identity();

enum class Liveness { alive, dead, elsewhere };

/// Whether the process still runs. `elsewhere`: the boot id or the pid namespace is not ours. An
/// earlier boot of this machine looks the same as another machine, so nothing is concluded.
Liveness liveness_of(std::string_view process_identity);

/// The host's name, for people.
std::string host_name();

}  // namespace salvor
