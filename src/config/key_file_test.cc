#include "config/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/error.h"
#include "base/fd.h"
#include "codec/sealed_box.h"

namespace salvor::config {
namespace {

class KeyFileTest : public ::testing::Test {
 protected:
  ErrorCode refusal(const std::string& content) {
    std::ofstream(path_) << content;
    try {
      read_key_file(path_);
    } catch (const Error& error) {
      EXPECT_FALSE(error.hint().empty());
      // What is wrong with a key must not show the key.
      if (content.size() > 40) {
        EXPECT_EQ(error.message().find(content.substr(20, 20)), std::string::npos);
      }
      return error.code();
    }
    return ErrorCode::failed;
  }

  TemporaryDirectory directory_{"/tmp"};
  std::filesystem::path path_ = directory_.path() / "key";
};

TEST_F(KeyFileTest, WhatIsMadeCanBeRead) {
  const Bytes recipient = make_key_file(path_);
  const Secret key = read_key_file(path_);
  EXPECT_EQ(codec::box_public_key(key.view()), recipient);
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(status.st_size, 17 + 64 + 1);
}

TEST_F(KeyFileTest, NothingIsOverwritten) {
  make_key_file(path_);
  const Bytes before = read_file(path_, 1000);
  try {
    make_key_file(path_);
    FAIL() << "overwritten";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::refused);
  }
  EXPECT_EQ(read_file(path_, 1000), before);
}

TEST_F(KeyFileTest, WhatIsNoKeyFile) {
  const std::string digits(64, 'a');
  for (const std::string& content :
       {std::string(), std::string("salvor-private-1:"), digits + "\n",
        "salvor-private-2:" + digits, "salvor-private-1:" + digits + "a\n",
        "salvor-private-1:" + digits.substr(2), "salvor-private-1:" + std::string(64, 'g'),
        std::string(1 << 20, 'a')}) {
    EXPECT_EQ(refusal(content), ErrorCode::configuration) << content.substr(0, 30);
  }
  EXPECT_THROW(read_key_file(directory_.path() / "nowhere"), Error);
  EXPECT_THROW(read_key_file(directory_.path()), Error);
}

}  // namespace
}  // namespace salvor::config
