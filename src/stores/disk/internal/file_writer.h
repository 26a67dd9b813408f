#pragma once

#include <memory>
#include <string>

#include "stores/disk/aside.h"
#include "stores/disk/internal/left_out.h"
#include "stores/disk/metadata.h"
#include "stores/sink.h"

namespace salvor::stores::disk {

/// What the writers of one sink share.   Lifetime: longer than the writers.
struct WriterContext {
  bool delta = false;
  Aside* aside = nullptr;
  Warnings* warnings = nullptr;
  LeftOut* left_out = nullptr;
};

/// Where an entry goes in the target: its directory, and its name there.
struct Spot {
  std::shared_ptr<const Fd> parent;
  std::string name;
  std::string path;  ///< for messages and for what is moved aside
};

/// Sink::create() of the files store. A file that can't exist in the target is left out, and what
/// is written to it goes nowhere.
std::unique_ptr<FileWriter> open_writer(const WriterContext& context, Spot spot,
                                        const Entry& entry);

}  // namespace salvor::stores::disk
