#include "cli/not_covered.h"

#include <gtest/gtest.h>

namespace salvor::cli {
namespace {

TEST(NotCoveredTest, EachKindHasOneLineWithItsNumber) {
  std::vector<std::string> all{"check canary of db: none was planted"};
  EXPECT_EQ(summarised(all), all);
  all.emplace_back("step migrate: not run: ./migrate does not know of the copy");
  for (int i = 0; i < 300; ++i) {
    all.push_back("/srv/app/" + std::to_string(i) + " is in no store");
    all.push_back("check canary of s" + std::to_string(i) + ": none was planted");
  }
  all.emplace_back("no drill was ever run");
  EXPECT_EQ(summarised(all),
            (std::vector<std::string>{
                "301 canaries were not checked, the first: check canary of db: none was planted",
                "step migrate: not run: ./migrate does not know of the copy",
                "300 paths are in no store, the first: /srv/app/0 is in no store",
                "no drill was ever run"}));
}

TEST(NotCoveredTest, DatabasesAreAKindOfTheirOwn) {
  EXPECT_EQ(summarised({"/a is in no store (a SQLite database)", "/b is in no store",
                        "/c is in no store (a SQLite database)"}),
            (std::vector<std::string>{"2 SQLite databases are in no store, the first: /a is in no "
                                      "store (a SQLite database)",
                                      "/b is in no store"}));
}

}  // namespace
}  // namespace salvor::cli
