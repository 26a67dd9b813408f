#pragma once

/// What the process sets for itself before it does anything.
namespace salvor::cli {

/// No core dumps, which would hold keys and passphrases (unless SALVOR_CORE is set); as many open
/// files as are allowed; files that only their owner may read; a closed pipe is an error, no
/// signal.
void prepare_process();

}  // namespace salvor::cli
