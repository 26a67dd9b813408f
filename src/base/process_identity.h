#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace salvor {

/// Names this process, on this boot of this machine: "boot-id pid start-ticks pid-namespace". A
/// process id alone is used again sooner or later, and by every container; the four together never
/// are. Records that others read (claims, journals, the catalog) keep it.
std::string own_process_identity();

/// What can be said of a process that left its identity. `elsewhere` says nothing: the process ran
/// on another boot, on another machine, or in another pid namespace.
enum class Liveness { alive, dead, elsewhere };

/// Whether the process of that identity still runs. An earlier boot of this machine looks the same
/// as another machine, hence `elsewhere`; a caller who knows that it was this machine may conclude
/// more.
Liveness liveness_of(std::string_view process_identity);

/// Whether the process of that identity ran on this boot of this machine. Empty: nobody can tell,
/// as where there is no /proc.
std::optional<bool> is_of_this_boot(std::string_view process_identity);

/// The host's name, for people; "unknown" where there is none.
std::string host_name();

}  // namespace salvor
