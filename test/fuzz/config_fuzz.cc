#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "config/config.h"

/// Any bytes as a configuration file: they are read, or refused with an Error; nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const salvor::config::Config config =
        salvor::config::parse_config_text(text, "fuzz.toml", "/etc/salvor");
    salvor::config::check_paths(config);
  } catch (const salvor::Error&) {
    // What is expected of nearly every input.
  }
  return 0;
}
