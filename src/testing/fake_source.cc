#include "testing/fake_source.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace salvor::testing {

using stores::Entry;
using stores::EntryKind;
using stores::Item;

FakeItem fake_file(std::string content) {
  FakeItem item;
  item.entry.kind = EntryKind::file;
  item.entry.mode = 0644;
  item.entry.size = content.size();
  item.contents = {std::move(content)};
  return item;
}

FakeItem fake_directory() {
  FakeItem item;
  item.entry.kind = EntryKind::directory;
  item.entry.mode = 0755;
  return item;
}

FakeItem fake_hard_link(std::string_view first_name) {
  FakeItem item;
  item.entry.kind = EntryKind::hard_link;
  item.entry.target = stores::key_of_path(first_name);
  return item;
}

class FakeSource::Reader final : public stores::ContentReader {
 public:
  Reader(FakeSource& source, const Item& announced, const FakeItem& item, int attempt)
      : source_(source),
        key_(announced.key),
        is_file_(announced.entry.kind == EntryKind::file),
        item_(item),
        attempt_(attempt),
        content_(
            item.contents[std::min(item.contents.size() - 1, static_cast<std::size_t>(attempt))]) {}

  Step read(MutableByteView out) override {
    if (!is_file_) return {};
    if (item_.breaks_at && at_ >= *item_.breaks_at) {
      source_.add_problem(key_, "input/output error");
      throw Error(ErrorCode::failed, "input/output error");
    }
    std::size_t end = content_.size();
    if (item_.breaks_at) end = std::min(end, *item_.breaks_at);
    if (item_.sparse && at_ < end) {
      const bool hole = content_[at_] == 'H';
      std::size_t stop = at_;
      while (stop < end && (content_[stop] == 'H') == hole) ++stop;
      if (hole) return {0, stop - std::exchange(at_, stop)};
      end = stop;
    }
    const std::size_t size = std::min(out.size(), end - at_);
    std::memcpy(out.data(), content_.data() + at_, size);
    at_ += size;
    return {size, 0};
  }

  bool finish(Entry& entry) override {
    if (!is_file_ && item_.breaks_at) {
      source_.add_problem(key_, "input/output error");
      throw Error(ErrorCode::failed, "input/output error");
    }
    if (is_file_) entry.size = content_.size();
    return attempt_ >= item_.changes;
  }

 private:
  FakeSource& source_;
  const Bytes key_;
  const bool is_file_;
  const FakeItem& item_;
  const int attempt_;
  const std::string& content_;
  std::size_t at_ = 0;
};

FakeSource::FakeSource(std::map<std::string, FakeItem> items) {
  for (auto& [path, item] : items) items_.emplace(stores::key_of_path(path), std::move(item));
  next_ = items_.begin();
}

std::map<std::string, int> FakeSource::opened() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, int> counts;
  for (const auto& [key, count] : opened_) counts[stores::path_of_key(key)] = count;
  return counts;
}

stores::SourceCapabilities FakeSource::capabilities() const {
  return {{fixed_bytes}, recognises_unchanged};
}

void FakeSource::mark() {
  if (on_mark) on_mark();
}

std::optional<Item> FakeSource::next() {
  if (next_ == items_.end()) return std::nullopt;
  const auto& [key, item] = *next_++;
  if (on_next) on_next(stores::path_of_key(key));
  return Item{key, item.entry};
}

std::unique_ptr<stores::ContentReader> FakeSource::open(const Item& item) {
  if (on_open) on_open(stores::path_of_key(item.key));
  int attempt = 0;
  {
    const std::lock_guard lock(mutex_);
    attempt = opened_[item.key]++;
  }
  const FakeItem& thing = items_.at(item.key);
  if (thing.vanishes) return nullptr;
  if (thing.unreadable) {
    add_problem(item.key, "permission denied");
    return nullptr;
  }
  if (thing.changes_kind) {
    const std::lock_guard lock(mutex_);
    problems_.push_back({item.key, "it became another kind", true});
    return nullptr;
  }
  return std::make_unique<Reader>(*this, item, thing, attempt);
}

bool FakeSource::unchanged(const Entry& then, const Entry& now) const {
  return then == now;
}

stores::SourceReport FakeSource::report() const {
  const std::lock_guard lock(mutex_);
  stores::SourceReport report;
  report.unreadable = problems_;
  return report;
}

void FakeSource::add_problem(const Bytes& key, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  problems_.push_back({key, reason});
}

}  // namespace salvor::testing
