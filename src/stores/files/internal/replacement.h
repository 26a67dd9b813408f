#pragma once

#include <memory>

#include "stores/files/files.h"

namespace salvor::stores::files {

/// Target::replacement() of the files store.
std::unique_ptr<Replacement> make_replacement(const FilesTargetOptions& options,
                                              const std::string& run, const std::string& tag);

}  // namespace salvor::stores::files
