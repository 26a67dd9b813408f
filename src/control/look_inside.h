#pragma once

#include <functional>
#include <string>

#include "base/bytes.h"
#include "config/config.h"
#include "control/caller.h"
#include "stores/entry.h"

/// The verbs `ls` and `cat`: what a recovery point holds.
namespace salvor::control {

/// What is looked into. `point`: "latest", an id, or the beginning of one (4 digits at least).
struct PointStore {
  std::string point;
  std::string store;
  std::string service;  ///< of which "latest" is meant; empty: of the only one
};

/// One entry of a snapshot, with its key in the tree.
struct ListedEntry {
  Bytes key;
  stores::Entry entry;
};

/// ls: visits the entry at `path` if it is no directory, else what lies directly in it (or, with
/// `recursive`, everything below).
/// Errors: not_found.
void list_entries(const config::Config& config, const PointStore& at, const std::string& path,
                  bool recursive, const Caller& caller,
                  const std::function<void(const ListedEntry&)>& visit);

/// cat: the content of one file, in order.
/// Errors: not_found; usage: not a file.
void read_content(const config::Config& config, const PointStore& at, const std::string& path,
                  const Caller& caller, const std::function<void(ByteView)>& write);

/// One line, so that a list of any length can be written as it comes.
std::string to_json(const ListedEntry& entry);

}  // namespace salvor::control
