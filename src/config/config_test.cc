#include "config/config.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace salvor::config {
namespace {

const std::string kStart =
    "[repository]\nurl = \"/backups\"\npassphrase_file = \"pass\"\n"           // lines 1 to 3
    "[service.shop.store.media]\ntype = \"files\"\npath = \"media/../m/\"\n";  // lines 4 to 6

Config parse(const std::string& text) {
  return parse_config_text(text, "f.toml", "/etc/salvor");
}

Error error_of(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::configuration) << error.message();
    return error;
  }
  ADD_FAILURE() << "accepted: " << text;
  return Error(ErrorCode::failed, "");
}

std::string message_of(const std::string& text) {
  return error_of(text).message();
}

/// What is wrong with `more` behind a sound beginning, whose next line is the 7th.
std::string message_after_start(const std::string& more) {
  return message_of(kStart + more);
}

TEST(ConfigTest, ReadsTheExample) {
  const std::filesystem::path examples = std::filesystem::path(SALVOR_SOURCE_DIR) / "examples";
  const Config config = load_config(examples / "files-and-sqlite.toml");
  EXPECT_EQ(config.state_directory, "/var/lib/salvor");
  EXPECT_EQ(config.repository.path, "/var/backups/salvor");
  EXPECT_EQ(config.repository.passphrase.kind, SecretReference::Kind::file);
  EXPECT_EQ(config.repository.key_file, "/etc/salvor/key");
  const service::Service& shop = config.service("shop");
  EXPECT_EQ(shop.rpo_s, 6 * 3600);
  EXPECT_EQ(shop.contacts.size(), 2U);
  ASSERT_EQ(shop.stores.size(), 2U);
  EXPECT_EQ(shop.stores[0].name, "db");
  EXPECT_EQ(shop.stores[0].type->name(), "sqlite");
  EXPECT_EQ(shop.stores[0].location().path, "/srv/shop/shop.db");
  EXPECT_EQ(shop.find_store("media")->left_out(), (std::vector<std::string>{"cache/**", "*.tmp"}));
  EXPECT_EQ(shop.writes->unlock.run, "rm -f /srv/shop/maintenance");
  EXPECT_EQ(shop.migrate->run.run,
            "DATABASE=$SALVOR_STORE_DB python3 /srv/shop/manage.py migrate --noinput");
  EXPECT_EQ(shop.rebuilds.at(0).run.timeout_s, 7200);
  ASSERT_EQ(shop.checks.size(), 3U);
  EXPECT_EQ(std::get<service::SqlTest>(shop.checks[1].test).store, "db");
  EXPECT_EQ(std::get<service::PathTest>(shop.checks[2].test).min_bytes, 100U);
  EXPECT_EQ(shop.references.at(0).in, "media");
  EXPECT_EQ(shop.return_to_service->run, "systemctl start shop-worker");
  ASSERT_EQ(shop.watch->probes.size(), 2U);
  EXPECT_EQ(shop.watch->probes[0].name, "http://127.0.0.1:8000/health");
  EXPECT_EQ(std::get<service::HttpTest>(shop.watch->probes[0].test).contains, "ok");
  EXPECT_EQ(std::get<service::LogTest>(shop.watch->probes[1].test).max, 5U);
  EXPECT_EQ(shop.schedule.drill->text(), "0 3 * * SUN");
  EXPECT_EQ(shop.retention->monthly, 12);
  EXPECT_EQ(config.serve.port, 8423);
  EXPECT_NO_THROW(check_paths(config));
}

TEST(ConfigTest, ReadsEveryExample) {
  const std::filesystem::path examples = std::filesystem::path(SALVOR_SOURCE_DIR) / "examples";
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(examples)) {
    if (file.path().extension() != ".toml") continue;
    EXPECT_NO_THROW(check_paths(load_config(file.path()))) << file.path();
    ++count;
  }
  EXPECT_GE(count, 2);
}

TEST(ConfigTest, CompletesPathsAndDefaults) {
  const Config config = parse(kStart + "[service.shop]\nprotect = [\"/srv/x/\", \".\"]\n");
  EXPECT_EQ(config.repository.passphrase.value, "/etc/salvor/pass");
  const service::Service& shop = config.service("shop");
  EXPECT_EQ(shop.stores.at(0).location().path, "/etc/salvor/m");
  EXPECT_EQ(shop.protect, (std::vector<std::filesystem::path>{"/srv/x", "/etc/salvor"}));
  EXPECT_FALSE(shop.rpo_s);
  EXPECT_FALSE(shop.retention);
  EXPECT_FALSE(shop.watch);
  EXPECT_FALSE(shop.staging);
  EXPECT_EQ(shop.severity, "SEV-1");
  EXPECT_EQ(shop.drill.timeout_s, 6 * 3600);
  EXPECT_FALSE(shop.stores.at(0).canary());
  EXPECT_EQ(config.serve.host, "127.0.0.1");
  EXPECT_FALSE(config.serve.open);
  EXPECT_TRUE(config.state_directory.is_absolute());
}

TEST(ConfigTest, ReadsWhatDrillsNeed) {
  const Config config = parse(
      kStart + "canary = true\n[service.shop.store.db]\ntype='sqlite'\npath='/x'\ncanary=true\n" +
      "[service.shop]\nstaging = 'big'\nseverity = 'P2'\n[service.shop.drill]\ntimeout = '5m'\n");
  const service::Service& shop = config.service("shop");
  EXPECT_EQ(shop.staging, "/etc/salvor/big");
  EXPECT_EQ(shop.severity, "P2");
  EXPECT_EQ(shop.drill.timeout_s, 300);
  EXPECT_TRUE(shop.find_store("media")->canary());
  EXPECT_TRUE(shop.find_store("db")->canary());
}

TEST(ConfigTest, AMissingKeyOfAStoreIsExplained) {
  const std::string other = "[service.shop.store.db]\n";
  EXPECT_EQ(error_of(kStart + other + "type = 'sqlite'\n").hint(),
            "add path = \"…\", the database file");
  EXPECT_EQ(error_of(kStart + other).hint(), "add type = \"files\", or type = \"sqlite\"");
}

TEST(ConfigTest, UnknownKeysHaveAPlaceAndASuggestion) {
  const Error error = error_of(kStart + "[service.shop]\n  rp = \"15m\"\n");
  EXPECT_EQ(error.message(), "f.toml:8:3: unknown key \"rp\" in [service.shop]");
  EXPECT_EQ(error.hint(), "did you mean \"rpo\"?");
  EXPECT_EQ(message_of("sevrice = 1\n" + kStart),
            "f.toml:1:1: unknown key \"sevrice\" at the top of the file");
  EXPECT_EQ(message_after_start("exlude = []\n"),
            "f.toml:7:1: unknown key \"exlude\" in [service.shop.store.media]");
  EXPECT_EQ(message_after_start("\"a\\nb\" = 1\n"),
            "f.toml:7:1: unknown key \"a\\x0ab\" in [service.shop.store.media]");
}

TEST(ConfigTest, EveryTableRefusesUnknownKeys) {
  for (const std::string& table :
       {std::string("[serve]\n"), std::string("[service.shop.writes]\nlock='a'\nunlock='b'\n"),
        std::string("[service.shop.migrate]\nrun='a'\n"),
        std::string("[[service.shop.rebuild]]\nname='a'\nrun='b'\n"),
        std::string("[[service.shop.check]]\nname='a'\nrun='b'\n"),
        std::string("[service.shop.return]\nrun='a'\n"),
        std::string("[service.shop.watch]\n[[service.shop.watch.probe]]\nrun='a'\n"),
        std::string("[service.shop.drill]\n"), std::string("[service.shop.schedule]\n"),
        std::string("[service.shop.retention]\nlast=1\n")}) {
    EXPECT_NO_THROW(parse(kStart + table)) << table;
    EXPECT_NE(message_after_start(table + "zzz = 1\n").find("unknown key \"zzz\" in [s"),
              std::string::npos)
        << table;
  }
}

TEST(ConfigTest, MistypedValuesHaveAPlace) {
  EXPECT_EQ(message_after_start("[service.shop]\nowner = 7\n"),
            "f.toml:8:9: key \"owner\": expected a string, found an integer");
  EXPECT_EQ(message_after_start("exclude = [\"a\", true]\n"),
            "f.toml:7:17: key \"exclude\": expected an array of strings, found a boolean in it");
  EXPECT_EQ(message_after_start("exclude = \"a\"\n"),
            "f.toml:7:11: key \"exclude\": expected an array, found a string");
  EXPECT_EQ(message_after_start("one_file_system = \"yes\"\n"),
            "f.toml:7:19: key \"one_file_system\": expected a boolean, found a string");
  EXPECT_EQ(message_after_start("[service.shop.retention]\nlast = 1.5\n"),
            "f.toml:8:8: key \"last\": expected an integer, found a number with a fraction");
  EXPECT_EQ(message_after_start("[service.shop.retention]\nlast = -1\n"),
            "f.toml:8:8: key \"last\": found -1, expected 0 to 1000000");
  EXPECT_EQ(message_after_start("[service.shop]\nrpo = \"15\"\n"),
            "f.toml:8:7: key \"rpo\": found \"15\", expected a duration");
  EXPECT_EQ(message_after_start("[service.shop]\nrto = \"0s\"\n").substr(0, 11), "f.toml:8:7:");
  EXPECT_EQ(message_after_start("on_unreadable = \"warm\"\n"),
            "f.toml:7:17: key \"on_unreadable\": found \"warm\", expected fail, warn");
  EXPECT_EQ(message_after_start("[[service.shop.writes]]\n").substr(0, 7), "f.toml:");
  EXPECT_EQ(message_after_start("[service.shop]\nowner = \"a\\u0000b\"\n").substr(0, 11),
            "f.toml:8:9:");
  EXPECT_EQ(message_of("repository = 1\n"),
            "f.toml:1:14: key \"repository\": expected a table, found an integer");
  EXPECT_EQ(message_of("service = [1]\n" + kStart.substr(0, kStart.find("[service"))),
            "f.toml:1:11: key \"service\": expected a table, found an array");
}

TEST(ConfigTest, ReportsTheFirstProblemInTheFile) {
  EXPECT_EQ(message_after_start("[serve]\nzzz = 1\n[service.shop]\nrpo = 5\n").substr(0, 11),
            "f.toml:8:1:");
  EXPECT_EQ(message_after_start("[service.shop]\nrpo = 5\n[serve]\nzzz = 1\n").substr(0, 11),
            "f.toml:8:7:");
}

TEST(ConfigTest, NamesWhatIsMissing) {
  EXPECT_EQ(message_of(""), "f.toml:1:1: missing key \"repository\" in the file");
  EXPECT_EQ(message_of("[repository]\nkey_file = \"k\"\n"),
            "f.toml:1:1: missing key \"url\" in [repository]");
  EXPECT_EQ(message_of("[repository]\nurl = \"/b\"\n"),
            "f.toml:1:1: missing in [repository]: a passphrase or a key file");
  EXPECT_EQ(message_after_start("[service.empty]\nowner = \"me\"\n"),
            "f.toml:7:1: [service.empty] has no stores");
  EXPECT_EQ(message_after_start("[service.shop.store.x]\npath = \"/\"\n"),
            "f.toml:7:1: missing key \"type\" in [service.shop.store.x]");
  EXPECT_EQ(message_after_start("[service.shop.store.x]\ntype = \"sqlite\"\n"),
            "f.toml:7:1: missing key \"path\" in [service.shop.store.x]");
  EXPECT_EQ(message_after_start("[service.shop.writes]\nlock = \"x\"\n"),
            "f.toml:7:1: missing key \"unlock\" in [service.shop.writes]");
}

TEST(ConfigTest, KnowsWhatItDoesNotSupport) {
  for (const std::string type : {"postgres", "mariadb", "bucket"}) {
    const Error error = error_of(kStart + "[service.shop.store.x]\nconnection = \"host=x\"\n" +
                                 "url = \"s3://b\"\ntype = \"" + type + "\"\n");
    EXPECT_EQ(error.message(),
              "f.toml:10:8: stores of type \"" + type + "\" are not supported by this version");
  }
  const Error error = error_of(kStart + "[service.shop.store.x]\ntype = \"file\"\n");
  EXPECT_EQ(error.message(), "f.toml:8:8: unknown type of store \"file\"");
  EXPECT_EQ(error.hint(), "did you mean \"files\"?");
  EXPECT_EQ(message_of("[repository]\nurl = \"s3://bucket/x\"\nendpoint = \"https://x\"\n"
                       "region = \"r\"\nkey_file = \"k\"\n"),
            "f.toml:2:7: repositories on S3 are not supported by this version");
  EXPECT_EQ(message_of("[repository]\nurl = \"ftp://x\"\nkey_file = \"k\"\n"),
            "f.toml:2:7: unknown kind of url \"ftp://x\"");
  EXPECT_EQ(message_of("[repository]\nurl = \"/x\"\nregion = \"r\"\nkey_file = \"k\"\n"),
            "f.toml:3:10: key \"region\" needs a url that begins with s3://");
}

TEST(ConfigTest, ReadsRepositoryUrls) {
  const auto path_of = [](const std::string& url) {
    return parse("[repository]\nurl = \"" + url + "\"\npassphrase_env = \"P\"\n").repository.path;
  };
  EXPECT_EQ(path_of("/a/b/"), "/a/b");
  EXPECT_EQ(path_of("file:///a/b/"), "/a/b");
  EXPECT_EQ(path_of("../b"), "/etc/b");
  EXPECT_EQ(message_of("[repository]\nurl = \"file://a/b\"\nkey_file = \"k\"\n"),
            "f.toml:2:7: a file:// url needs an absolute path");
  EXPECT_EQ(message_of("[repository]\nurl = \"~/b\"\nkey_file = \"k\"\n"),
            "f.toml:2:7: \"~\" is not expanded here");
}

TEST(ConfigTest, TakesOneSourceForThePassphrase) {
  const Config config = parse("[repository]\nurl='/b'\npassphrase_command='pass show x'\n");
  EXPECT_EQ(config.repository.passphrase.kind, SecretReference::Kind::command);
  EXPECT_EQ(config.repository.passphrase.value, "pass show x");
  EXPECT_EQ(message_of("[repository]\nurl='/b'\npassphrase_file='p'\npassphrase_env='P'\n"),
            "f.toml:4:16: both passphrase_file and passphrase_env are given");
  const Error error = error_of("[repository]\nurl='/b'\npassphrase = 'hunter2'\nkey_file='k'\n");
  EXPECT_EQ(error.message(), "f.toml:3:14: a passphrase does not belong in this file");
}

TEST(ConfigTest, RefusesNames) {
  for (const std::string name :
       {"Shop", "\"\"", "\"a b\"", "-a", "\"a/b\"", "\"..\"", "\"s\\u00e9\"", "\"a\\nb\""}) {
    EXPECT_NE(message_after_start("[service." + name + ".store.x]\ntype='sqlite'\npath='/x'\n")
                  .find("can't name a service"),
              std::string::npos)
        << name;
    EXPECT_NE(message_after_start("[service.shop.store." + name + "]\ntype='sqlite'\npath='/x'\n")
                  .find("can't name a store"),
              std::string::npos)
        << name;
  }
  const std::string longest(63, 'a');
  EXPECT_NO_THROW(parse(kStart + "[service.0_-" + std::string(60, 'a') +
                        ".store.x]\ntype='sqlite'\npath='/x'\n"));
  EXPECT_NE(message_after_start("[service.a" + longest + ".store.x]\ntype='sqlite'\n")
                .find("can't name a service"),
            std::string::npos);
}

TEST(ConfigTest, StoresAreToldApartByCommands) {
  EXPECT_EQ(message_after_start("[service.shop.store.a-b]\ntype='sqlite'\npath='/x'\n"
                                "[service.shop.store.a_b]\ntype='sqlite'\npath='/y'\n"),
            "f.toml:10:21: stores \"a-b\" and \"a_b\" would share the variable SALVOR_STORE_A_B "
            "of the service's commands");
}

TEST(ConfigTest, ChecksNameExistingStores) {
  const std::string database = "[service.shop.store.db]\ntype='sqlite'\npath='/x'\n";  // 7 to 9
  EXPECT_EQ(message_after_start(database + "[[service.shop.check]]\nname='a'\nsql='S'\n"
                                           "store='bd'\n"),
            "f.toml:13:7: key \"store\": no store \"bd\" in this service");
  EXPECT_EQ(message_after_start(database + "[[service.shop.check]]\nname='a'\nsql='S'\n"
                                           "store='media'\n"),
            "f.toml:13:7: key \"store\": found a store of type files, expected sqlite");
  EXPECT_EQ(message_after_start(database + "[[service.shop.check]]\nname='a'\npath='x'\n"
                                           "store='db'\n"),
            "f.toml:13:7: key \"store\": found a store of type sqlite, expected files");
  EXPECT_EQ(message_after_start(database + "[[service.shop.reference]]\nname='a'\nfrom='db'\n"
                                           "sql='S'\nin='db'\n"),
            "f.toml:14:4: key \"in\": found a store of type sqlite, expected files");
}

TEST(ConfigTest, ChecksAreOfOneKind) {
  const std::string check = "[[service.shop.check]]\nname = 'a'\n";  // lines 7 and 8
  EXPECT_EQ(message_after_start(check),
            "f.toml:7:1: [[service.shop.check]] has no key that says what to check");
  EXPECT_EQ(message_after_start(check + "run = 'x'\nhttp = 'http://x'\n"),
            "f.toml:10:8: [[service.shop.check]] has both run and http");
  EXPECT_EQ(message_after_start(check + "http = 'x'\n"),
            "f.toml:9:8: key \"http\": found \"x\", expected http:// or https://");
  EXPECT_EQ(message_after_start(check + "http = 'http://x'\nstatus = 99\n"),
            "f.toml:10:10: key \"status\": found 99, expected 100 to 599");
  EXPECT_EQ(message_after_start(check + "store = 'media'\npath = '../x'\n"),
            "f.toml:10:8: key \"path\": expected a path inside the store, without \"..\"");
  EXPECT_EQ(message_after_start(check + "store = 'media'\npath = '/x'\n").substr(0, 12),
            "f.toml:10:8:");
  EXPECT_EQ(message_after_start(check + "store = 'media'\npath = 'x'\nsha256 = 'abc'\n"),
            "f.toml:11:10: key \"sha256\": expected 64 hexadecimal digits");
  EXPECT_NE(message_after_start(check + "log = 'x'\n").find("has no key that says what to check"),
            std::string::npos)
      << "logs are for watch probes";
  EXPECT_EQ(message_after_start(check + "run = 'x'\n[[service.shop.check]]\nname='a'\nrun='y'\n"),
            "f.toml:11:6: a second \"a\" in this service");
  const Config config = parse(kStart + check + "store = 'media'\npath = 'x'\nsha256 = '" +
                              std::string(64, 'A') + "'\n");
  EXPECT_EQ(std::get<service::PathTest>(config.services[0].checks[0].test).sha256,
            std::string(64, 'a'));
}

TEST(ConfigTest, ChecksTheRest) {
  EXPECT_EQ(message_after_start("[service.shop.watch]\nduration='1m'\n"),
            "f.toml:7:1: [service.shop.watch] has no probe");
  EXPECT_EQ(message_after_start("[service.shop.watch]\nduration='10s'\nevery='1m'\n"
                                "[[service.shop.watch.probe]]\nrun='x'\n"),
            "f.toml:9:7: every (60 s) is longer than duration (10 s)");
  EXPECT_EQ(message_after_start("[service.shop.retention]\ndaily = 0\n"),
            "f.toml:7:1: [service.shop.retention] keeps nothing");
  EXPECT_EQ(message_after_start("[service.shop.schedule]\nbackup = '0 25 * * *'\n"),
            "f.toml:8:10: not a schedule: \"0 25 * * *\": field hour: found \"25\", expected 0 to "
            "23");
  EXPECT_EQ(message_after_start("[service.shop.schedule]\ntimezone = 'Mars'\n"),
            "f.toml:8:12: key \"timezone\": found \"Mars\", expected UTC, local");
  EXPECT_EQ(message_after_start("[service.shop]\nquiesce = true\n"),
            "f.toml:8:11: quiesce needs [service.shop.writes]");
  EXPECT_EQ(message_after_start("[[service.shop.rebuild]]\nname = 'a b'\nrun = 'x'\n"),
            "f.toml:8:8: \"a b\" can't name a rebuild");
  EXPECT_EQ(message_after_start("exclude = ['a', '[']\n").substr(0, 12), "f.toml:7:11:");
}

TEST(ConfigTest, SaysOfWhatMayBeIsolated) {
  const std::string database = "[service.shop.store.db]\ntype='sqlite'\npath='/x'\n";
  const Config config =
      parse(kStart +
            "[service.shop.migrate]\nrun='a'\nisolated=true\n[[service.shop.rebuild]]\n"
            "name='b'\nrun='b'\n[[service.shop.check]]\nname='c'\nrun='c'\nisolated=true\n"
            "[[service.shop.check]]\nname='d'\nhttp='http://x'\nisolated=true\n");
  EXPECT_TRUE(config.services[0].migrate->isolated);
  EXPECT_FALSE(config.services[0].rebuilds[0].isolated);
  EXPECT_TRUE(config.services[0].checks[0].isolated);
  EXPECT_TRUE(config.services[0].checks[1].isolated);
  EXPECT_NE(message_after_start(database + "[[service.shop.check]]\nname='a'\nsql='S'\n"
                                           "store='db'\nisolated=true\n")
                .find("unknown key"),
            std::string::npos)
      << "a statement always asks the copy";
}

TEST(ConfigTest, SaysWhatNothingActsOnYet) {
  EXPECT_TRUE(idle_sections(parse(kStart)).empty());
  const Config config =
      parse(kStart + "[service.shop.retention]\nwithin='30d'\nwindow='14d'\n[serve]\n" +
            "[service.shop.schedule]\nbackup='0 0 * * *'\n");
  EXPECT_EQ(config.services[0].retention->within_s, 30 * 86400);
  EXPECT_EQ(config.services[0].retention->window_s, 14 * 86400);
  EXPECT_EQ(idle_sections(config).size(), 3U);
  EXPECT_EQ(idle_sections(config, "other").size(), 1U);
}

TEST(ConfigTest, RefusesPlacesOnOtherHosts) {
  for (const std::string url : {"user@host:/srv/repo", "host:repo", "host:"}) {
    EXPECT_NE(message_of("[repository]\nurl = '" + url + "'\nkey_file = 'k'\n")
                  .find("is a place on another host"),
              std::string::npos)
        << url;
  }
  EXPECT_EQ(parse("[repository]\nurl='./a:b'\nkey_file='k'\n").repository.path, "/etc/salvor/a:b");
  EXPECT_EQ(parse("holders_wait='3s'\n" + kStart).holders_wait_s, 3);
  EXPECT_EQ(parse("answers_wait='3s'\n" + kStart).answers_wait_s, 3);
  // With what else a command waits for, it must end within 30 s.
  EXPECT_EQ(parse(kStart).answers_wait_s, 20);
}

TEST(ConfigTest, ReadsListen) {
  const auto serve = [](const std::string& listen) {
    return parse(kStart + "[serve]\nlisten = '" + listen + "'\n").serve;
  };
  EXPECT_EQ(serve("0.0.0.0:80").host, "0.0.0.0");
  EXPECT_EQ(serve("[::1]:8080").host, "::1");
  EXPECT_EQ(serve("[::1]:8080").port, 8080);
  for (const std::string listen : {"127.0.0.1", ":80", "x:0", "x:65536", "x:80x", "x:", "8423"}) {
    EXPECT_EQ(message_after_start("[serve]\nlisten = '" + listen + "'\n"),
              "f.toml:8:10: key \"listen\": found \"" + listen + "\", expected HOST:PORT");
  }
  EXPECT_EQ(message_after_start("[serve]\nopen = true\nlisten = '0.0.0.0:80'\n"),
            "f.toml:8:8: open = true is for a server that listens on loopback only");
}

TEST(ConfigTest, NamesTheServicesThatThereAre) {
  try {
    parse(kStart).service("shopp");
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_EQ(error.hint(), "did you mean \"shop\"?");
  }
}

}  // namespace
}  // namespace salvor::config
