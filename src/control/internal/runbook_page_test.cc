#include "control/internal/runbook_page.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "base/fd.h"
#include "control/internal/markdown.h"
#include "testing/fake_clock.h"

namespace salvor::control::internal {
namespace {

RunbookData shop() {
  // Times are shown in the zone of the machine.
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  const Time now = testing::FakeClock().now();
  RunbookData data;
  data.service.name = "shop";
  data.service.owner = "Database Engineering";
  data.service.severity = "SEV-1";
  data.version = "0.1.0";
  data.updated = now;
  data.service.contacts = {"on call: +49 30 123456", "dba@example.org"};
  data.service.links = {"https://wiki.example.org/shop", "the red folder, room 12"};
  data.config_file = "/etc/salvor/salvor.toml";
  data.host = "shop1";
  data.points_host = "shop-host";
  data.repository.path = "/var/backups/salvor";
  data.repository.passphrase = {config::SecretReference::Kind::file, "/etc/salvor/passphrase"};
  data.service.stores = {
      service::make_store("db", stores::type_named("sqlite"), {{"path", "/srv/shop/shop.db"}}),
      service::make_store("media", stores::type_named("files"), {{"path", "/srv/shop/media"}})};
  data.service.writes = service::Writes{.lock = {"touch /srv/shop/maintenance"},
                                        .unlock = {"rm -f /srv/shop/maintenance"},
                                        .locked = {}};
  data.service.migrate.emplace().run = {"python3 manage.py migrate --noinput"};
  data.service.checks = {
      {"orders are there", service::SqlTest{"db", "SELECT count(*) > 0 FROM orders"}}};
  ServiceStatus& status = data.status;
  status.newest.emplace();
  status.newest->id = repo::PointId::parse("0123456789abcdef").value();
  status.newest->time = Time{now.ns - 600'000'000'000};
  status.points_known = true;
  status.achieved_rpo_s = 600;
  status.rpo_s = 900;
  status.rto_s = 60;
  status.proven_rto_s = 75.5;
  DrillSummary& drill = status.last_drill.emplace();
  drill.run = "20260101t030000-1a2b3c4d";
  drill.time = Time{now.ns - 86'400'000'000'000};
  drill.state = catalog::RunState::failed;
  drill.seconds = 75.5;
  drill.phases = {
      {recovery::StepKind::provision, recovery::StepResult::done, 0.01, "", ""},
      {{recovery::StepKind::restore_store, "db"}, recovery::StepResult::done, 61, "", ""}};
  drill.failed_checks = {"orders are there"};
  data.gaps = {"/srv/shop/certificates lies in no store"};
  return data;
}

TEST(RunbookTest, EqualsTheGoldenPage) {
  const std::filesystem::path golden =
      std::filesystem::path(SALVOR_SOURCE_DIR) / "src/control/internal/runbook_golden.md";
  const std::string page = render_runbook(shop());
  if (std::getenv("SALVOR_WRITE_GOLDEN") != nullptr) {
    write_file_atomically(golden, as_bytes(page), 0644);
  }
  EXPECT_EQ(page, as_text(read_file(golden, 1U << 20U)))
      << "when this is meant: run with SALVOR_WRITE_GOLDEN=1, and read the difference";
}

TEST(RunbookTest, SaysWhatIsNotKnown) {
  RunbookData data = shop();
  data.status.newest.reset();
  data.status.last_drill.reset();
  data.status.proven_rto_s.reset();
  data.status.achieved_rpo_s.reset();
  data.service.writes.reset();
  data.gaps.clear();
  data.service.owner.clear();
  const std::string page = render_runbook(data);
  for (const char* line :
       {"There is no recovery point", "this procedure was never rehearsed", "not proved",
        "stop whatever writes files before step 3", "None is known.", "not set"}) {
    EXPECT_NE(page.find(line), std::string::npos) << line;
  }
}

/// Lines outside of blocks of code, which is where markup works.
std::string outside_of_blocks(const std::string& page) {
  std::string out;
  std::string fence;
  for (std::size_t at = 0; at < page.size();) {
    const std::size_t end = page.find('\n', at);
    const std::string line = page.substr(at, end - at);
    at = end + 1;
    if (fence.empty() && line.starts_with("```")) {
      fence = line.substr(0, line.find_first_not_of('`'));
    } else if (!fence.empty() && line == fence) {
      fence.clear();
    } else if (fence.empty()) {
      out += line + "\n";
    }
  }
  EXPECT_EQ(fence, "");
  return out;
}

TEST(RunbookTest, NothingBreaksOutOfItsPlace) {
  const std::string evil =
      "x\n\n# forged\n```\n## forged | `a` <script>alert(1)</script> [a](javascript:b) ````";
  RunbookData data = shop();
  data.repository.path = evil;
  stores::Settings& path = data.service.stores[1].settings["path"];
  for (std::string* field :
       {&data.service.owner, &data.service.severity, &data.config_file, &data.host,
        &data.points_host, &data.service.stores[1].name, path.get_ptr<std::string*>(),
        &data.service.writes->lock.run, &data.service.checks[0].name,
        &std::get<service::SqlTest>(data.service.checks[0].test).sql, &data.gaps[0],
        &data.service.contacts[0], &data.service.links[0], &data.repository.passphrase.value,
        &data.status.last_drill->failed_checks[0]}) {
    *field = evil;
  }
  const std::string prose = outside_of_blocks(render_runbook(data));
  EXPECT_EQ(prose.find("\n# forged"), std::string::npos);
  EXPECT_EQ(prose.find("\n## forged"), std::string::npos);
  std::string text;
  // Code within a line may hold anything; it ends where it should when headings are intact.
  std::size_t headings = 0;
  for (std::size_t at = prose.find("\n## "); at != std::string::npos;
       at = prose.find("\n## ", at + 1)) {
    ++headings;
  }
  EXPECT_EQ(headings, 11U);
}

TEST(MarkdownTest, TextMeansItself) {
  EXPECT_EQ(markdown::text("a*b_[c](d)<e>|f`"), "a\\*b\\_\\[c\\]\\(d\\)\\<e\\>\\|f\\`");
  EXPECT_EQ(markdown::text("a\nb"), "a\\\\x0ab");
  EXPECT_EQ(markdown::text("1. x"), "1\\. x");
  EXPECT_EQ(markdown::text("- x"), "\\- x");
  EXPECT_EQ(markdown::text("C:\\x"), "C:\\\\x");
  EXPECT_EQ(markdown::text("Müller"), "Müller");
}

TEST(MarkdownTest, CodeIsFencedByMoreThanItHolds) {
  EXPECT_EQ(markdown::code("a"), "`a`");
  EXPECT_EQ(markdown::code("a`b"), "``a`b``");
  EXPECT_EQ(markdown::code("`"), "`` ` ``");
  EXPECT_EQ(markdown::code("grep 'a\\|b'"), "`grep 'a\\|b'`");
  EXPECT_EQ(markdown::cell_code("a|b"), "a\\|b");
  EXPECT_EQ(markdown::block("sh", "a\n```\nb"), "````sh\na\n```\nb\n````\n");
}

TEST(MarkdownTest, LinksArePlainAddresses) {
  EXPECT_EQ(markdown::link("https://a.b/c?d=e"), "<https://a.b/c?d=e>");
  EXPECT_EQ(markdown::link("https://a> b"), "https://a\\> b");
  EXPECT_EQ(markdown::link("javascript:alert(1)"), "javascript:alert\\(1\\)");
}

TEST(MarkdownTest, WordsForTheShell) {
  EXPECT_EQ(markdown::shell_word("/etc/salvor.toml"), "/etc/salvor.toml");
  EXPECT_EQ(markdown::shell_word("/a b/$(x)"), "'/a b/$(x)'");
  EXPECT_EQ(markdown::shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(markdown::shell_word("a\n\\'\xff"), "$'a\\012\\\\\\'\\377'");
  EXPECT_EQ(markdown::shell_word(""), "''");
  EXPECT_EQ(markdown::toml_string("a\"\\\n"), "\"a\\\"\\\\\\u000A\"");
}

}  // namespace
}  // namespace salvor::control::internal
