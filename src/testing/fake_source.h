#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "stores/source.h"

namespace salvor::testing {

/// One thing of a FakeSource, and how it behaves.   A value.
struct FakeItem {
  stores::Entry entry;
  /// What each try to read finds; the last one stays. Bytes of 'H' are holes where `sparse`. Of a
  /// hard link: what it has when it is read as a file.
  std::vector<std::string> contents = {{}};
  bool sparse = false;
  int changes = 0;          ///< how many tries find that it has changed meanwhile
  bool vanishes = false;    ///< between next() and open()
  bool unreadable = false;  ///< open() finds a problem
  bool changes_kind = false;
  std::optional<std::size_t> breaks_at =
      {};  ///< read() fails at this byte; of a directory: finish() fails
};

FakeItem fake_file(std::string content);
FakeItem fake_directory();
FakeItem fake_hard_link(std::string_view first_name);

/// A store in memory, in which everything can go wrong.
/// Threads: as Source says; the members that a test sets, only while nothing is read.
class FakeSource final : public stores::Source {
 public:
  explicit FakeSource(std::map<std::string, FakeItem> items);

  std::size_t fixed_bytes = 0;
  bool recognises_unchanged = true;
  std::function<void()> on_mark = {};
  std::function<void(const std::stop_token&)> on_examine = {};
  std::function<void(const std::string& path)> on_next = {};
  std::function<void(const std::string& path)> on_open = {};

  /// How often each path was opened.
  std::map<std::string, int> opened() const;

  stores::SourceCapabilities capabilities() const override;
  void mark() override;
  void examine(const std::stop_token& stop) override {
    if (on_examine) on_examine(stop);
  }
  std::optional<stores::Item> next() override;
  std::unique_ptr<stores::ContentReader> open(const stores::Item& item) override;
  bool unchanged(const stores::Entry& then, const stores::Entry& now) const override;
  stores::SourceReport report() const override;

 private:
  class Reader;
  void add_problem(const Bytes& key, const std::string& reason);

  std::map<Bytes, FakeItem> items_;
  std::map<Bytes, FakeItem>::const_iterator next_;
  mutable std::mutex mutex_;  ///< guards the two below
  std::map<Bytes, int> opened_;
  std::vector<stores::Problem> problems_;
};

}  // namespace salvor::testing
