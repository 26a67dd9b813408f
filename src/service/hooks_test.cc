#include "service/hooks.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/fd.h"
#include "codec/hash.h"
#include "testing/deep.h"

namespace salvor::service {
namespace {

namespace fs = std::filesystem;

/// Of this process and those that it forks: commands of a run are looked for by it in all of /proc.
const std::string kRun = "r" + std::to_string(::getpid());

HookContext context() {
  HookContext context;
  context.run = kRun;
  context.service = "shop";
  context.point = "abc";
  context.point_time = "2026-01-02T03:04:05.000000Z";
  return context;
}

HookOutcome run_shell(const std::string& command, std::int64_t timeout_s = 60) {
  return run_hook(command, context(), timeout_s, {});
}

/// Whether the process is gone, or only waits for its parent to ask for its status.
bool is_gone(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return true;
  const std::size_t name_end = line.rfind(')');
  return name_end != std::string::npos && line.at(name_end + 2) == 'Z';
}

bool ends(pid_t pid) {
  for (int i = 0; i < 1000 && !is_gone(pid); ++i) ::usleep(10'000);
  return is_gone(pid);
}

TEST(HooksTest, a_command_is_told_where_it_is) {
  HookContext told = context();
  told.mode = Mode::drill;
  told.store_paths = {{"db", "/copy/of db"}, {"old-media_2", "/copy/media"}};
  const HookOutcome outcome = run_hook(
      "echo \"$SALVOR_MODE|$SALVOR_RUN|$SALVOR_SERVICE|$SALVOR_POINT|$SALVOR_POINT_TIME\"; "
      "echo \"$SALVOR_STORE_DB|$SALVOR_STORE_OLD_MEDIA_2\"",
      told, 60, {});
  EXPECT_EQ(outcome.output,
            "drill|" + kRun + "|shop|abc|2026-01-02T03:04:05.000000Z\n/copy/of db|/copy/media\n");
  EXPECT_TRUE(outcome.succeeded());
  EXPECT_EQ(outcome.output_sha256, to_hex(codec::sha256(as_bytes(outcome.output))));
}

TEST(HooksTest, what_is_told_goes_before_what_is_inherited) {
  ASSERT_EQ(::setenv("SALVOR_RUN", "another", 1), 0);
  EXPECT_EQ(run_shell("echo $SALVOR_RUN").output, kRun + "\n");
  ASSERT_EQ(::unsetenv("SALVOR_RUN"), 0);
}

TEST(HooksTest, two_stores_never_share_a_variable) {
  HookContext told = context();
  told.store_paths = {{"a-b", "/1"}, {"a_b", "/2"}};
  try {
    run_hook("true", told, 60, {});
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::configuration);
    EXPECT_NE(error.message().find("SALVOR_STORE_A_B"), std::string::npos) << error.message();
  }
}

TEST(HooksTest, a_command_runs_in_its_directory_without_input) {
  const TemporaryDirectory directory("/tmp");
  HookContext told = context();
  told.directory = directory.path();
  EXPECT_EQ(run_hook("pwd -P; cat", told, 60, {}).output, directory.path().native() + "\n");
}

TEST(HooksTest, a_failure_says_how_and_shows_the_end_of_the_output) {
  const HookOutcome outcome = run_shell("seq 1 100; printf 'no\\033 room\\n' >&2; exit 3");
  EXPECT_FALSE(outcome.succeeded());
  EXPECT_EQ(outcome.describe(), "exit status 3");
  try {
    require_success(outcome, "the command writes.lock", "lock it by hand");
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_EQ(error.message(),
              "the command writes.lock failed: exit status 3; the end of its output:\n  92\n  93\n"
              "  94\n  95\n  96\n  97\n  98\n  99\n  100\n  no\\x1b room");
    EXPECT_EQ(error.hint(), "lock it by hand");
  }
  require_success(run_shell("true"), "this", "");
}

TEST(HooksTest, a_silent_failure_is_said_to_be_silent) {
  try {
    require_success(run_shell("exit 9"), "it", "");
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "it failed: exit status 9, without any output");
  }
}

TEST(HooksTest, a_missing_command_and_a_killed_one_fail) {
  const HookOutcome missing = run_shell("salvor-no-such-program");
  EXPECT_EQ(missing.exit_status, 127);
  EXPECT_NE(missing.output.find("salvor-no-such-program"), std::string::npos);
  const HookOutcome killed = run_shell("echo before; kill -9 $$");
  EXPECT_EQ(killed.signal, SIGKILL);
  EXPECT_FALSE(killed.succeeded());
  EXPECT_EQ(killed.describe(), "signal 9 (Killed)");
  EXPECT_EQ(killed.output, "before\n");
}

TEST(HooksTest, the_time_limit_ends_all_that_belongs_to_it) {
  const Time begin = Clock::system().monotonic();
  const HookOutcome outcome = run_shell("sleep 600 & echo $!; wait", 1);
  EXPECT_LT(Clock::system().monotonic().seconds_since(begin), 30);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_FALSE(outcome.succeeded());
  EXPECT_EQ(outcome.describe(), "it did not end within its time limit of 1 s");
  EXPECT_GE(outcome.seconds, 1);
  EXPECT_TRUE(ends(std::stoi(outcome.output))) << "its children are ended, too";
}

TEST(HooksTest, megabytes_of_output_are_read_and_their_end_is_kept) {
  const HookOutcome outcome =
      run_shell("head -c 5000000 /dev/zero; echo last; head -c 3000000 /dev/zero >&2; echo e >&2");
  EXPECT_TRUE(outcome.succeeded());
  EXPECT_TRUE(outcome.output_truncated);
  EXPECT_EQ(outcome.output.size(), std::size_t{128} << 10U);
  EXPECT_EQ(outcome.output.substr((64 << 10U) - 6, 6), std::string("\0last\n", 6));
  EXPECT_TRUE(outcome.output.ends_with("e\n"));
  EXPECT_LE(outcome.last_lines().size(), 4 * 500 * 10U);
}

TEST(HooksTest, what_it_leaves_in_the_background_goes_on) {
  const Time begin = Clock::system().monotonic();
  const HookOutcome outcome = run_shell("sleep 600 >/dev/null 2>&1 & echo $!");
  EXPECT_LT(Clock::system().monotonic().seconds_since(begin), 30);
  EXPECT_TRUE(outcome.succeeded());
  const pid_t background = std::stoi(outcome.output);
  EXPECT_FALSE(is_gone(background)) << "a server that was started must go on";
  EXPECT_EQ(::kill(background, SIGKILL), 0);
}

TEST(HooksTest, a_stop_ends_it) {
  const TemporaryDirectory directory("/tmp");
  const fs::path started = directory.path() / "started";
  std::stop_source stop;
  const std::jthread stopper([&] {
    while (!fs::exists(started)) ::usleep(1000);
    stop.request_stop();
  });
  try {
    run_hook("touch '" + started.native() + "'; sleep 600", context(), 600, stop.get_token());
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

TEST(HooksTest, the_shell_is_as_with_c_alone) {
  EXPECT_EQ(run_shell("echo \"$0 $# [$1]\"").output, "/bin/sh 0 []\n");
  EXPECT_EQ(run_shell("false").exit_status, 1);
  EXPECT_EQ(run_shell("echo a; exit 5; echo b").exit_status, 5);
  EXPECT_EQ(run_shell("true # a comment").exit_status, 0);
  EXPECT_EQ(run_shell("cat <<END\nin a document\nEND").output, "in a document\n");
  EXPECT_EQ(run_shell("set -e; false; echo not here").output, "");
  EXPECT_EQ(run_shell("(").exit_status, 2);
  EXPECT_EQ(run_shell("exec sh -c 'exit 7'").exit_status, 7);
  EXPECT_EQ(run_shell("sleep 0 &\nwait; echo '\"$PWD'\\\\").output, "\"$PWD\\\n");
}

/// A process that began a command of the run, and was killed; the command goes on.
class LeftHook {
 public:
  explicit LeftHook(const std::string& command, const fs::path& started) {
    const pid_t child = ::fork();
    if (child == 0) {
      run_hook("touch '" + started.native() + "'; " + command, context(), 600, {});
      ::_exit(0);
    }
    while (!fs::exists(started)) ::usleep(1000);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  ~LeftHook() {
    const auto left = running_hook(kRun);
    if (left) ::kill(static_cast<pid_t>(-left->pid), SIGKILL);
  }
};

TEST(HooksTest, a_command_of_a_killed_run_does_not_meet_another) {
  const TemporaryDirectory directory("/tmp");
  EXPECT_FALSE(running_hook(kRun));
  const LeftHook left("sleep 600", directory.path() / "started");
  const auto found = running_hook(kRun);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->command.ends_with("; sleep 600")) << found->command;
  EXPECT_FALSE(running_hook("r2")) << "another run's command is none of its business";
  try {
    run_shell("true");
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
    EXPECT_NE(error.message().find("sleep 600"), std::string::npos) << error.message();
    EXPECT_FALSE(error.hint().empty());
  }
  ::kill(static_cast<pid_t>(-found->pid), SIGKILL);
  ASSERT_TRUE(ends(static_cast<pid_t>(found->pid)));
  EXPECT_TRUE(run_shell("true").succeeded());
}

TEST(HooksTest, processes_that_end_while_they_are_looked_at) {
  std::atomic<bool> over = false;
  std::thread short_lives([&over] {
    const int processes = testing::repetitions(150, 1500);
    for (int i = 0; i < processes; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::setsid();
        ::_exit(0);
      }
      ::waitpid(child, nullptr, 0);
    }
    over = true;
  });
  while (!over) EXPECT_FALSE(running_hook("nobody"));
  short_lives.join();
}

TEST(HooksTest, a_server_that_was_left_running_is_no_command) {
  const HookOutcome outcome = run_shell("setsid sleep 600 >/dev/null 2>&1 & echo $!");
  EXPECT_FALSE(running_hook(kRun));
  EXPECT_TRUE(run_shell("true").succeeded());
  EXPECT_EQ(::kill(std::stoi(outcome.output), SIGKILL), 0);
}

TEST(HooksTest, commands_of_one_process_may_run_at_once) {
  HookOutcome second;
  const TemporaryDirectory directory("/tmp");
  const fs::path started = directory.path() / "started";
  const fs::path over = directory.path() / "over";
  {
    const std::jthread first([&] {
      run_shell("touch '" + started.native() + "'; while ! test -e '" + over.native() +
                "'; do sleep 0.01; done");
    });
    while (!fs::exists(started)) ::usleep(1000);
    second = run_shell("true");
    std::ofstream(over) << "";
  }
  EXPECT_TRUE(second.succeeded());
}

TEST(HooksTest, a_missing_directory_is_an_error) {
  HookContext told = context();
  told.directory = "/tmp/salvor-no-such-directory";
  EXPECT_THROW(run_hook("true", told, 60, {}), Error);
}

}  // namespace
}  // namespace salvor::service
