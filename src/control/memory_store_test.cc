#include "testing/memory_store/memory_store.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/fd.h"
#include "control/drill.h"
#include "control/init.h"
#include "control/restore_in_place.h"
#include "control/restore_into.h"
#include "control/take_backup.h"

namespace salvor::control {
namespace {

namespace fs = std::filesystem;

using testing::memory_at;
using testing::MemoryContent;

/// A service of one store, of a kind that nothing but its own folder knows, and that lies at no
/// path.
class MemoryStoreTest : public ::testing::Test {
 protected:
  MemoryStoreTest() {
    testing::register_memory_type();
    testing::clear_memory();
    write_file(directory_.path() / "passphrase", "only for tests\n");
    fs::permissions(directory_.path() / "passphrase", fs::perms(0600));
    config_ = config::parse_config_text(R"(
state_dir = "state"
[repository]
url = "repository"
passphrase_file = "passphrase"
[service.shop]
staging = "staging"
[service.shop.store.cart]
type = "memory"
name = "cart"
canary = true
[[service.shop.check]]
name = "orders are there"
store = "cart"
path = "orders"
min_bytes = 3
)",
                                        "salvor.toml", directory_.path());
    cart() = {{"orders", "one two"}, {"customers", std::string(300'000, 'c')}};
    init(config_, {}, caller_);
    first_ = back_up();
    before_ = cart();
    cart() = {{"orders", "lost"}};
  }

  static MemoryContent& cart() { return memory_at("cart"); }
  static std::string marker() { return cart().at(".salvor-canary"); }

  std::string back_up() {
    const auto reports = take_backup(config_, {.service = "shop", .stores = {}}, caller_);
    return reports.front().result.point.id.hex();
  }

  ContinueRequest of_run(const std::string& run) const {
    ContinueRequest request;
    request.run = run;
    request.confirm = "shop";
    return request;
  }

  recovery::RunOutcome restore() {
    InPlaceRequest request;
    request.plan.service = "shop";
    request.plan.at = first_;
    request.confirm = "shop";
    return restore_in_place(config_, request, caller_).outcome;
  }

  /// Once the point of the first of two services is there, before the second looks at the log.
  static void between_services(const std::function<void()>& act) {
    testing::on_look_at_memory([act, before = marker()] {
      if (marker() == before) return;
      testing::on_look_at_memory({});
      act();
    });
  }

  TemporaryDirectory directory_{"/tmp"};
  Caller caller_;
  config::Config config_;
  std::string first_;
  MemoryContent before_;
};

TEST_F(MemoryStoreTest, IsRestoredInPlaceAndUndone) {
  const MemoryContent lost = cart();
  const recovery::RunOutcome outcome = restore();
  EXPECT_EQ(outcome.state, catalog::RunState::succeeded)
      << (outcome.failure ? outcome.failure->message() : "");
  EXPECT_TRUE(cart() == before_) << cart().at("orders");
  EXPECT_EQ(undo_restore(config_, of_run(outcome.plan.run), caller_).outcome.state,
            catalog::RunState::undone);
  EXPECT_EQ(cart(), lost);
}

TEST_F(MemoryStoreTest, ACloseLeavesNothingBeside) {
  const recovery::RunOutcome outcome = restore();
  EXPECT_EQ(close_restore(config_, of_run(outcome.plan.run), caller_).outcome.state,
            catalog::RunState::closed);
  EXPECT_EQ(testing::memory_names(), std::vector<std::string>{"cart"});
}

TEST_F(MemoryStoreTest, ADrillChecksTheCopy) {
  const DrillReport report = drill(config_, {.service = "shop", .at = first_}, caller_);
  EXPECT_EQ(report.outcome.state, catalog::RunState::succeeded);
  for (const checks::CheckOutcome& check : report.outcome.checks) {
    EXPECT_EQ(check.verdict, checks::Verdict::passed) << check.name << ": " << check.actual;
  }
  EXPECT_GE(report.outcome.checks.size(), 3U);
  EXPECT_EQ(cart().at("orders"), "lost");
}

TEST_F(MemoryStoreTest, IsRestoredIntoADirectory) {
  const fs::path into = directory_.path() / "into";
  RestoreRequest request;
  request.service = "shop";
  request.at = first_;
  request.into = into.native();
  EXPECT_EQ(restore_into(config_, request, caller_).stores.size(), 1U);
  EXPECT_EQ(as_text(read_file(into / "cart" / "orders", 100)), "one two");
}

TEST_F(MemoryStoreTest, WhatOthersCommitBetweenTwoServicesMakesNoOlderCopy) {
  cart() = before_;
  service::Service second = config_.services.front();
  second.name = "twin";
  second.checks.clear();
  second.stores.front().settings["name"] = "basket";
  memory_at("basket") = {{"orders", "three"}};
  config_.services.push_back(second);
  bool has_acted = false;
  between_services([&] {
    back_up();
    has_acted = true;
  });
  for (const BackupReport& report : take_backup(config_, {}, caller_)) {
    EXPECT_FALSE(report.failure) << report.failure->message();
  }
  EXPECT_TRUE(has_acted);
}

}  // namespace
}  // namespace salvor::control
