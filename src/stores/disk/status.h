#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>

#include "stores/entry.h"

/// What the kernel says of a thing, in the terms of an Entry, and back.   Threads: any.
namespace salvor::stores::disk {

/// Times outside of what Time can hold (1677 to 2262) become its nearest bound.
Time time_of(timespec value);
timespec timespec_of(Time time);

/// What is of that name in a directory, links not followed; empty when nothing is, and only then:
/// what can't be looked at must not be taken for missing.
/// Errors: failed, with `path`.
std::optional<struct stat> status_at(int parent, const std::string& name, std::string_view path);

/// Empty for sockets, and for kinds that are not known.
std::optional<EntryKind> kind_of(mode_t mode);

/// Everything but target and attributes.
Entry entry_of(const struct stat& status, EntryKind kind);

/// Whether anything may have been written in between. atime is not looked at.
bool same_state(const struct stat& before, const struct stat& after);

/// Whether times alone can't prove that nothing is written after `read_at`: a file system stamps
/// with a granularity (up to 2 s on FAT, a clock tick elsewhere), so two writes, one before the
/// reading and one after it, can leave the same time (git calls such entries racily clean). And
/// who writes through a shared mapping is stamped when he first touches a page, and then not until
/// the kernel has written it back: 30 s, by its default, and the time that takes.
bool is_racy(const Entry& entry, Time read_at);

}  // namespace salvor::stores::disk
