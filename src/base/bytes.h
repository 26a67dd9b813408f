#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Owned and borrowed bytes, and the few conversions that everybody needs.
/// Threads: plain values.   Lifetime: a ByteView never owns and never outlives what it looks at.
namespace salvor {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;
using MutableByteView = std::span<std::byte>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline const unsigned char* as_unsigned(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

inline unsigned char* as_unsigned(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

inline Bytes to_bytes(ByteView view) {
  return {view.begin(), view.end()};
}
inline Bytes to_bytes(std::string_view text) {
  return to_bytes(as_bytes(text));
}

/// Lower-case hexadecimal, two digits a byte.
std::string to_hex(ByteView bytes);

/// The reverse of to_hex. False, with `out` unspecified, unless `text` is exactly out.size() bytes
/// of lower-case hexadecimal.
bool from_hex(std::string_view text, MutableByteView out);

/// For messages: printable ASCII stays, all else (newlines, control characters, bytes that are not
/// UTF-8) becomes \xNN, so that a hostile file name can't forge a line of output.
std::string printable(std::string_view raw);

/// "1.4 GiB"; binary units, one decimal.
std::string human_bytes(std::uint64_t bytes);

}  // namespace salvor
