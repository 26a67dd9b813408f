#include <gtest/gtest.h>

#include <fstream>

#include "backend/memory.h"
#include "backup/backup.h"
#include "base/fd.h"
#include "catalog/internal/database.h"
#include "control/caller.h"
#include "control/internal/canaries.h"
#include "control/internal/make_plan.h"
#include "control/internal/surroundings.h"
#include "control/plan_restore.h"
#include "recovery/execute.h"
#include "repo/records.h"
#include "stores/files/files.h"
#include "testing/seeded_rng.h"
#include "testing/test_repository.h"

/// That the checks of a drill can fail: each way of spoiling a restored copy must be seen.
namespace salvor::control {
namespace {

namespace fs = std::filesystem;

using checks::CheckOutcome;

/// What a drill has restored, to be spoilt.
struct Copy {
  fs::path database;
  fs::path media;
};

void write_file(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

void run_sql(const fs::path& path, const std::string& sql) {
  if (!fs::exists(path)) write_file(path, "");
  catalog::Database(path).execute(sql);
}

void flip_byte(const fs::path& path, std::size_t offset) {
  Bytes bytes = read_file(path, 1U << 24U);
  bytes.at(offset) ^= std::byte{1};
  write_file(path, as_text(bytes));
}

class DrillChecksTest : public ::testing::Test {
 protected:
  DrillChecksTest() {
    testing::create_repository(memory_);
    service_.name = "shop";
    service_.stores.push_back(
        service::make_store("db", stores::type_named("sqlite"),
                            {{"path", (root() / "live" / "shop.db").native()}, {"canary", true}}));
    service_.stores.push_back(
        service::make_store("media", stores::type_named("files"),
                            {{"path", (root() / "live" / "media").native()}, {"canary", true}}));
    config_.file = root() / "salvor.toml";
    config_.state_directory = root() / "state";
    config_.repository.path = root() / "repository";
    config_.services.push_back(service_);
    fill();
    back_up();
    write_file(live_media() / "2026" / "a", "changed after the first");
    back_up();
  }

  fs::path root() const { return directory_.path(); }
  fs::path live_media() const { return root() / "live" / "media"; }
  fs::path staging() const { return root() / "staging"; }

  void fill() {
    fs::create_directories(live_media() / "2026");
    testing::SeededRng rng(1);
    write_file(live_media() / "2026" / "a", "as it was before");
    for (const char* name : {"equal 1", "equal 2"}) {
      write_file(live_media() / name, as_text(rng.bytes(5000)));
    }
    run_sql(root() / "live" / "shop.db",
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT);"
            "INSERT INTO orders (what) VALUES (hex(randomblob(9000))), ('b'), ('c')");
  }

  void back_up() {
    const auto repository = testing::open_repository(memory_, repo::Access::write);
    std::vector<const service::Store*> stores;
    for (const service::Store& store : service_.stores) stores.push_back(&store);
    const internal::Canaries canaries(*repository, service_, stores, {});
    std::vector<std::unique_ptr<stores::Source>> sources;
    std::vector<backup::StoreInput> inputs;
    for (const service::Store* store : stores) {
      sources.push_back(store->type->source(store->settings, internal::surroundings_of(config_)));
      inputs.push_back(
          {store->name, std::string(store->type->name()), sources.back().get(), false});
    }
    backup::Options options;
    options.service = service_.name;
    options.before_commit = [&](repo::Point& point) { canaries.state(point); };
    backup::run(*repository, inputs, options);
  }

  /// A marker of this repository that a backup of another service would plant.
  stores::Marker marker_of(const std::string& service) {
    const auto repository = testing::open_repository(memory_);
    return checks::make_marker(repo::derive_secret(*repository, checks::kCanaryPurpose), service,
                               "media", std::string(32, '0'), Clock::system().now());
  }

  /// Drills the newest point, whose copy is spoilt before anything looks at it.
  recovery::RunOutcome drill(const std::function<void(const Copy&)>& spoil) {
    const auto repository = testing::open_repository(memory_, repo::Access::write);
    recovery::Plan plan = internal::make_plan(config_, service_, repository->points().back(),
                                              service::Mode::drill, PlanRequest{});
    plan.run = "20260102t030405-0000000" + std::to_string(++runs_);
    plan.staging = staging();
    recovery::StoreAccess access(internal::surroundings_of(config_));
    recovery::ExecuteOptions options;
    bool spoilt = false;
    options.kill_point = [&](std::string_view place) {
      if (place != "restore-media:done") return;
      spoil({staging() / "db" / "shop.db", staging() / "media"});
      spoilt = true;
    };
    recovery::RunOutcome outcome = recovery::execute(*repository, access, plan, options);
    EXPECT_TRUE(spoilt);
    EXPECT_FALSE(fs::exists(staging())) << "torn down, whatever was found";
    return outcome;
  }

  /// The drill must be red in this store, and say this about it.
  void expect_red(const std::string& store, const std::string& text,
                  const std::function<void(const Copy&)>& spoil) {
    const recovery::RunOutcome outcome = drill(spoil);
    EXPECT_EQ(outcome.state, catalog::RunState::failed);
    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(outcome.failure->code(), ErrorCode::checks_failed) << outcome.failure->message();
    std::string found;
    for (const CheckOutcome& check : outcome.checks) {
      if (check.good()) continue;
      EXPECT_EQ(check.store, store) << check.name << ": " << check.actual;
      found += check.name + ": " + check.actual + "\n";
    }
    EXPECT_NE(found.find(text), std::string::npos) << found;
  }

  const TemporaryDirectory directory_{"/tmp"};
  backend::MemoryBackend memory_;
  config::Config config_;
  service::Service service_;
  int runs_ = 0;
};

TEST_F(DrillChecksTest, AWholeCopyIsGood) {
  const recovery::RunOutcome outcome = drill([](const Copy&) {});
  EXPECT_EQ(outcome.state, catalog::RunState::succeeded);
  for (const CheckOutcome& check : outcome.checks) {
    EXPECT_EQ(check.verdict, checks::Verdict::passed) << check.name << ": " << check.actual;
  }
}

TEST_F(DrillChecksTest, ADroppedTable) {
  expect_red("db", "shop.db",
             [](const Copy& copy) { run_sql(copy.database, "DROP TABLE orders"); });
}

TEST_F(DrillChecksTest, AnEmptyDatabase) {
  expect_red("db", "canary of db", [](const Copy& copy) { fs::resize_file(copy.database, 0); });
}

TEST_F(DrillChecksTest, AFlippedByteInAPage) {
  expect_red("db", "shop.db", [](const Copy& copy) { flip_byte(copy.database, 8192 + 100); });
}

TEST_F(DrillChecksTest, ATruncatedFile) {
  expect_red("media", "equal 1",
             [](const Copy& copy) { fs::resize_file(copy.media / "equal 1", 4096); });
}

TEST_F(DrillChecksTest, OldData) {
  expect_red("media", "2026/a",
             [](const Copy& copy) { write_file(copy.media / "2026" / "a", "as it was before"); });
}

TEST_F(DrillChecksTest, AnotherServicesData) {
  const stores::Marker marker = marker_of("blog");
  expect_red("media",
             "the canary of another service: it was planted in store media of service blog",
             [&](const Copy& copy) { stores::plant_files_marker(copy.media, marker); });
}

TEST_F(DrillChecksTest, SwappedFilesOfEqualSize) {
  expect_red("media", "differences: 2, the first: equal 1", [](const Copy& copy) {
    fs::rename(copy.media / "equal 1", copy.media / "x");
    fs::rename(copy.media / "equal 2", copy.media / "equal 1");
    fs::rename(copy.media / "x", copy.media / "equal 2");
  });
}

TEST_F(DrillChecksTest, AMissingDirectory) {
  expect_red("media", "2026", [](const Copy& copy) { fs::remove_all(copy.media / "2026"); });
  expect_red("media", "canary of media", [](const Copy& copy) { fs::remove_all(copy.media); });
}

}  // namespace
}  // namespace salvor::control
