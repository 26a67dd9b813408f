#include <gtest/gtest.h>

#include "backend/memory.h"
#include "repo/check.h"
#include "repo/session.h"
#include "testing/test_repository.h"

/// Accepted points: in the log, for everybody who opens the repository.
namespace salvor::repo {
namespace {

class AcceptTest : public ::testing::Test {
 protected:
  AcceptTest() { salvor::testing::create_repository(memory_); }

  std::unique_ptr<Repository> open(Access access) {
    return salvor::testing::open_repository(memory_, access);
  }

  PointId add_suspect() {
    const auto repository = open(Access::write);
    const auto session = repository->begin();
    Point point;
    point.service = "shop";
    Snapshot& snapshot = point.snapshots.emplace_back();
    snapshot.store = "media";
    snapshot.type = "files";
    snapshot.root = session->tree().finish().id;
    snapshot.suspicions = {"it is empty"};
    return session->commit(point);
  }

  bool is_suspect(const PointId& id, Access access = Access::read) {
    const auto repository = open(access);
    for (const Point& point : repository->points()) {
      if (point.id == id) return point.is_suspect();
    }
    ADD_FAILURE() << "the point is gone";
    return false;
  }

  std::vector<std::string> names(const std::string& prefix) {
    std::vector<std::string> found;
    memory_.list(prefix, "", [&](const backend::Object& object) { found.push_back(object.name); });
    return found;
  }

  backend::MemoryBackend memory_;
};

TEST_F(AcceptTest, an_accepted_point_is_good_for_who_opens_the_repository_later) {
  const PointId first = add_suspect();
  const PointId second = add_suspect();
  EXPECT_TRUE(is_suspect(first));
  EXPECT_TRUE(open(Access::write)->accept(first));
  EXPECT_FALSE(is_suspect(first));
  EXPECT_TRUE(is_suspect(second));
  EXPECT_FALSE(open(Access::write)->accept(first));
}

TEST_F(AcceptTest, it_outlives_checkpoints_and_a_log_that_is_begun_anew) {
  const PointId id = add_suspect();
  open(Access::write)->accept(id);
  for (int i = 0; i < 20; ++i) add_suspect();
  ASSERT_FALSE(names("checkpoint/").empty());
  EXPECT_FALSE(is_suspect(id));

  // A lost entry: repair makes a checkpoint of what the rest says.
  memory_.remove(names("log/").at(names("log/").size() / 2 + 20));
  {
    const auto repository = open(Access::repair);
    repair(*repository);
  }
  EXPECT_FALSE(is_suspect(id, Access::write));
  const auto repository = open(Access::inspect);
  EXPECT_TRUE(check(*repository, {}).sound());
}

}  // namespace
}  // namespace salvor::repo
