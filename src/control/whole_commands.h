#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Commands in hints, as people have to type them. Code writes them without the configuration
/// (`salvor restore --resume RUN`), and so they are recorded: whoever reads a record may have
/// another one. Who was called with `-c FILE` shows them with it.
namespace salvor::control {

/// To be called once, before anything is shown. `config`: what was given as -c; empty: nothing.
/// `names`: the commands that there are.
void note_how_called(std::string_view config, std::vector<std::string> names);

/// Whether -c was given.   Threads: any.
bool was_called_with_configuration();

/// The text with the `-c FILE` of this process in each of its commands.   Threads: any.
std::string whole_commands(std::string_view text);

/// The same for any configuration file.
std::string whole_commands(std::string_view text, std::string_view config);

}  // namespace salvor::control
