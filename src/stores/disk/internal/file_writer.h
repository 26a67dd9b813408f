#pragma once

#include <memory>
#include <string>

#include "stores/disk/aside.h"
#include "stores/disk/internal/not_made.h"
#include "stores/disk/metadata.h"
#include "stores/sink.h"

namespace salvor::stores::disk {

/// What the writers of one sink share.   Lifetime: longer than the writers.
struct WriterContext {
  bool delta = false;
  Aside* aside = nullptr;
  Warnings* warnings = nullptr;
  NotMade* not_made = nullptr;
};

/// Where an entry goes in the target: its directory, and its name there.
struct Spot {
  std::shared_ptr<const Fd> parent;
  std::string name;
  std::string path;  ///< for messages and for what is moved aside
};

/// Sink::create() of the files store. A file that the target can't hold is not made: what
/// is written to it goes nowhere.
std::unique_ptr<FileWriter> open_writer(const WriterContext& context, Spot spot,
                                        const Entry& entry);

}  // namespace salvor::stores::disk
