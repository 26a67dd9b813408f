#include "config/secret_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/subprocess.h"
#include "config/internal/read_in_time.h"

namespace salvor::config {
namespace {

constexpr std::size_t kPassphraseBytesMax = 4096;
constexpr std::int64_t kCommandLimit_ms = 60'000;

[[noreturn]] void fail(const std::string& message, const std::string& hint) {
  throw Error(ErrorCode::configuration, "cannot get the passphrase: " + message, hint);
}

/// Checks what was found, and cuts off the newline that editors and echo put at the end.
Secret accepted(const Secret& raw, const std::string& source) {
  std::string_view text = as_text(raw.view());
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
  }
  if (text.size() > kPassphraseBytesMax) {
    fail(fmt::format("{} holds more than {} bytes", source, kPassphraseBytesMax),
         "check that it is the right file");
  }
  if (text.empty()) fail(source + " is empty", "put the passphrase there");
  return Secret(as_bytes(text));
}

Secret from_file(const std::string& path, const std::stop_token& stop) {
  const std::string source = "the file " + printable(path);
  const Fd fd = internal::open_to_wait(path);
  if (!fd) {
    fail(source + ": " + errno_text(errno), "create it with mode 0600, or correct passphrase_file");
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_system_error("cannot read", path, errno);
  if (S_ISDIR(status.st_mode)) fail(source + " is a directory", "correct passphrase_file");
  if (S_ISREG(status.st_mode) && (status.st_mode & 077U) != 0) {
    log::warning("{} can be read or changed by others (mode {:04o}, expected 0600)", source,
                 status.st_mode & 07777U);
  }
  Secret raw(kPassphraseBytesMax + 3);  // the longest, its newline, and one byte that is too much
  const std::size_t count = internal::read_in_time(fd.get(), raw.mutable_view(), path, stop);
  return accepted(Secret(raw.view().first(count)), source);
}

Secret from_environment(const std::string& name) {
  const std::string source = "the environment variable " + printable(name);
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) fail(source + " is not set", "set it, or correct passphrase_env");
  return accepted(Secret(as_bytes(value)), source);
}

Secret from_command(const std::string& command, std::stop_token stop) {
  SubprocessOptions options;
  options.argv = {"/bin/sh", "-c", command};
  options.time_limit_ms = kCommandLimit_ms;
  options.output_bytes_max = kPassphraseBytesMax + 3;
  options.stop = std::move(stop);
  options.name = "the command of passphrase_command";
  SubprocessResult result = run(options);
  const Secret raw{ByteView(result.output)};
  // Both may hold the secret, or a part of it.
  ::explicit_bzero(result.output.data(), result.output.size());
  ::explicit_bzero(result.error_output.data(), result.error_output.size());
  if (!result.succeeded()) {
    fail("the command of passphrase_command ended with " + result.describe(),
         "run the command by hand to see why; salvor gives it no terminal and no input");
  }
  return accepted(raw, "the output of passphrase_command");
}

}  // namespace

Secret read_passphrase(const SecretReference& reference, std::stop_token stop) {
  switch (reference.kind) {
    case SecretReference::Kind::file:
      return from_file(reference.value, stop);
    case SecretReference::Kind::environment:
      return from_environment(reference.value);
    case SecretReference::Kind::command:
      return from_command(reference.value, std::move(stop));
    case SecretReference::Kind::none:
      break;
  }
  fail("the configuration names none",
       "add passphrase_file, passphrase_env or passphrase_command to [repository]");
}

}  // namespace salvor::config
