#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "recovery/plan.h"

namespace salvor::recovery {
namespace {

using stores::Settings;

/// A plan of one store, as a journal keeps it.
class PlanJsonTest : public ::testing::Test {
 protected:
  PlanJsonTest() {
    StorePlan media;
    media.name = "media";
    media.type = "files";
    media.path = "/srv/media";
    media.settings = {{"path", "/srv/media"},
                      {"exclude", {"cache/"}},
                      {"one_file_system", true},
                      {"on_unreadable", "warn"},
                      {"canary", true}};
    plan_.run = "r1";
    plan_.service = "shop";
    plan_.directory = "/etc/salvor";
    plan_.stores.push_back(media);
  }

  StorePlan& media() { return plan_.stores.front(); }
  StorePlan read_back() const { return parse_plan(to_json(plan_)).stores.front(); }

  Plan plan_;
};

TEST_F(PlanJsonTest, SettingsComeBackAsTheyWere) {
  EXPECT_EQ(read_back().settings, media().settings);
}

TEST_F(PlanJsonTest, KeysThatTheWriterDidNotKnowHaveTheirDefaults) {
  media().settings = {{"path", "/srv/media"}};
  EXPECT_EQ(read_back().settings, (Settings{{"path", "/srv/media"},
                                            {"exclude", Settings::array()},
                                            {"one_file_system", false},
                                            {"on_unreadable", "fail"},
                                            {"canary", false}}));
}

TEST_F(PlanJsonTest, AStoreOfAnUnknownTypeKeepsWhatItHas) {
  media().type = "later";
  media().settings = {{"place", 5}};
  EXPECT_EQ(read_back().settings, media().settings);
}

TEST_F(PlanJsonTest, AValueOfAWrongKindIsCorruptionOfItsStore) {
  for (const Settings& settings :
       {Settings{{"path", 5}}, Settings{{"path", "/x"}, {"exclude", "all"}},
        Settings{{"path", "/x"}, {"exclude", Settings::array({1})}}, Settings::array({1}),
        Settings{{"path", "/x"}, {"one_file_system", "yes"}},
        Settings{{"path", "/x"}, {"on_unreadable", "perhaps"}}}) {
    media().settings = settings;
    try {
      read_back();
      ADD_FAILURE() << settings;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corruption) << settings;
      EXPECT_NE(error.message().find("store media"), std::string::npos) << error.message();
    }
  }
}

TEST_F(PlanJsonTest, PathsThatAreNotUtf8ComeBackAsTheyWere) {
  plan_.directory = "/etc/\xff";
  plan_.others.push_back({"db", "/srv/\xff/db"});
  media().path = "/srv/\xff";
  media().settings["path"] = "/srv/\xff";
  media().settings["exclude"] = Settings::array({"\xff/", "cache/"});
  const Plan plan = parse_plan(to_json(plan_));
  EXPECT_EQ(plan.directory, plan_.directory);
  EXPECT_EQ(plan.others.front().path, plan_.others.front().path);
  EXPECT_EQ(plan.stores.front().path, media().path);
  EXPECT_EQ(plan.stores.front().settings, media().settings);
}

}  // namespace
}  // namespace salvor::recovery
