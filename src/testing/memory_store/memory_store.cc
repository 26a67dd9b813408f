#include "testing/memory_store/memory_store.h"

#include <array>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "codec/hash.h"
#include "stores/disk/tree.h"
#include "testing/fake_source.h"

namespace salvor::testing {
namespace {

using stores::Location;
using stores::Settings;
using stores::SettingsKey;

constexpr const char* kMarkerName = ".salvor-canary";
constexpr std::string_view kScheme = "memory:";

std::map<std::string, MemoryContent>& memory() {
  static std::map<std::string, MemoryContent> all;
  return all;
}

std::function<void()>& looker() {
  static std::function<void()> look;
  return look;
}

bool exists(const std::string& name) {
  return memory().contains(name);
}

Location place_of(const std::string& name) {
  return {std::string(kScheme) + name, {}};
}

std::string name_of(const Location& location) {
  return location.text.substr(kScheme.size());
}

/// A restored copy may lie in a directory instead.
MemoryContent content_of(const Location& location) {
  if (!location.is_path())
    return exists(name_of(location)) ? memory_at(name_of(location)) : MemoryContent();
  MemoryContent content;
  for (const auto& each : std::filesystem::directory_iterator(location.path)) {
    content[each.path().filename().native()] = as_text(read_file(each.path(), 1U << 24U));
  }
  return content;
}

/// What a place holds at the mark.
class MemorySource final : public stores::Source {
 public:
  explicit MemorySource(Location location) : location_(std::move(location)) {}

  void mark() override {
    std::map<std::string, FakeItem> items{{"", fake_directory()}};
    for (const auto& [name, text] : content_of(location_)) items[name] = fake_file(text);
    marked_ = std::make_unique<FakeSource>(std::move(items));
  }
  stores::SourceCapabilities capabilities() const override { return {}; }
  void examine(const std::stop_token&) override {}
  std::optional<stores::Item> next() override { return marked_->next(); }
  std::unique_ptr<stores::ContentReader> open(const stores::Item& item) override {
    return marked_->open(item);
  }
  bool unchanged(const stores::Entry&, const stores::Entry&) const override { return false; }
  stores::SourceReport report() const override { return marked_->report(); }

 private:
  const Location location_;
  std::unique_ptr<FakeSource> marked_;
};

class MemoryWriter final : public stores::FileWriter {
 public:
  MemoryWriter(std::string& text, std::uint64_t size) : text_(text) { text_.assign(size, '\0'); }

  std::size_t read_existing(MutableByteView, std::uint64_t) override { return 0; }
  void write(ByteView bytes, std::uint64_t offset) override {
    std::memcpy(text_.data() + offset, bytes.data(), bytes.size());
  }
  void punch_hole(std::uint64_t, std::uint64_t) override {}
  void finish() override {}

 private:
  std::string& text_;
};

/// Writers of several files are used at the same time, so each has its text from the beginning.
class MemorySink final : public stores::Sink {
 public:
  explicit MemorySink(MemoryContent& content) : content_(content) {}

  void begin() override { content_.clear(); }
  void make(ByteView, const stores::Entry&) override {}
  std::unique_ptr<stores::FileWriter> create(ByteView key, const stores::Entry& entry) override {
    const std::lock_guard lock(mutex_);
    return std::make_unique<MemoryWriter>(content_[stores::path_of_key(key)], entry.size);
  }
  void complete(ByteView, const stores::Entry&) override {}
  void commit() override {}
  stores::SinkReport report() const override { return {}; }

 private:
  std::mutex mutex_;
  MemoryContent& content_;
};

/// What is beside a place: NAME~RUN is the workplace, NAME~RUN/new and NAME~RUN/old what it holds.
class MemoryReplacement final : public stores::Replacement {
 public:
  MemoryReplacement(std::string live, const std::string& run)
      : live_(std::move(live)),
        workplace_(live_ + "~" + run),
        copy_(workplace_ + "/new"),
        old_(workplace_ + "/old") {}

  stores::ReplacementState state() const override {
    return {.provisioned = exists(workplace_), .cut_over = exists(old_)};
  }
  Location workplace() const override { return place_of(workplace_); }
  Location copy() const override { return place_of(exists(old_) ? live_ : copy_); }
  void provision() override { memory_at(workplace_); }
  std::unique_ptr<stores::Sink> sink(stores::Recognise) override {
    return std::make_unique<MemorySink>(memory_at(copy_));
  }
  std::uint64_t separate(const Rewrite&, stores::Way) override { return 0; }
  void settle(stores::Way) override {}

  void cut_over(std::int64_t) override {
    if (exists(old_)) return;
    memory_at(old_) = std::exchange(memory_at(live_), memory_at(copy_));
    memory().erase(copy_);
  }
  void swap_back(std::int64_t) override {
    if (!exists(old_)) return;
    memory_at(copy_) = std::exchange(memory_at(live_), memory_at(old_));
    memory().erase(old_);
  }
  void discard_copy() override { discard(); }
  void try_discard_old() const override {}
  void discard_old() override { discard(); }

 private:
  void discard() {
    for (const std::string& name : {copy_, old_, workplace_}) memory().erase(name);
  }

  const std::string live_;
  const std::string workplace_;
  const std::string copy_;
  const std::string old_;
};

class MemoryTarget final : public stores::Target, public stores::PathAccess {
 public:
  explicit MemoryTarget(Location location) : location_(std::move(location)) {}

  const Location& location() const override { return location_; }
  stores::PathAccess* paths() override { return this; }

  stores::TargetIdentity identify(std::int64_t) const override {
    stores::TargetIdentity identity;
    identity.path = location_.text;
    identity.exists = location_.is_path() || exists(name_of(location_));
    identity.entries = content_of(location_).size();
    return identity;
  }

  std::vector<stores::SelfCheck> check(std::stop_token, const Facts&) override { return {}; }

  std::optional<stores::Marker> marker(std::stop_token) override {
    const MemoryContent content = content_of(location_);
    const auto found = content.find(kMarkerName);
    if (found == content.end()) return std::nullopt;
    const Settings json = try_parse_json<Settings>(found->second);
    if (!json.is_array() || json.size() != 5) return stores::Marker();
    return stores::Marker{json[0], json[1], json[2], json[3], json[4]};
  }

  std::optional<stores::PathFacts> look_at(const std::string& path) override {
    const MemoryContent content = content_of(location_);
    const auto found = content.find(path);
    if (found == content.end()) return std::nullopt;
    return stores::PathFacts{true, found->second.size()};
  }

  std::string sha256(const std::string& path) override {
    const MemoryContent content = content_of(location_);
    const auto found = content.find(path);
    if (found == content.end()) throw Error(ErrorCode::not_found, "found no " + path);
    return to_hex(codec::sha256(as_bytes(found->second)));
  }

  void list(const std::function<void(const std::string& path)>& visit) override {
    for (const auto& [name, text] : content_of(location_)) {
      if (name != kMarkerName) visit(name);
    }
  }

  std::unique_ptr<stores::Replacement> replacement(const std::string& run,
                                                   const std::string& /*tag*/) override {
    return std::make_unique<MemoryReplacement>(name_of(location_), run);
  }

 private:
  const Location location_;
};

const std::array kKeys{
    SettingsKey{.name = "name",
                .kind = SettingsKey::Kind::text,
                .help = "the name of its memory",
                .is_required = true},
    SettingsKey{.name = "canary", .kind = SettingsKey::Kind::flag, .help = "write a marker"},
};

class MemoryType final : public stores::Type {
 public:
  std::string_view name() const override { return "memory"; }
  std::span<const SettingsKey> keys() const override { return kKeys; }
  bool holds_paths() const override { return true; }

  Location location(const Settings& settings) const override {
    return place_of(settings.at("name"));
  }
  std::optional<stores::Footprint> footprint(const Settings&) const override {
    const auto look = looker();  // a copy: it may put another in its place
    if (look) look();
    return std::nullopt;
  }
  std::string obstacle(const Settings& settings) const override {
    return exists(settings.at("name")) ? "" : "there is no such memory";
  }

  std::unique_ptr<stores::Source> source(const Settings& settings,
                                         const stores::Surroundings&) const override {
    return std::make_unique<MemorySource>(location(settings));
  }
  void plant(const Settings& settings, const stores::Marker& marker) const override {
    memory_at(settings.at("name"))[kMarkerName] = write_json(
        Settings{marker.service, marker.store, marker.nonce, marker.time, marker.signature});
  }
  std::unique_ptr<stores::Target> live(const Settings& settings,
                                       const stores::Surroundings&) const override {
    return std::make_unique<MemoryTarget>(location(settings));
  }
  std::unique_ptr<stores::Target> copy(const Settings&, const Location& at) const override {
    return std::make_unique<MemoryTarget>(at);
  }
  std::unique_ptr<stores::Sink> sink(const std::filesystem::path& directory,
                                     bool delta) const override {
    return stores::disk::make_tree_sink({.target = directory, .delta = delta});
  }
  Location copy_within(const std::filesystem::path& directory,
                       const stores::FirstKey&) const override {
    return stores::location_of(directory);
  }
  std::unique_ptr<stores::Source> copy_source(const Location& copy,
                                              const stores::FirstKey&) const override {
    return std::make_unique<MemorySource>(copy);
  }
};

}  // namespace

MemoryContent& memory_at(const std::string& name) {
  return memory()[name];
}

void on_look_at_memory(std::function<void()> look) {
  looker() = std::move(look);
}

void clear_memory() {
  memory().clear();
  looker() = nullptr;
}

std::vector<std::string> memory_names() {
  std::vector<std::string> names;
  for (const auto& [name, content] : memory()) names.push_back(name);
  return names;
}

void register_memory_type() {
  static const MemoryType type;
  if (stores::find_type(type.name()) == nullptr) stores::add_type(type);
}

}  // namespace salvor::testing
