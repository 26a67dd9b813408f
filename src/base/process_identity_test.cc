#include "base/process_identity.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "base/error.h"
#include "base/fd.h"

namespace salvor {
namespace {

TEST(ProcessIdentity, OurOwnIsAliveAndStays) {
  const std::string own = own_process_identity();
  EXPECT_EQ(own, own_process_identity());
  EXPECT_EQ(std::count(own.begin(), own.end(), ' '), 3) << own;
  EXPECT_NE(own.find(" " + std::to_string(getpid()) + " "), std::string::npos);
  EXPECT_EQ(liveness_of(own), Liveness::alive);
}

TEST(ProcessIdentity, TellsTheBoot) {
  EXPECT_EQ(is_of_this_boot(own_process_identity()), true);
  EXPECT_EQ(is_of_this_boot("another-boot 1 2 3"), false);
  EXPECT_EQ(is_of_this_boot(""), false);
}

/// A process that tells its identity and then waits to be killed.
class Other {
 public:
  Other() {
    int ends[2];
    if (pipe(ends) != 0) throw_system_error("cannot make", "a pipe", errno);
    Fd reader(ends[0]);
    Fd writer(ends[1]);
    pid_ = fork();
    if (pid_ == 0) {
      const std::string identity = own_process_identity();
      write_all(writer.get(), as_bytes(identity), "pipe");
      writer.close();
      for (;;) pause();
    }
    writer.close();
    Bytes text(200);
    text.resize(read_some(reader.get(), text, "pipe"));
    identity_ = as_text(text);
  }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  ~Other() { end(); }

  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  /// Ends it, and does not ask how: a zombie stays.
  void leave_dead() const {
    kill(pid_, SIGKILL);
    siginfo_t how{};
    waitid(P_PID, static_cast<id_t>(pid_), &how, WEXITED | WNOWAIT);
  }

  const std::string& identity() const { return identity_; }

 private:
  pid_t pid_ = -1;
  std::string identity_;
};

TEST(ProcessIdentity, AnotherIsAliveUntilItIsKilled) {
  Other other;
  EXPECT_NE(other.identity(), own_process_identity());
  EXPECT_EQ(liveness_of(other.identity()), Liveness::alive);
  other.end();
  EXPECT_EQ(liveness_of(other.identity()), Liveness::dead);
}

TEST(ProcessIdentity, AZombieIsDead) {
  Other other;
  other.leave_dead();
  EXPECT_EQ(liveness_of(other.identity()), Liveness::dead);
}

/// The four parts of an identity.
struct Parts {
  std::string boot, pid, ticks, space;
  explicit Parts(const std::string& text) {
    std::istringstream(text) >> boot >> pid >> ticks >> space;
  }
  std::string text() const { return boot + " " + pid + " " + ticks + " " + space; }
};

TEST(ProcessIdentity, ThePidAloneProvesNothing) {
  Parts parts(own_process_identity());
  const std::string ticks = parts.ticks;
  ASSERT_FALSE(ticks.empty());
  parts.ticks = "1" + ticks;
  EXPECT_EQ(liveness_of(parts.text()), Liveness::dead) << "the same pid, started at another time";
}

TEST(ProcessIdentity, AnotherContainerIsElsewhere) {
  Parts parts(own_process_identity());
  parts.space += "1";
  EXPECT_EQ(liveness_of(parts.text()), Liveness::elsewhere);
}

TEST(ProcessIdentity, AnotherBootIsElsewhere) {
  std::string other = own_process_identity();
  other[0] = other[0] == '0' ? '1' : '0';
  EXPECT_EQ(liveness_of(other), Liveness::elsewhere);
  EXPECT_EQ(liveness_of(""), Liveness::elsewhere);
}

TEST(ProcessIdentity, HostileTextIsNotAPath) {
  Parts parts(own_process_identity());
  for (const std::string_view pid : {"self", "../proc/self", "1/../self", "-1"}) {
    parts.pid = pid;
    EXPECT_EQ(liveness_of(parts.text()), Liveness::dead) << pid;
  }
}

TEST(HostName, IsPrintable) {
  EXPECT_FALSE(host_name().empty());
  EXPECT_EQ(printable(host_name()), host_name());
}

}  // namespace
}  // namespace salvor
