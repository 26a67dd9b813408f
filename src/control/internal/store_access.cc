#include "control/internal/store_access.h"

#include <span>

#include "base/error.h"
#include "base/json.h"
#include "control/internal/staging.h"
#include "control/internal/store_types.h"
#include "stores/disk/lacking.h"
#include "stores/disk/tree.h"

namespace salvor::control::internal {
namespace {

using Json = nlohmann::ordered_json;

/// A database under the name that it had in the point: it may be called otherwise since. What lies
/// beside it keeps what is appended to its name.
class RenamedSource final : public stores::Source {
 public:
  RenamedSource(std::unique_ptr<stores::Source> inner, const std::string& name,
                const std::string& shown)
      : inner_(std::move(inner)), name_(to_bytes(name)), shown_(to_bytes(shown)) {}

  stores::SourceCapabilities capabilities() const override { return inner_->capabilities(); }
  void mark() override { inner_->mark(); }
  void examine(const std::stop_token& stop) override { inner_->examine(stop); }

  std::optional<stores::Item> next() override {
    auto item = inner_->next();
    if (item) item->key = renamed(item->key, name_, shown_);
    return item;
  }

  std::unique_ptr<stores::ContentReader> open(const stores::Item& item) override {
    return inner_->open({renamed(item.key, shown_, name_), item.entry});
  }

  bool unchanged(const stores::Entry& then, const stores::Entry& now) const override {
    return inner_->unchanged(then, now);
  }
  stores::SourceReport report() const override { return inner_->report(); }

 private:
  static Bytes renamed(const Bytes& key, const Bytes& from, const Bytes& to) {
    if (!as_text(key).starts_with(as_text(from))) return key;
    Bytes whole = to;
    whole.insert(whole.end(), key.begin() + static_cast<std::ptrdiff_t>(from.size()), key.end());
    return whole;
  }

  const std::unique_ptr<stores::Source> inner_;
  const Bytes name_;
  const Bytes shown_;
};

/// A live tree without what the snapshot's backup could not read, and the snapshot does not have.
class SourceWithout final : public stores::Source {
 public:
  SourceWithout(std::unique_ptr<stores::Source> inner, repo::Repository& repository,
                const repo::Snapshot& snapshot)
      : inner_(std::move(inner)), cursor_(repository.node_reader(), snapshot.root) {
    std::vector<std::string> paths;
    for (const repo::Missing& missing : snapshot.missing) {
      paths.push_back(stores::path_of_key(missing.key));
    }
    lacking_ = stores::disk::Lacking(paths, false);
  }

  stores::SourceCapabilities capabilities() const override { return inner_->capabilities(); }
  void mark() override { inner_->mark(); }
  void examine(const std::stop_token& stop) override { inner_->examine(stop); }

  std::optional<stores::Item> next() override {
    while (auto item = inner_->next()) {
      if (!lacking_.names(stores::path_of_key(item->key)) || has(item->key)) return item;
    }
    return std::nullopt;
  }

  std::unique_ptr<stores::ContentReader> open(const stores::Item& item) override {
    return inner_->open(item);
  }
  bool unchanged(const stores::Entry& then, const stores::Entry& now) const override {
    return inner_->unchanged(then, now);
  }
  stores::SourceReport report() const override { return inner_->report(); }

 private:
  bool has(const Bytes& key) {
    cursor_.seek(key);
    const repo::Record* record = cursor_.find_record();
    return record != nullptr && record->key == key;
  }

  const std::unique_ptr<stores::Source> inner_;
  stores::disk::Lacking lacking_;
  repo::TreeCursor cursor_;
};

class ConfiguredStores final : public recovery::StoreAccess {
 public:
  ConfiguredStores(const config::Config& config, stores::ReplacementFaults faults)
      : config_(config), faults_(std::move(faults)) {}

  std::unique_ptr<stores::Target> live(const recovery::StorePlan& store) override {
    return make_target(store_of(store), Place::live, faults_);
  }

  std::unique_ptr<stores::Target> copy(const recovery::StorePlan& store,
                                       const std::filesystem::path& path) override {
    // After the cut-over the copy is what is live.
    const Place place = path == store.path ? Place::live : Place::copy;
    return make_target(at(store, path), place, faults_);
  }

  std::unique_ptr<stores::Source> live_source(const recovery::StorePlan& store) override {
    const config::StoreConfig config = store_of(store);
    if (is_database(config) && !work_place_) work_place_ = work_place(config_);
    return make_source(config_, config, work_place_.value_or("") / "spool");
  }

  std::unique_ptr<stores::Source> copy_source(const recovery::StorePlan& store,
                                              repo::Repository& repository,
                                              const repo::Snapshot& snapshot,
                                              const std::filesystem::path& path) override {
    // What was written over in place has the things beside it that the store does not protect.
    if (path == store.path) return without_lacking(store, repository, snapshot);
    stores::disk::TreeSourceOptions options;
    if (!is_database(store_of(store))) {
      options.root = path;
      return stores::disk::make_tree_source(std::move(options));
    }
    options.root = path.parent_path();
    return std::make_unique<RenamedSource>(stores::disk::make_tree_source(std::move(options)),
                                           path.filename().native(),
                                           database_name(repository, snapshot));
  }

  std::unique_ptr<stores::Sink> sink(const recovery::StorePlan& store,
                                     const std::filesystem::path& directory, bool delta) override {
    if (delta && directory == store.path) return make_live_sink(store_of(store));
    return make_sink(store.type, directory, delta);
  }

  std::filesystem::path copy_within(const recovery::StorePlan& store, repo::Repository& repository,
                                    const repo::Snapshot& snapshot,
                                    const std::filesystem::path& directory) override {
    return is_database(store_of(store)) ? directory / database_name(repository, snapshot)
                                        : directory;
  }

 private:
  /// The live store as the snapshot is to find it, without what the snapshot lacks and stays there.
  std::unique_ptr<stores::Source> without_lacking(const recovery::StorePlan& store,
                                                  repo::Repository& repository,
                                                  const repo::Snapshot& snapshot) {
    auto source = live_source(store);
    if (snapshot.missing.empty()) return source;
    return std::make_unique<SourceWithout>(std::move(source), repository, snapshot);
  }

  static config::StoreConfig at(const recovery::StorePlan& store,
                                const std::filesystem::path& path) {
    config::StoreConfig config = store_of(store);
    std::visit([&](auto& details) { details.path = path; }, config.details);
    return config;
  }

  const config::Config& config_;
  const stores::ReplacementFaults faults_;
  std::optional<std::filesystem::path> work_place_;  // looked for once
};

Json json_of(const config::FilesStoreConfig& store, const repo::Snapshot& snapshot) {
  Json json{{"exclude", store.exclude},
            {"one_file_system", store.one_file_system},
            {"warn", store.on_unreadable == config::OnUnreadable::warn}};
  // Names are bytes, which JSON can't hold.
  for (const repo::Missing& missing : snapshot.missing) {
    json["missing"].push_back(to_hex(as_bytes(stores::path_of_key(missing.key))));
  }
  if (snapshot.missing_more != 0) json["missing_more"] = true;
  return json;
}

Json json_of(const config::SqliteStoreConfig&, const repo::Snapshot&) {
  return Json::object();
}

config::FilesStoreConfig files_of(const recovery::StorePlan& plan, const Json& json) {
  config::FilesStoreConfig store;
  store.path = plan.path;
  store.exclude = json.at("exclude").get<std::vector<std::string>>();
  store.one_file_system = json.at("one_file_system");
  if (json.at("warn")) store.on_unreadable = config::OnUnreadable::warn;
  for (const Json& path : json.value("missing", Json::array())) {
    const auto text = path.get<std::string>();
    std::string raw(text.size() / 2, '\0');
    if (!from_hex(text, std::as_writable_bytes(std::span(raw)))) {
      throw Error(ErrorCode::corruption, "store " + printable(plan.name) +
                                             " of the plan has a path that is no hexadecimal text");
    }
    store.missing.push_back(std::move(raw));
  }
  store.missing_more = json.value("missing_more", false);
  return store;
}

}  // namespace

std::string settings_of(const config::StoreConfig& store, const repo::Snapshot& snapshot) {
  return std::visit([&](const auto& details) { return write_json(json_of(details, snapshot)); },
                    store.details);
}

config::StoreConfig store_of(const recovery::StorePlan& plan) {
  try {
    const Json json = parse_json<Json>(plan.settings);
    if (plan.type == config::FilesStoreConfig::kType) return {plan.name, files_of(plan, json)};
    if (plan.type == config::SqliteStoreConfig::kType)
      return {plan.name, config::SqliteStoreConfig{plan.path}};
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corruption, "store " + printable(plan.name) +
                                           " of the plan can't be understood: " + error.what());
  }
  throw Error(ErrorCode::configuration,
              "stores of type " + printable(plan.type) + " are not known to this version",
              "use the version of salvor that began the run, or a newer one");
}

std::unique_ptr<recovery::StoreAccess> make_store_access(const config::Config& config,
                                                         const stores::ReplacementFaults& faults) {
  return std::make_unique<ConfiguredStores>(config, faults);
}

}  // namespace salvor::control::internal
