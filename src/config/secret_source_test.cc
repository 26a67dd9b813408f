#include "config/secret_source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/fd.h"

namespace salvor::config {
namespace {

using Kind = SecretReference::Kind;

std::string read(Kind kind, const std::string& value) {
  return std::string(as_text(read_passphrase({kind, value}).view()));
}

Error error_of(Kind kind, const std::string& value) {
  try {
    read_passphrase({kind, value});
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "expected an error";
  return Error(ErrorCode::failed, "");
}

class SecretSourceTest : public ::testing::Test {
 protected:
  std::string file(std::string_view content, mode_t mode = 0600) {
    const std::filesystem::path path = directory_.path() / "passphrase";
    write_file_atomically(path, as_bytes(content));
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path.native();
  }

  TemporaryDirectory directory_{"/tmp"};
};

TEST_F(SecretSourceTest, ReadsAFile) {
  EXPECT_EQ(read(Kind::file, file("correct horse\n")), "correct horse");
  EXPECT_EQ(read(Kind::file, file("correct horse")), "correct horse");
  EXPECT_EQ(read(Kind::file, file("two\n\n")), "two\n") << "one newline is cut off, not more";
  EXPECT_EQ(read(Kind::file, file("dos\r\n")), "dos");
  EXPECT_EQ(read(Kind::file, file(" blanks \n")), " blanks ");
  EXPECT_EQ(read(Kind::file, file(std::string(4096, 'x') + "\n")).size(), 4096U);
}

TEST_F(SecretSourceTest, WarnsWhenOthersMayReadTheFile) {
  const std::string path = file("x", 0644);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(read(Kind::file, path), "x");
  const std::string warned = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(warned.find("mode 0644, expected 0600"), std::string::npos) << warned;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(read(Kind::file, file("x", 0400)), "x");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(SecretSourceTest, RefusesBadFiles) {
  EXPECT_EQ(error_of(Kind::file, directory_.path() / "absent").code(), ErrorCode::configuration);
  EXPECT_EQ(error_of(Kind::file, directory_.path()).code(), ErrorCode::configuration);
  EXPECT_EQ(error_of(Kind::file, file("")).code(), ErrorCode::configuration);
  EXPECT_EQ(error_of(Kind::file, file("\n")).code(), ErrorCode::configuration);
  EXPECT_EQ(error_of(Kind::file, file(std::string(4097, 'x'))).code(), ErrorCode::configuration);
  EXPECT_EQ(error_of(Kind::file, "/dev/zero").code(), ErrorCode::configuration);
}

TEST_F(SecretSourceTest, ReadsAVariable) {
  ASSERT_EQ(::setenv("SALVOR_TEST_PASSPHRASE", "from outside", 1), 0);
  EXPECT_EQ(read(Kind::environment, "SALVOR_TEST_PASSPHRASE"), "from outside");
  ASSERT_EQ(::setenv("SALVOR_TEST_PASSPHRASE", "", 1), 0);
  EXPECT_EQ(error_of(Kind::environment, "SALVOR_TEST_PASSPHRASE").code(), ErrorCode::configuration);
  ASSERT_EQ(::unsetenv("SALVOR_TEST_PASSPHRASE"), 0);
  EXPECT_EQ(error_of(Kind::environment, "SALVOR_TEST_PASSPHRASE").code(), ErrorCode::configuration);
}

TEST_F(SecretSourceTest, RunsACommand) {
  EXPECT_EQ(read(Kind::command, "printf 'a b'; echo"), "a b");
  EXPECT_EQ(read(Kind::command, "cat; echo no input is waited for"), "no input is waited for");
  EXPECT_EQ(error_of(Kind::command, "true").code(), ErrorCode::configuration);
  EXPECT_EQ(error_of(Kind::command, "head -c 1000000 /dev/zero").code(), ErrorCode::configuration);
}

TEST_F(SecretSourceTest, NeverShowsWhatACommandPrints) {
  const Error error = error_of(Kind::command, "echo hunter2; echo hunter3 >&2; exit 4");
  EXPECT_EQ(error.code(), ErrorCode::configuration);
  EXPECT_NE(error.message().find("exit status 4"), std::string::npos) << error.message();
  EXPECT_EQ((error.message() + error.hint()).find("hunter"), std::string::npos);
}

TEST_F(SecretSourceTest, RefusesNone) {
  EXPECT_EQ(error_of(Kind::none, "").code(), ErrorCode::configuration);
}

}  // namespace
}  // namespace salvor::config
