#include "base/bytes.h"

#include <array>
#include <cctype>

namespace salvor {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

/// Length of the well-formed UTF-8 sequence at the head of `raw`, or 0. Overlong forms and
/// surrogates are refused (RFC 3629).
std::size_t utf8_length(std::string_view raw) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(raw[i]); };
  const unsigned char lead = at(0);
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || raw.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0U) != 0x80U) return 0;
  }
  const unsigned char second = at(1);
  if (lead == 0xE0 && second < 0xA0) return 0;
  if (lead == 0xED && second > 0x9F) return 0;
  if (lead == 0xF0 && second < 0x90) return 0;
  if (lead == 0xF4 && second > 0x8F) return 0;
  if (lead == 0xC2 && second < 0xA0) return 0;  // C1 control characters
  return length;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    out.push_back(kDigits[std::to_integer<unsigned>(byte) >> 4U]);
    out.push_back(kDigits[std::to_integer<unsigned>(byte) & 15U]);
  }
  return out;
}

bool from_hex(std::string_view text, MutableByteView out) {
  if (text.size() != out.size() * 2) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit_value(text[2 * i]);
    const int low = digit_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::byte>(high * 16 + low);
  }
  return true;
}

std::string printable(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  while (!raw.empty()) {
    const auto lead = static_cast<unsigned char>(raw.front());
    std::size_t length = 1;
    if (lead >= 0x20 && lead < 0x7F && lead != '\\') {
      out.push_back(raw.front());
    } else if (lead >= 0x80 && (length = utf8_length(raw)) != 0) {
      out.append(raw.substr(0, length));
    } else {
      length = 1;
      out.append("\\x").append(to_hex(as_bytes(raw.substr(0, 1))));
    }
    raw.remove_prefix(length);
  }
  return out;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024.0 && unit + 1 < kUnits.size()) {
    value /= 1024.0;
    ++unit;
  }
  const auto tenths = static_cast<std::uint64_t>(value * 10.0 + 0.5);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + kUnits[unit];
}

}  // namespace salvor
