#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "base/bytes.h"

namespace salvor::testing {

/// The bytes that hexadecimal digits stand for; a test with other text fails.
inline Bytes unhex(std::string_view hex) {
  Bytes bytes(hex.size() / 2);
  EXPECT_TRUE(from_hex(hex, bytes)) << hex;
  return bytes;
}

}  // namespace salvor::testing
