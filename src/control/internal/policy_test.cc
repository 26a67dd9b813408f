#include "control/internal/policy.h"

#include <gtest/gtest.h>

#include <set>

namespace salvor::control::internal {
namespace {

constexpr std::string_view kBeginning = R"(
[repository]
url = "/var/backups/salvor"
passphrase_file = "/etc/salvor/passphrase"
[service.shop]
)";

constexpr std::string_view kStores = R"(
[service.shop.store.db]
type = "sqlite"
path = "/srv/shop.db"
[service.shop.store.media]
type = "files"
path = "/srv/media"
)";

std::string digest_of(const std::string& keys, const std::string& tables,
                      std::string_view stores = kStores) {
  const config::Config config = config::parse_config_text(
      std::string(kBeginning) + keys + std::string(stores) + tables, "salvor.toml", "/etc/salvor");
  return policy_sha256(config.service("shop"));
}

/// What is said twice is the same policy.
TEST(PolicyTest, TheSameConfigurationHasTheSameDigest) {
  EXPECT_EQ(digest_of("rpo = '1h'\nowner = 'me'\n", ""),
            digest_of("owner = 'me'\nrpo = '60m'\n", ""));
}

/// Whatever somebody writes into the file for a service is part of its policy.
TEST(PolicyTest, EveryKeyOfAServiceChangesTheDigest) {
  const std::string writes = "[service.shop.writes]\nlock = 'a'\nunlock = 'b'\n";
  const std::string watch = "[service.shop.watch]\n[[service.shop.watch.probe]]\nrun = 'a'\n";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", ""},
      {"owner = 'me'\n", ""},
      {"severity = 'SEV-2'\n", ""},
      {"rpo = '1h'\n", ""},
      {"rto = '1h'\n", ""},
      {"contacts = ['me']\n", ""},
      {"links = ['https://example.org']\n", ""},
      {"protect = ['/srv']\n", ""},
      {"runbook = 'runbook.md'\n", ""},
      {"staging = '/srv/staging'\n", ""},
      {"shared = true\n", ""},
      {"", writes},
      {"", writes + "locked = 'c'\n"},
      {"", writes + "timeout = '1m'\n"},
      {"quiesce = true\n", writes},
      {"", "[service.shop.migrate]\nrun = 'a'\n"},
      {"", "[service.shop.migrate]\nrun = 'a'\nneeded = 'b'\n"},
      {"", "[service.shop.migrate]\nrun = 'a'\ntimeout = '1m'\n"},
      {"", "[service.shop.migrate]\nrun = 'a'\nisolated = true\n"},
      {"", "[[service.shop.rebuild]]\nname = 'a'\nrun = 'b'\n"},
      {"", "[[service.shop.rebuild]]\nname = 'a'\nrun = 'b'\nisolated = true\n"},
      {"", "[[service.shop.check]]\nname = 'a'\nrun = 'b'\n"},
      {"", "[[service.shop.check]]\nname = 'a'\nrun = 'b'\ntimeout = '1m'\n"},
      {"", "[[service.shop.check]]\nname = 'a'\nstore = 'db'\nsql = 'b'\n"},
      {"", "[[service.shop.check]]\nname = 'a'\nhttp = 'http://b'\n"},
      {"", "[[service.shop.check]]\nname = 'a'\nhttp = 'http://b'\nstatus = 201\n"},
      {"", "[[service.shop.check]]\nname = 'a'\nstore = 'media'\npath = 'b'\n"},
      {"", "[[service.shop.check]]\nname = 'a'\nstore = 'media'\npath = 'b'\nmin_bytes = 1\n"},
      {"", "[[service.shop.reference]]\nname = 'a'\nfrom = 'db'\nsql = 'b'\nin = 'media'\n"},
      {"", "[service.shop.return]\nrun = 'a'\n"},
      {"", watch},
      {"", watch + "[[service.shop.watch.probe]]\nlog = '/a'\npattern = 'b'\n"},
      {"", "[service.shop.drill]\ntimeout = '1h'\n"},
      {"", "[service.shop.schedule]\nbackup = '0 * * * *'\n"},
      {"", "[service.shop.schedule]\ntimezone = 'local'\n"},
      {"", "[service.shop.retention]\nlast = 4\n"},
      {"", "[service.shop.retention]\nlast = 4\nwithin = '1d'\n"}};
  std::set<std::string> digests;
  for (const auto& [keys, tables] : cases) {
    EXPECT_TRUE(digests.insert(digest_of(keys, tables)).second) << keys << tables;
  }
}

TEST(PolicyTest, EveryKeyOfAStoreChangesTheDigest) {
  const std::string files = "[service.shop.store.media]\ntype = 'files'\npath = '/srv/media'\n";
  const std::string sqlite = "[service.shop.store.db]\ntype = 'sqlite'\npath = '/srv/shop.db'\n";
  std::set<std::string> digests;
  for (const std::string& stores :
       {files, files + "exclude = ['cache']\n", files + "one_file_system = true\n",
        files + "on_unreadable = 'warn'\n", files + "canary = true\n", files + "shrink = '10%'\n",
        files + "shrink = 'off'\n", sqlite, sqlite + "canary = true\n", files + sqlite}) {
    EXPECT_TRUE(digests.insert(digest_of("", "", stores)).second) << stores;
  }
}

}  // namespace
}  // namespace salvor::control::internal
