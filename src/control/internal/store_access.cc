#include "control/internal/store_access.h"

#include "base/error.h"
#include "base/json.h"
#include "control/internal/store_types.h"
#include "stores/files/files.h"

namespace salvor::control::internal {
namespace {

using Json = nlohmann::ordered_json;

/// A database under the name that it had in the point: it may be called otherwise since.
class RenamedSource final : public stores::Source {
 public:
  RenamedSource(std::unique_ptr<stores::Source> inner, const std::string& name,
                const std::string& shown)
      : inner_(std::move(inner)), name_(to_bytes(name)), shown_(to_bytes(shown)) {}

  stores::SourceCapabilities capabilities() const override { return inner_->capabilities(); }
  void mark() override { inner_->mark(); }

  std::optional<stores::Item> next() override {
    auto item = inner_->next();
    if (item && item->key == name_) item->key = shown_;
    return item;
  }

  std::unique_ptr<stores::ContentReader> open(const stores::Item& item) override {
    if (item.key != shown_) return inner_->open(item);
    return inner_->open({name_, item.entry});
  }

  bool unchanged(const stores::Entry& then, const stores::Entry& now) const override {
    return inner_->unchanged(then, now);
  }
  stores::SourceReport report() const override { return inner_->report(); }

 private:
  const std::unique_ptr<stores::Source> inner_;
  const Bytes name_;
  const Bytes shown_;
};

class ConfiguredStores final : public recovery::StoreAccess {
 public:
  ConfiguredStores(const Config& config, stores::ReplacementFaults faults)
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
    return make_source(config_, store_of(store));
  }

  std::unique_ptr<stores::Source> copy_source(const recovery::StorePlan& store,
                                              repo::Repository& repository,
                                              const repo::Snapshot& snapshot,
                                              const std::filesystem::path& path) override {
    // What was written over in place has the things beside it that the store does not protect.
    if (path == store.path) return live_source(store);
    stores::FilesSourceOptions options;
    if (!is_database(store_of(store))) {
      options.root = path;
      return stores::make_files_source(std::move(options));
    }
    options.root = path.parent_path();
    return std::make_unique<RenamedSource>(stores::make_files_source(std::move(options)),
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
  static StoreConfig at(const recovery::StorePlan& store, const std::filesystem::path& path) {
    StoreConfig config = store_of(store);
    std::visit([&](auto& details) { details.path = path; }, config.details);
    return config;
  }

  const Config& config_;
  const stores::ReplacementFaults faults_;
};

Json json_of(const FilesStoreConfig& store) {
  return {{"exclude", store.exclude},
          {"one_file_system", store.one_file_system},
          {"warn", store.on_unreadable == OnUnreadable::warn}};
}

Json json_of(const SqliteStoreConfig&) {
  return Json::object();
}

FilesStoreConfig files_of(const recovery::StorePlan& plan, const Json& json) {
  FilesStoreConfig store;
  store.path = plan.path;
  store.exclude = json.at("exclude").get<std::vector<std::string>>();
  store.one_file_system = json.at("one_file_system");
  if (json.at("warn")) store.on_unreadable = OnUnreadable::warn;
  return store;
}

}  // namespace

std::string settings_of(const StoreConfig& store) {
  return std::visit([](const auto& details) { return write_json(json_of(details)); },
                    store.details);
}

StoreConfig store_of(const recovery::StorePlan& plan) {
  try {
    const Json json = parse_json<Json>(plan.settings);
    if (plan.type == FilesStoreConfig::kType) return {plan.name, files_of(plan, json)};
    if (plan.type == SqliteStoreConfig::kType) return {plan.name, SqliteStoreConfig{plan.path}};
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corruption, "store " + printable(plan.name) +
                                           " of the plan can't be understood: " + error.what());
  }
  throw Error(ErrorCode::configuration,
              "stores of type " + printable(plan.type) + " are not known to this version",
              "use the version of salvor that began the run, or a newer one");
}

std::unique_ptr<recovery::StoreAccess> make_store_access(const Config& config,
                                                         const stores::ReplacementFaults& faults) {
  return std::make_unique<ConfiguredStores>(config, faults);
}

}  // namespace salvor::control::internal
