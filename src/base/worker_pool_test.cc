#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <mutex>
#include <string>

#include "base/error.h"

namespace salvor {
namespace {

constexpr std::size_t kMany = 1000;

/// Keeps one thread of a pool busy until release(). Lets go when it goes, so that a failed test
/// ends.
class Blocker {
 public:
  explicit Blocker(WorkerPool& pool) {
    pool.submit([gates = gates_] {
      gates->begun.count_down();
      gates->released.wait();
    });
    gates_->begun.wait();
  }
  ~Blocker() { release(); }
  Blocker(const Blocker&) = delete;
  Blocker& operator=(const Blocker&) = delete;

  void release() {
    if (!done_) gates_->released.count_down();
    done_ = true;
  }

 private:
  struct Gates {
    std::latch begun{1};
    std::latch released{1};
  };
  /// Shared, because the task may still look at it when the blocker is gone.
  std::shared_ptr<Gates> gates_ = std::make_shared<Gates>();
  bool done_ = false;
};

/// What ran, in its order.
class Record {
 public:
  WorkerPool::Task task(char name) {
    return [this, name] {
      const std::lock_guard lock(mutex_);
      names_ += name;
    };
  }
  std::string names() const {
    const std::lock_guard lock(mutex_);
    return names_;
  }

 private:
  mutable std::mutex mutex_;
  std::string names_;
};

TEST(WorkerPool, RunsEveryTask) {
  std::atomic<int> sum{0};
  WorkerPool pool(4);
  for (int i = 1; i <= 1000; ++i) pool.submit([&sum, i] { sum += i; });
  pool.drain();
  EXPECT_EQ(sum, 500'500);
  pool.submit([&sum] { sum = 7; });
  pool.drain();
  EXPECT_EQ(sum, 7) << "it goes on after a drain";
}

TEST(WorkerPool, UrgentGoesBeforeOrdinaryAndEachInOrder) {
  Record record;
  WorkerPool pool(1);
  Blocker blocker(pool);
  pool.submit(record.task('a'));
  pool.submit(record.task('b'));
  EXPECT_TRUE(pool.submit_urgent(record.task('U'), kMany));
  EXPECT_TRUE(pool.submit_urgent(record.task('V'), kMany));
  pool.submit(record.task('c'));
  blocker.release();
  pool.drain();
  EXPECT_EQ(record.names(), "UVabc");
}

TEST(WorkerPool, TakesNoMoreUrgentTasksThanAreToWait) {
  Record record;
  WorkerPool pool(1);
  Blocker blocker(pool);
  EXPECT_FALSE(pool.submit_urgent(record.task('0'), 0));
  EXPECT_TRUE(pool.submit_urgent(record.task('1'), 2));
  EXPECT_TRUE(pool.submit_urgent(record.task('2'), 2));
  EXPECT_FALSE(pool.submit_urgent(record.task('3'), 2));
  blocker.release();
  pool.drain();
  EXPECT_EQ(record.names(), "12");
}

TEST(WorkerPool, HelpRunsOneUrgentTaskHere) {
  WorkerPool pool(1);
  Blocker blocker(pool);
  std::thread::id ran_on;
  Record record;
  pool.submit(record.task('o'));
  EXPECT_FALSE(pool.help()) << "ordinary tasks are not for helpers";
  ASSERT_TRUE(pool.submit_urgent([&] { ran_on = std::this_thread::get_id(); }, kMany));
  ASSERT_TRUE(pool.submit_urgent(record.task('u'), kMany));
  EXPECT_TRUE(pool.help());
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_EQ(record.names(), "");
  EXPECT_TRUE(pool.help());
  EXPECT_EQ(record.names(), "u");
  EXPECT_FALSE(pool.help());
}

TEST(WorkerPool, TheFirstFailureEndsTheWork) {
  Record record;
  WorkerPool pool(1);
  Blocker blocker(pool);
  pool.submit(record.task('a'));
  pool.submit([] { throw Error(ErrorCode::corruption, "the first"); });
  pool.submit(record.task('b'));
  EXPECT_TRUE(pool.submit_urgent(record.task('U'), kMany));
  pool.submit([] { throw Error(ErrorCode::failed, "the second"); });
  EXPECT_FALSE(pool.failed());
  EXPECT_NO_THROW(pool.rethrow());
  blocker.release();
  try {
    pool.drain();
    FAIL() << "the failure got lost";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "the first");
  }
  EXPECT_EQ(record.names(), "Ua");
  EXPECT_TRUE(pool.failed());
  EXPECT_THROW(pool.rethrow(), Error);
}

TEST(WorkerPool, AfterAFailureNothingIsTaken) {
  Record record;
  WorkerPool pool(2);
  pool.submit([] { throw Error(ErrorCode::failed, "no"); });
  EXPECT_THROW(pool.drain(), Error);
  pool.submit(record.task('a'));
  EXPECT_FALSE(pool.submit_urgent(record.task('U'), kMany));
  EXPECT_FALSE(pool.help());
  EXPECT_THROW(pool.drain(), Error);
  EXPECT_EQ(record.names(), "");
}

TEST(WorkerPool, AFailureWhileHelpingIsThePools) {
  WorkerPool pool(1);
  Blocker blocker(pool);
  ASSERT_TRUE(
      pool.submit_urgent([] { throw Error(ErrorCode::unreachable, "while helping"); }, kMany));
  EXPECT_TRUE(pool.help()) << "the helper itself does not throw";
  EXPECT_TRUE(pool.failed());
  blocker.release();
  EXPECT_THROW(pool.drain(), Error);
}

TEST(WorkerPool, ATaskCanFailThePoolWithoutThrowing) {
  Record record;
  WorkerPool pool(1);
  Blocker blocker(pool);
  pool.submit([&] {
    pool.fail(std::make_exception_ptr(Error(ErrorCode::cancelled, "asked to stop")));
    pool.fail(std::make_exception_ptr(Error(ErrorCode::failed, "later")));
  });
  pool.submit(record.task('a'));
  blocker.release();
  try {
    pool.drain();
    FAIL() << "the failure got lost";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
  EXPECT_EQ(record.names(), "");
}

TEST(WorkerPool, AFailureWakesWhoWaitsForSomethingElse) {
  std::latch woken{1};
  std::atomic<int> calls{0};
  WorkerPool pool(2, [&] {
    ++calls;
    EXPECT_TRUE(pool.failed()) << "who is woken finds it";
    woken.count_down();
  });
  pool.submit([] { throw Error(ErrorCode::unreachable, "the first"); });
  woken.wait();
  pool.fail(std::make_exception_ptr(Error(ErrorCode::failed, "the second")));
  EXPECT_THROW(pool.drain(), Error);
  EXPECT_EQ(calls, 1);
}

TEST(WorkerPool, DrainWaitsForWhatTasksSubmit) {
  std::atomic<int> runs{0};
  WorkerPool pool(2);
  std::function<void(int)> spread = [&](int depth) {
    ++runs;
    for (int i = 0; depth > 0 && i < 2; ++i) {
      const auto next = [&spread, depth] { spread(depth - 1); };
      // As the pipeline does it: what the pool does not take is done at once.
      if (i == 0) {
        pool.submit(next);
      } else if (!pool.submit_urgent(next, 3)) {
        next();
      }
    }
  };
  pool.submit([&] { spread(10); });
  pool.drain();
  EXPECT_EQ(runs, 2047);
}

TEST(WorkerPool, ManySubmittersAndHelpers) {
  std::atomic<int> runs{0};
  WorkerPool pool(3);
  {
    std::vector<std::jthread> submitters;
    for (int thread = 0; thread < 4; ++thread) {
      submitters.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          pool.submit([&runs] { ++runs; });
          if (!pool.submit_urgent([&runs] { ++runs; }, 8)) ++runs;
          if (i % 10 == 0) pool.help();
        }
      });
    }
  }
  pool.drain();
  EXPECT_EQ(runs, 4000);
}

TEST(WorkerPool, DestructionDropsWhatHasNotBegun) {
  Record record;
  {
    WorkerPool pool(0);  // nobody can begin it
    pool.submit(record.task('a'));
    EXPECT_TRUE(pool.submit_urgent(record.task('U'), kMany));
  }
  EXPECT_EQ(record.names(), "");
}

TEST(WorkerPool, DestructionWaitsForWhatHasBegun) {
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  std::latch first{1};
  std::latch release{1};
  std::jthread releaser;
  {
    WorkerPool pool(2);
    pool.submit([&] {
      ++begun;
      first.count_down();
      release.wait();
      ++ended;
    });
    for (std::size_t i = 0; i < kMany; ++i) {
      pool.submit([&] {
        ++begun;
        ++ended;
      });
    }
    first.wait();
    releaser = std::jthread([&] { release.count_down(); });
  }
  EXPECT_GE(ended, 1);
  EXPECT_EQ(begun, ended);
}

TEST(WorkerPool, EmptyPoolsComeAndGo) {
  for (int round = 0; round < 50; ++round) {
    WorkerPool pool(4);
    if (round % 2 == 0) pool.drain();
  }
}

}  // namespace
}  // namespace salvor
