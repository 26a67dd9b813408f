#include "shop.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "backend/fault.h"
#include "backend/local.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/subprocess.h"
#include "config/key_file.h"
#include "control/init.h"
#include "control/internal/choose_point.h"
#include "control/internal/logbook.h"
#include "control/internal/make_plan.h"
#include "control/internal/surroundings.h"
#include "control/plan_restore.h"
#include "control/take_backup.h"

namespace salvor::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDatabase = R"toml(
[service.shop.store.db]
type = "sqlite"
path = "srv/shop.db"
[service.shop.store.media]
type = "files"
)toml";
constexpr const char* kBeside = R"toml(
path = "srv/media"
exclude = ["cache"]
)toml";
constexpr const char* kAround = R"toml(
path = "srv"
exclude = ["cache", "*.db", "*.db-*", "maintenance", ".salvor-*/"]
)toml";

/// The commands of these tests act on what they are told, and on nothing that is live.
constexpr const char* kIsolated = "isolated = true\n";

/// A section of the configuration with a command, none where the command is empty.
std::string section(const std::string& header, const std::string& key, const std::string& command) {
  if (command.empty()) return {};
  return header + '\n' + key + " = '''" + command + "'''\n";
}

std::string text_of(const ShopCommands& commands) {
  const std::string limit = "timeout = \"" + commands.timeout + "\"\n";
  std::string text = std::string(kDatabase) + (commands.nested ? kAround : kBeside);
  if (!commands.lock.empty()) {
    text += section("[service.shop.writes]", "lock", commands.lock) + limit +
            section("", "unlock", commands.unlock) + section("", "locked", commands.locked);
  }
  if (!commands.migrate.empty()) {
    text += section("[service.shop.migrate]", "run", commands.migrate) + limit + kIsolated +
            section("", "needed", commands.needed);
  }
  if (!commands.rebuild.empty()) {
    text += section("[[service.shop.rebuild]]\nname = \"thumbnails\"", "run", commands.rebuild) +
            limit + kIsolated;
  }
  text +=
      "[[service.shop.check]]\nname = \"customers\"\nstore = \"db\"\n"
      "sql = \"SELECT count(*) = 200 FROM customers\"\n";
  if (!commands.check.empty()) {
    text += section("[[service.shop.check]]\nname = \"command\"", "run", commands.check) + limit +
            kIsolated;
  }
  if (!commands.return_to_service.empty()) {
    text += section("[service.shop.return]", "run", commands.return_to_service) + limit;
  }
  return text;
}

/// Opens the shop's repository as `restore` says, and lets `act` restore, take back or close.
template <class Act>
recovery::RunOutcome act_on(const Shop& shop, const ShopRestore& restore, const Act& act) {
  const config::Config config = shop.config();
  const auto medium = backend::open_local(config.repository.path);
  backend::FaultBackend faulty(*medium);
  faulty.on([&](const backend::Call& call) -> std::optional<backend::Fault> {
    // In the middle of steps: while a store is restored, or backed up.
    if (restore.reach && call.name.starts_with("packs/")) restore.reach(call.name);
    if (!restore.repository_is_gone || !restore.repository_is_gone()) return std::nullopt;
    return backend::Fault::unreachable_before();
  });
  repo::Credentials credentials;
  credentials.private_key = config::read_key_file(*config.repository.key_file);
  const auto repository = repo::Repository::open(faulty, credentials, repo::Access::write,
                                                 Clock::system(), Rng::system());
  const auto reach = [&](std::string_view place) {
    if (restore.reach) restore.reach(place);
  };
  stores::Surroundings around = control::internal::surroundings_of_restore(config);
  around.faults.before_step = reach;
  recovery::StoreAccess access(around);
  recovery::ExecuteOptions options;
  options.kill_point = reach;
  std::optional<control::internal::Logbook> logbook;
  if (restore.with_catalog) {
    logbook.emplace(config);
    options.catalog = logbook->catalog();
    options.on_begin = [&](const recovery::Plan& plan) {
      logbook->take_up({plan.run}, catalog::RunKind::restore, plan.service);
      logbook->file_under({plan.run}, *repository);
    };
    options.on_step = [&](const recovery::StepOutcome&, std::size_t, std::size_t) {
      logbook->note_head(repository->id().hex(), repository->sequence());
    };
  }
  return act(config, *repository, access, options);
}

}  // namespace

fs::path fast_directory() {
  constexpr std::uintmax_t kBytesMin = std::uintmax_t{256} << 20U;
  const fs::path memory = "/dev/shm";
  std::error_code error;
  const fs::space_info space = fs::space(memory, error);
  const bool usable = !error && space.available >= kBytesMin && ::access(memory.c_str(), W_OK) == 0;
  return usable ? memory : fs::temp_directory_path();
}

void shell(const std::string& command) {
  const SubprocessResult result = run({.argv = {"/bin/sh", "-ec", command}});
  if (result.succeeded()) return;
  throw Error(ErrorCode::failed, command + ": " + result.describe() + ": " +
                                     std::string(as_text(result.error_output)));
}

config::Config Shop::config(bool other_host) const {
  std::string text = other_host ? "state_dir = \"other-state\"\n" : "state_dir = \"state\"\n";
  text += "[repository]\nurl = \"repository\"\nkey_file = \"key\"\n";
  if (!other_host) text += text_of(commands_);
  return config::parse_config_text(text, (root_ / "salvor.toml").native(), root_);
}

void Shop::build() const {
  shell("mkdir -p '" + live().native() + "/media/thumbs' '" + live().native() +
        "/media/cache'; cd '" + live().native() + "'; sqlite3 shop.db '" +
        (commands_.wal ? "PRAGMA journal_mode = wal;" : "") +
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
        "INSERT INTO customers SELECT i, hex(randomblob(100)) FROM n';"
        "for i in 1 2 3 4 5 6 7 8; do head -c ${i}0000 /dev/urandom > media/upload-$i; "
        "echo thumb > media/thumbs/$i; done; ln -s upload-1 media/newest; "
        "echo warm > media/cache/page");
  config::Config made = config();
  control::init(made, {}, {});
  control::take_backup(made, {}, {});
}

void Shop::damage() const {
  shell("cd '" + live().native() +
        "'; sqlite3 shop.db 'DELETE FROM customers WHERE id > 100'; rm media/upload-3; "
        "echo garbage > media/upload-4; echo new > media/upload-9; echo hot > media/cache/page");
}

Shop Shop::copied_to(const fs::path& root, ShopCommands commands) const {
  shell("cp -a '" + root_.native() + "' '" + root.native() + "'");
  return Shop(root, std::move(commands));
}

std::string Shop::sql(const std::string& statement) const {
  const SubprocessResult result = run({.argv = {"sqlite3", database().native(), statement}});
  return std::string(as_text(result.output)) + std::string(as_text(result.error_output));
}

recovery::RunOutcome restore_shop(const Shop& shop, const ShopRestore& restore) {
  return act_on(shop, restore, [&](auto& config, auto& repository, auto& access, auto& options) {
    const repo::Point point = control::internal::choose_point(
        repository, control::internal::owner_of(config, "shop"), "latest");
    control::PlanRequest request;
    request.safety_snapshot = restore.safety_snapshot;
    request.in_place_delta = restore.in_place_delta;
    recovery::Plan plan = control::internal::make_plan(config, config.service("shop"), point,
                                                       service::Mode::restore, request);
    plan.run = restore.run;
    plan.holders_wait_ms = restore.holders_wait_ms;
    return recovery::execute(repository, access, plan, options);
  });
}

recovery::RunOutcome undo_shop(const Shop& shop, const ShopRestore& restore) {
  return act_on(shop, restore, [&](auto&, auto& repository, auto& access, auto& options) {
    return recovery::undo(repository, access, restore.run, options);
  });
}

recovery::RunOutcome close_shop(const Shop& shop, const ShopRestore& restore) {
  return act_on(shop, restore, [&](auto&, auto& repository, auto& access, auto& options) {
    return recovery::close(repository, access, restore.run, options);
  });
}

control::ContinueRequest continue_run(const std::string& run) {
  control::ContinueRequest request;
  request.confirm = "shop";
  request.run = run;
  return request;
}

Child::Child(const std::function<void()>& work) : pid_(::fork()) {
  if (pid_ < 0) throw_system_error("cannot begin", "another process", errno);
  if (pid_ != 0) return;
  int status = 0;
  try {
    work();
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    status = exit_status(error.code());
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    status = exit_status(ErrorCode::failed);
  }
  std::_Exit(status);
}

Child::~Child() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  wait();
}

int Child::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace salvor::testing
