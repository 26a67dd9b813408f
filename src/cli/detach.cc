#include "cli/detach.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>

#include "base/fd.h"
#include "base/log.h"
#include "control/report_json.h"

namespace salvor::cli {
namespace {

struct Pipe {
  Fd read;
  Fd write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error("cannot make", "a pipe", errno);
  return {Fd(ends[0]), Fd(ends[1])};
}

std::filesystem::path log_path(const control::Config& config) {
  control::require_state_answers(config);
  const std::filesystem::path directory = config.state_directory / "detached";
  make_private_directories(directory);
  return directory / fmt::format("{}-{}.log", Clock::system().now().ns, ::getpid());
}

/// Input from nowhere, output to the file.
void redirect(int log) {
  const Fd null = open_file("/dev/null", O_RDONLY);
  const bool good = ::dup2(null.get(), STDIN_FILENO) >= 0 && ::dup2(log, STDOUT_FILENO) >= 0 &&
                    ::dup2(log, STDERR_FILENO) >= 0;
  if (!good) throw_system_error("cannot redirect to", "the log", errno);
}

/// What the child reports: the run that has begun; or kRefused and why none has: the number of the
/// error's code, its message and its hint, a line each.
constexpr std::string_view kRefused = "refused\n";

std::string refusal_of(const Error& error) {
  const auto on_one_line = [](std::string text) {
    std::replace(text.begin(), text.end(), '\n', '\0');
    return text + '\n';
  };
  return fmt::format("{}{}\n", kRefused, static_cast<int>(error.code())) +
         on_one_line(error.message()) + on_one_line(error.hint());
}

Error refusal_in(std::string text) {
  std::istringstream lines(text.substr(kRefused.size()));
  std::string code;
  std::string message;
  std::string hint;
  std::getline(lines, code);
  std::getline(lines, message);
  std::getline(lines, hint);
  std::replace(message.begin(), message.end(), '\0', '\n');
  std::replace(hint.begin(), hint.end(), '\0', '\n');
  return {static_cast<ErrorCode>(std::stoi(code)), message, hint};
}

/// Goes to the log, and until a run has begun also to the waiting parent.
int fail(Invocation& invocation, const Error& error, const Fd& begun) {
  const int status = exit_status(error.code());
  try {
    if (begun) write_all(begun.get(), as_bytes(refusal_of(error)), "a pipe");
  } catch (const Error& gone) {
    log::debug("cannot report that the run has begun: {}", gone.message());
  }
  tell(error);
  if (!begun) invocation.end_events(status, error);
  return status;
}

/// The child's part; returns its exit status.
int run_child(Invocation& invocation, int log, Fd& begun,
              const std::function<int(const BeginsRun&)>& carry_out) {
  ::setsid();
  try {
    redirect(log);
    const int status = carry_out([&begun](const std::string& run) {
      try {
        write_all(begun.get(), as_bytes(run), "a pipe");
      } catch (const Error& error) {
        // The parent may be gone meanwhile. The run continues all the same.
        log::debug("cannot report that run {} has begun: {}", run, error.message());
      }
      begun.close();
    });
    invocation.output().flush();
    // Until a run has begun, the waiting parent reports the error.
    if (!begun) invocation.end_events(status);
    return status;
  } catch (const Error& error) {
    return fail(invocation, error, begun);
  } catch (const std::exception& error) {
    return fail(invocation, Error(ErrorCode::failed, printable(error.what())), begun);
  }
}

std::string read_all(int fd) {
  std::array<std::byte, 256> buffer{};
  std::string text;
  for (;;) {
    const std::size_t size = read_some(fd, buffer, "a pipe");
    if (size == 0) return text;
    text += as_text(ByteView(buffer).first(size));
  }
}

/// No run was begun. The parent prints what the child has printed.
int end_like(pid_t child, const std::filesystem::path& log, Output& output) {
  constexpr std::uint64_t kLogBytesMax = std::uint64_t{1} << 20U;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string words(as_text(read_file(log, kLogBytesMax)));
  std::filesystem::remove(log);
  if (!WIFEXITED(status)) {
    throw Error(
        ErrorCode::failed,
        fmt::format("signal {} killed the process in the background before its run had begun: {}",
                    WTERMSIG(status), printable(words)));
  }
  output.write(words);
  return WEXITSTATUS(status);
}

}  // namespace

int detached(Invocation& invocation, const control::Config& config,
             const std::function<int(const BeginsRun&)>& carry_out) {
  const std::filesystem::path path = log_path(config);
  const Fd log = open_file(path, O_WRONLY | O_CREAT | O_APPEND);
  Pipe pipe = make_pipe();
  invocation.output().flush();
  const pid_t child = ::fork();
  if (child < 0) throw_system_error("cannot begin", "another process", errno);
  if (child == 0) {
    pipe.read.close();
    std::_Exit(run_child(invocation, log.get(), pipe.write, carry_out));
  }
  pipe.write.close();
  const std::string run = read_all(pipe.read.get());
  Output& output = invocation.output();
  if (run.starts_with(kRefused)) {
    std::filesystem::remove(path);
    throw refusal_in(run);
  }
  if (run.empty()) return end_like(child, path, output);
  invocation.leave_events();
  if (output.json()) {
    output.document(control::json_of_texts({{"run", run}, {"log", path.native()}}));
  } else {
    output.line(fmt::format("run {} continues in the background, as process {}", run, child));
    output.line(fmt::format("follow the run: salvor runs show --follow {}; its output is in {}",
                            run, printable(path.native())));
  }
  return 0;
}

}  // namespace salvor::cli
