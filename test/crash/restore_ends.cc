#include "restore_ends.h"

#include <atomic>
#include <csignal>
#include <fstream>

#include "base/error.h"
#include "control/plan_restore.h"
#include "control/restore_in_place.h"
#include "control/verify.h"

namespace salvor::testing {
namespace {

namespace fs = std::filesystem;

/// What a restore adds for itself beside the stores.
bool is_of_a_run(const std::string& path) {
  return path.starts_with(".salvor-") || path.find(".aside-") != std::string::npos;
}

/// As users see a live shop. Making and removing a workplace changes the time of the directory
/// that it is in.
TreeDescription described(const Shop& shop) {
  TreeDescription description;
  for (auto& [path, line] : describe_tree(shop.live())) {
    if (path != "." && !is_of_a_run(path)) description[path] = line;
  }
  description["the database"] = shop.sql(".dump");
  if (shop.is_wal()) {
    // Whoever closes it last merges its log: rows are the same, bytes are not.
    for (const char* file : {"shop.db", "shop.db-wal", "shop.db-shm"}) description.erase(file);
  }
  return description;
}

}  // namespace

void RestoreEnds::prepare(const fs::path& at, bool in_place_delta, ShopCommands commands) {
  at_ = at;
  in_place_delta_ = in_place_delta;
  commands_ = std::move(commands);
  template_ = Shop(at_ / "template", commands_);
  template_.build();
  template_.damage();
  damaged_ = described(template_);
  const Shop whole = copy("whole");
  places_ = act_until(restore_shop, whole, SIZE_MAX, [] {});
  restored_ = visible(whole);
  act_until(close_shop, whole, SIZE_MAX, [] {});
  closed_ = visible(whole);
}

std::size_t RestoreEnds::act_until(Act act, const Shop& shop, std::size_t place,
                                   const std::function<void()>& die) const {
  std::atomic<std::size_t> reached = 0;  // packs are read by several threads
  ShopRestore restore;
  restore.in_place_delta = in_place_delta_;
  restore.with_catalog = with_catalog_;
  restore.reach = [&](std::string_view) {
    if (reached++ == place) die();
  };
  const auto outcome = act(shop, restore);
  if (outcome.failure) throw *outcome.failure;
  return reached;
}

void RestoreEnds::die_at(Act act, const Shop& shop, std::size_t place, std::size_t places,
                         const std::function<void()>& die) const {
  Child child([&] { act_until(act, shop, place, die); });
  const int status = child.wait();
  // How often packs are read is not the same each time: the last places may not be reached.
  constexpr std::size_t kMayBeMissed = 4;
  if (status == 0 && place + kMayBeMissed >= places) return;
  ASSERT_EQ(status, -SIGKILL) << "place " << place;
}

/// All but what changes from run to run: what commands make, and the times of it.
TreeDescription RestoreEnds::visible(const Shop& shop) {
  TreeDescription description = described(shop);
  std::erase_if(description, [](const auto& line) {
    return line.first.starts_with("media/thumbs") || line.first == "shop.db";
  });
  return description;
}

/// Nothing of the run is in the way of the next.
void RestoreEnds::expect_unclaimed(const Shop& shop) {
  control::PlanRequest request;
  request.service = "shop";
  EXPECT_EQ(control::plan_restore(shop.config(), request, {}).open_restore, std::nullopt);
}

void RestoreEnds::expect_restored(const Shop& shop, const TreeDescription& expected) {
  EXPECT_EQ(tree_difference(expected, visible(shop)), "");
  EXPECT_EQ(shop.sql("SELECT count(*) FROM customers"), "200\n");
  EXPECT_EQ(shop.sql("PRAGMA integrity_check"), "ok\n");
  EXPECT_EQ(shop.sql("SELECT count(*) FROM migrated"), "0\n");
  EXPECT_FALSE(fs::exists(shop.live() / "maintenance"));
  // What the store excludes is as it was before the restore, not as at the point.
  std::string page;
  std::getline(std::ifstream(shop.live() / "media/cache/page"), page);
  EXPECT_EQ(page, "hot");
  expect_unclaimed(shop);
}

void RestoreEnds::expect_as_before(const Shop& shop) const {
  EXPECT_EQ(tree_difference(damaged_, described(shop)), "");
  EXPECT_FALSE(fs::exists(shop.live() / "maintenance"));
  expect_unclaimed(shop);
}

void RestoreEnds::expect_resumes(const Shop& shop, std::size_t place, bool other_host) const {
  try {
    const auto report = control::resume_restore(shop.config(other_host), continue_run(), {});
    EXPECT_EQ(report.outcome.state, catalog::RunState::succeeded)
        << (report.outcome.failure ? report.outcome.failure->what() : "");
    expect_restored(shop, restored_);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found) << error.what();
    EXPECT_LT(place, kPlacesBeforeThePlan);
    expect_as_before(shop);
  }
}

void RestoreEnds::expect_goes_back(const Shop& shop, std::size_t place, bool other_host) const {
  try {
    const auto report = control::undo_restore(shop.config(other_host), continue_run(), {});
    EXPECT_EQ(report.outcome.state, catalog::RunState::undone)
        << (report.outcome.failure ? report.outcome.failure->what() : "");
    for (const std::string& kept : report.outcome.kept) fs::remove_all(kept);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found) << error.what();
    EXPECT_LT(place, kPlacesBeforeThePlan);
  }
  expect_as_before(shop);
}

/// All but what the application's lock leaves, and the sign that a tree is half written.
TreeDescription RestoreEnds::data_of(const Shop& shop) {
  TreeDescription description = described(shop);
  std::erase_if(description, [](const auto& line) {
    return line.first == "maintenance" || line.first.ends_with("/.salvor-incomplete");
  });
  return description;
}

void RestoreEnds::expect_survives_older_copy(const Shop& shop) const {
  const TreeDescription before = data_of(shop);
  const bool is_untouched = before == data_of(template_);
  fs::remove_all(shop.root() / "repository");
  fs::copy(template_.root() / "repository", shop.root() / "repository",
           fs::copy_options::recursive);
  const config::Config config = shop.config();
  control::VerifyRequest accept;
  accept.accept_older = control::verify(config, {}, {}).repository;
  control::verify(config, accept, {});
  try {
    const auto report = control::resume_restore(config, continue_run(), {});
    EXPECT_EQ(report.outcome.state, catalog::RunState::succeeded)
        << (report.outcome.failure ? report.outcome.failure->what() : "");
    expect_restored(shop, restored_);
  } catch (const Error& error) {
    // Nothing of it was in the catalog yet.
    if (error.code() == ErrorCode::not_found) return expect_as_before(shop);
    EXPECT_EQ(error.code(), ErrorCode::refused) << error.what();
    EXPECT_EQ(tree_difference(before, data_of(shop)), "");
    EXPECT_EQ(control::abandon_restore(config, continue_run(), {}).outcome.state,
              catalog::RunState::abandoned);
    // Which leaves the service locked. The next one keeps what there is.
    ShopRestore again;
    again.run = "20260203t040506-00000002";
    again.in_place_delta = true;
    EXPECT_EQ(restore_shop(shop, again).state, catalog::RunState::succeeded);
    undo_shop(shop, again);
    EXPECT_EQ(tree_difference(before, data_of(shop)), "");
    return;
  }
  try {
    control::undo_restore(config, continue_run(), {});
    expect_as_before(shop);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::refused) << error.what();
    EXPECT_FALSE(is_untouched) << "it was written over without a copy: " << error.what();
    expect_restored(shop, restored_);
  }
}

void RestoreEnds::expect_closes(const Shop& shop, bool other_host) const {
  const config::Config config = shop.config(other_host);
  const auto report = control::close_restore(config, continue_run(), {});
  EXPECT_EQ(report.outcome.state, catalog::RunState::closed);
  expect_restored(shop, closed_);
  for (const auto& [path, line] : describe_tree(shop.live())) {
    EXPECT_FALSE(path.starts_with(".salvor-")) << path << " is left";
  }
  EXPECT_THROW(control::undo_restore(config, continue_run(), {}), Error);
}

}  // namespace salvor::testing
