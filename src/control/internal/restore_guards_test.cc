#include "control/internal/restore_guards.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "base/fd.h"

namespace salvor::control::internal {
namespace {

namespace fs = std::filesystem;

class RestoreGuardsTest : public ::testing::Test {
 protected:
  RestoreGuardsTest() : directory_("/tmp"), root_(fs::canonical(directory_.path())) {
    config_.repository.path = root_ / "repository";
    service::Service shop;
    shop.name = "shop";
    shop.stores.push_back(service::make_store("db", stores::type_named("sqlite"),
                                              {{"path", (root_ / "live" / "shop.db").native()}}));
    shop.stores.push_back(service::make_store("media", stores::type_named("files"),
                                              {{"path", (root_ / "live" / "media").native()}}));
    config_.services.push_back(shop);
    fs::create_directories(root_ / "live" / "media");
    fs::create_directories(root_ / "repository");
    std::ofstream(root_ / "live" / "shop.db") << "x";
    snapshot_.store = "media";
    snapshot_.type = "files";
  }

  std::optional<Error> error_of(const fs::path& target, bool delta = false) {
    try {
      guard_restore(config_, {{&snapshot_, target}}, delta);
    } catch (const Error& error) {
      EXPECT_FALSE(error.hint().empty()) << error.message();
      return error;
    }
    return std::nullopt;
  }

  /// The code of the refusal, or nothing.
  std::optional<ErrorCode> refusal(const fs::path& target, bool delta = false) {
    const auto error = error_of(target, delta);
    return error ? std::optional(error->code()) : std::nullopt;
  }

  TemporaryDirectory directory_;
  fs::path root_;
  config::Config config_;
  repo::Snapshot snapshot_;
};

TEST_F(RestoreGuardsTest, NewAndEmptyTargetsAreFine) {
  EXPECT_EQ(refusal(root_ / "out" / "media"), std::nullopt);
  EXPECT_FALSE(fs::exists(root_ / "out"));
  fs::create_directories(root_ / "empty");
  EXPECT_EQ(refusal(root_ / "empty"), std::nullopt);
}

TEST_F(RestoreGuardsTest, ContentNeedsDelta) {
  fs::create_directories(root_ / "out" / "x");
  EXPECT_EQ(refusal(root_ / "out"), ErrorCode::refused);
  EXPECT_EQ(refusal(root_ / "out", true), std::nullopt);
  std::ofstream(root_ / "file") << "x";
  EXPECT_EQ(refusal(root_ / "file"), ErrorCode::refused);
}

TEST_F(RestoreGuardsTest, LiveDataIsNeverATarget) {
  const fs::path live = root_ / "live";
  fs::create_directory_symlink(live, root_ / "alias");
  for (const bool delta : {false, true}) {
    for (const fs::path& target : {live, live / "media", root_ / "alias", root_ / "alias" / "media",
                                   root_, live / "media" / "..", live / "shop.db"}) {
      EXPECT_EQ(refusal(target, delta), ErrorCode::refused) << target << delta;
    }
  }
  // The next backup would include it.
  EXPECT_EQ(refusal(live / "media" / "new"), ErrorCode::refused);
  EXPECT_EQ(refusal(live / "media" / "new", true), ErrorCode::refused);
  EXPECT_EQ(refusal(root_ / "livelier"), std::nullopt);
}

TEST_F(RestoreGuardsTest, WhatAStoreExcludesMayBeATarget) {
  const fs::path media = root_ / "live" / "media";
  config_.services.front().stores.back().settings["exclude"] = {"restored/", "/cache/old/"};
  for (const bool delta : {false, true}) {
    EXPECT_EQ(refusal(media / "restored", delta), std::nullopt);
    EXPECT_EQ(refusal(media / "deep" / "restored" / "new", delta), std::nullopt);
    EXPECT_EQ(refusal(media / "cache" / "old", delta), std::nullopt);
    EXPECT_EQ(refusal(media / "cache", delta), ErrorCode::refused);
    EXPECT_EQ(refusal(media, delta), ErrorCode::refused);
  }
}

TEST_F(RestoreGuardsTest, ARefusalNamesThePatternThatExcludesTheTarget) {
  const auto refused = error_of(root_ / "live" / "media" / "out" / "a*");
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->hint().find(R"(add '/out/a\*/' to)"), std::string::npos) << refused->hint();
  const auto around = error_of(root_ / "live");
  ASSERT_TRUE(around);
  EXPECT_EQ(around->hint().find("exclude"), std::string::npos) << around->hint();
}

TEST_F(RestoreGuardsTest, TheRepositoryIsNeverATarget) {
  EXPECT_EQ(refusal(root_ / "repository"), ErrorCode::refused);
  EXPECT_EQ(refusal(root_ / "repository" / "x"), ErrorCode::refused);
  config_.services.clear();
  EXPECT_EQ(refusal(root_, true), ErrorCode::refused);
}

TEST_F(RestoreGuardsTest, SpaceAndTypes) {
  snapshot_.content_bytes = std::uint64_t{1} << 60U;
  EXPECT_EQ(refusal(root_ / "out"), ErrorCode::refused);
  EXPECT_EQ(refusal(root_ / "out", true), std::nullopt);
  snapshot_.type = "cobol";
  EXPECT_EQ(refusal(root_ / "out", true), ErrorCode::configuration);
}

}  // namespace
}  // namespace salvor::control::internal
