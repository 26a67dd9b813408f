#pragma once

namespace salvor::cli {

/// The whole program: reads the command line, does what it says, and returns the exit status, which
/// follows from base/error_codes.def. Everything that is thrown ends here.
int run(int argc, char** argv);

}  // namespace salvor::cli
