#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "backend/local.h"
#include "backend/memory.h"
#include "base/error.h"
#include "scratch.h"

/// Many writers at once: all their points are committed, and restore.
namespace salvor::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kWriters = 8;

class ConcurrencyTest : public ::testing::Test {
 protected:
  ConcurrencyTest() {
    for (std::size_t i = 0; i < kWriters; ++i) {
      // Half of each tree is the same for all, so that they meet in the chunks too.
      make_tree(tree(i) / "own", 10, 20'000, i);
      make_tree(tree(i) / "same", 10, 20'000, 1000);
    }
  }

  fs::path tree(std::size_t writer) const {
    return directory_.path() / ("tree " + std::to_string(writer));
  }

  void expect_all(backend::Backend& medium, const std::vector<repo::PointId>& points) {
    EXPECT_EQ(damage_of(medium), "");
    const auto repository = open_repository(medium);
    ASSERT_EQ(repository->points().size(), kWriters);
    for (std::size_t i = 0; i < kWriters; ++i) {
      const auto point = std::find_if(repository->points().begin(), repository->points().end(),
                                      [&](const auto& other) { return other.id == points[i]; });
      ASSERT_NE(point, repository->points().end());
      EXPECT_EQ(
          tree_difference(describe_tree(tree(i)), restored(*repository, *point, directory_.path())),
          "");
    }
  }

  void run_threads(backend::Backend& medium, bool same_service) {
    std::vector<repo::PointId> points(kWriters);
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < kWriters; ++i) {
        threads.emplace_back([&, i] {
          try {
            points[i] =
                back_up(medium, tree(i), same_service ? "service" : "service " + std::to_string(i));
          } catch (const Error& error) {
            ADD_FAILURE() << error.message();
          }
        });
      }
    }
    expect_all(medium, points);
  }

  const TemporaryDirectory directory_{"/tmp"};
};

TEST_F(ConcurrencyTest, eight_threads_back_up_one_service) {
  backend::MemoryBackend medium;
  create_repository(medium);
  run_threads(medium, true);
}

TEST_F(ConcurrencyTest, eight_threads_back_up_eight_services) {
  const auto medium = backend::create_local(directory_.path() / "repository");
  create_repository(*medium);
  run_threads(*medium, false);
}

TEST_F(ConcurrencyTest, eight_processes_back_up_at_once) {
  for (const bool same_service : {true, false}) {
    const fs::path place = directory_.path() / (same_service ? "repository 1" : "repository 2");
    const auto medium = backend::create_local(place);
    create_repository(*medium);
    std::vector<pid_t> children;
    for (std::size_t i = 0; i < kWriters; ++i) {
      children.push_back(fork());
      ASSERT_GE(children.back(), 0);
      if (children.back() != 0) continue;
      try {
        const auto own = backend::open_local(place);
        const auto id =
            back_up(*own, tree(i), same_service ? "service" : "service " + std::to_string(i));
        write_file_atomically(directory_.path() / ("point " + std::to_string(i)),
                              as_bytes(id.hex()));
        _exit(0);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "writer %zu: %s\n", i, error.what());
        _exit(1);
      }
    }
    std::vector<repo::PointId> points;
    for (std::size_t i = 0; i < kWriters; ++i) {
      int status = 0;
      ASSERT_EQ(waitpid(children[i], &status, 0), children[i]);
      ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
      const Bytes hex = read_file(directory_.path() / ("point " + std::to_string(i)), 100);
      points.push_back(repo::PointId::parse(as_text(hex)).value());
    }
    expect_all(*medium, points);
  }
}

}  // namespace
}  // namespace salvor::testing
