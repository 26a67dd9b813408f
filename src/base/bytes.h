#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Owned and borrowed bytes, and the few conversions that every folder needs. Use `as_bytes()` and
/// `as_text()` to look at the same memory in another type, `to_bytes()` to copy it.
/// Lifetime: a ByteView owns nothing, and never outlives the memory that it looks at.
/// Threads:  plain values.
namespace salvor {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;
using MutableByteView = std::span<std::byte>;

/// The same memory as bytes; copies nothing.
inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// The same memory as text; copies nothing. Nobody has checked that it is UTF-8.
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The pointer type that OpenSSL and libsodium take.
inline const unsigned char* as_unsigned(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

inline unsigned char* as_unsigned(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

/// A copy that owns its memory.
inline Bytes to_bytes(ByteView view) {
  return {view.begin(), view.end()};
}
inline Bytes to_bytes(std::string_view text) {
  return to_bytes(as_bytes(text));
}

/// Lower-case hexadecimal digits, two for each byte.
std::string to_hex(ByteView bytes);

/// The reverse of to_hex(). Upper-case digits are refused, so that each value has one text only.
/// Shape: `text` must have exactly 2 * out.size() digits. At false, the content of `out` is
///        unspecified.
bool from_hex(std::string_view text, MutableByteView out);

/// A text that is safe in a message, however hostile the file name in it is. Printable ASCII and
/// well-formed UTF-8 stay as they are. A backslash, a control character (a newline, an escape
/// sequence of a terminal) and a byte that is not UTF-8 become \xNN, so that a name can't forge a
/// line of output.
std::string printable(std::string_view raw);

/// A size for people, in binary units with one decimal: "1.4 GiB"; below 1 KiB without: "312 B".
std::string human_bytes(std::uint64_t bytes);

}  // namespace salvor
