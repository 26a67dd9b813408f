#include "recovery/store_access.h"

#include "base/error.h"

namespace salvor::recovery {
namespace {

/// The live tree without the paths that the snapshot lacks because its backup could not read them.
class SourceWithout final : public stores::Source {
 public:
  SourceWithout(std::unique_ptr<stores::Source> inner, stores::disk::Lacking lacking,
                repo::Repository& repository, const repo::Snapshot& snapshot)
      : inner_(std::move(inner)),
        lacking_(std::move(lacking)),
        cursor_(repository.node_reader(), snapshot.root) {}

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
  const stores::disk::Lacking lacking_;
  repo::TreeCursor cursor_;
};

}  // namespace

stores::FirstKey first_key(repo::Repository& repository, const repo::Snapshot& snapshot) {
  return [&] {
    repo::TreeCursor cursor(repository.node_reader(), snapshot.root);
    for (const repo::Record* record = cursor.find_record(); record != nullptr;
         record = cursor.find_record()) {
      if (!record->key.empty()) return record->key;
      cursor.advance();
    }
    throw Error(ErrorCode::corruption,
                "the snapshot of store " + snapshot.store + " holds no database",
                "restore an older recovery point");
  };
}

stores::Surroundings StoreAccess::around(const StorePlan& store) const {
  stores::Surroundings around = around_;
  around.lacking = {store.lacking, store.lacks_more};
  return around;
}

std::unique_ptr<stores::Target> StoreAccess::live(const StorePlan& store) const {
  return stores::type_named(store.type).live(store.settings, around(store));
}

std::unique_ptr<stores::Target> StoreAccess::copy(const StorePlan& store,
                                                  const stores::Location& at) const {
  // After the cut-over the copy is what is live.
  return at.text == store.path ? live(store)
                               : stores::type_named(store.type).copy(store.settings, at);
}

std::unique_ptr<stores::Source> StoreAccess::live_source(const StorePlan& store) const {
  return stores::type_named(store.type).source(store.settings, around_);
}

std::unique_ptr<stores::Source> StoreAccess::copy_source(const StorePlan& store,
                                                         repo::Repository& repository,
                                                         const repo::Snapshot& snapshot,
                                                         const stores::Location& at) const {
  if (at.text != store.path) {
    return stores::type_named(store.type).copy_source(at, first_key(repository, snapshot));
  }
  // A tree that was written over in place also holds what the store does not protect, and what the
  // snapshot lacks.
  auto source = live_source(store);
  if (snapshot.missing.empty()) return source;
  std::vector<std::string> paths;
  for (const repo::Missing& missing : snapshot.missing) {
    paths.push_back(stores::path_of_key(missing.key));
  }
  return std::make_unique<SourceWithout>(std::move(source), stores::disk::Lacking(paths, false),
                                         repository, snapshot);
}

std::unique_ptr<stores::Sink> StoreAccess::sink(const StorePlan& store,
                                                const std::filesystem::path& directory) const {
  return stores::type_named(store.type).sink(directory, false);
}

stores::Location StoreAccess::copy_within(const StorePlan& store, repo::Repository& repository,
                                          const repo::Snapshot& snapshot,
                                          const std::filesystem::path& directory) const {
  return stores::type_named(store.type).copy_within(directory, first_key(repository, snapshot));
}

}  // namespace salvor::recovery
