#include "control/internal/logbook.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/paths.h"
#include "config/silent_paths.h"

namespace salvor::control::internal {

std::shared_ptr<catalog::Catalog> open_catalog(const config::Config& config) {
  config::require_answers(config, {config::SilentPath::Role::state});
  static std::mutex mutex;
  static std::map<std::filesystem::path, std::weak_ptr<catalog::Catalog>> opened;
  const std::filesystem::path path = real_path(config.state_directory) / "catalog.sqlite";
  const std::lock_guard lock(mutex);
  if (auto known = opened[path].lock()) return known;
  auto catalog = std::make_shared<catalog::Catalog>(catalog::Catalog::open(path));
  opened[path] = catalog;
  return catalog;
}

Logbook::Logbook(const config::Config& config)
    : location_(config.repository.path.native()), state_directory_(config.state_directory) {
  try {
    catalog_ = open_catalog(config);
    is_usable_ = true;
  } catch (const Error& error) {
    // The spool and the locks lie in this directory, too, so the verb would only hang later.
    if (error.code() == ErrorCode::unreachable) throw;
    log::warning("the catalog can't be used, so this run is not recorded: {}", error.message());
  }
}

template <class Call>
void Logbook::attempt(const Call& call) {
  if (!is_usable_) return;
  try {
    call(*catalog_);
  } catch (const Error& error) {
    log::warning("the catalog can't be used, so this run is not recorded: {}", error.message());
    is_usable_ = false;
  }
}

catalog::RunId Logbook::begin(catalog::RunKind kind, std::string_view service,
                              std::string_view trigger) {
  std::optional<catalog::RunId> id;
  attempt([&](catalog::Catalog& catalog) {
    id = catalog.begin_run(kind, service, trigger);
    if (const auto known = catalog.repository_at(location_)) catalog.file_under(*id, *known);
  });
  return id ? *id : catalog::make_run_id(Clock::system().now(), Rng::system());
}

void Logbook::take_up(const catalog::RunId& id, catalog::RunKind kind, std::string_view service) {
  attempt([&](catalog::Catalog& catalog) {
    const auto row = catalog.run(id.text);
    if (!row) {
      catalog.adopt_run(id, kind, service, Clock::system().now());
    } else if (row->state != catalog::RunState::running) {
      catalog.resume_run(id);
    }
  });
}

void Logbook::finish(const catalog::RunId& id, catalog::RunState state,
                     std::string_view summary_json, std::string_view error,
                     std::optional<Time> ended) {
  attempt([&](catalog::Catalog& catalog) {
    catalog.finish_run(id, state, summary_json, error, ended);
  });
}

void Logbook::file_under(const catalog::RunId& id, const repo::Repository& repository) {
  attempt([&](catalog::Catalog& catalog) {
    catalog.file_under(id, repository.id().hex());
    catalog.note_location(location_, repository.id().hex());
  });
}

void Logbook::note_location(const repo::Repository& repository) {
  attempt(
      [&](catalog::Catalog& catalog) { catalog.note_location(location_, repository.id().hex()); });
}

std::string Logbook::known_repository() {
  std::optional<std::string> id;
  attempt([&](catalog::Catalog& catalog) { id = catalog.repository_at(location_); });
  return id.value_or("");
}

Fd Logbook::lock_waiting() const {
  return lock("waiting.lock", "another process writes to the repository what waits");
}

Fd Logbook::lock_settling() const {
  return lock("settling.lock", "another process leaves the evidence of restores that have ended");
}

Fd Logbook::lock(const std::string& name, const std::string& what) const {
  Fd lock = open_file(state_directory_ / name, O_RDWR | O_CREAT);
  // Its holder may hang on a repository whose server is gone. What waits can wait longer.
  constexpr int kTries = 50;
  constexpr auto kPause = std::chrono::milliseconds(100);
  for (int tries = 0; ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
    if (errno != EINTR && errno != EWOULDBLOCK) {
      throw_system_error("cannot lock", name, errno);
    }
    if (tries == kTries) {
      throw Error(ErrorCode::conflict, what, "the next command does it");
    }
    std::this_thread::sleep_for(kPause);
  }
  return lock;
}

std::optional<std::uint64_t> Logbook::head(std::string_view repository_id) {
  std::optional<std::uint64_t> head;
  attempt([&](catalog::Catalog& catalog) { head = catalog.head(repository_id); });
  return head;
}

void Logbook::note_head(std::string_view repository_id, std::uint64_t sequence) {
  attempt([&](catalog::Catalog& catalog) { catalog.note_head(repository_id, sequence); });
}

void Logbook::set_head_back(std::string_view repository_id, std::uint64_t sequence) {
  if (is_usable_) catalog_->set_head_back(repository_id, sequence);
}

std::vector<std::string> Logbook::heads_below(std::string_view prefix) {
  std::vector<std::string> names;
  attempt([&](catalog::Catalog& catalog) { names = catalog.heads_below(prefix); });
  return names;
}

}  // namespace salvor::control::internal
