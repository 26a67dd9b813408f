#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "backend/fault.h"
#include "backend/local.h"
#include "backend/memory.h"
#include "base/error.h"
#include "recovery/restore.h"
#include "repo/check.h"
#include "repo/format.h"
#include "scratch.h"
#include "stores/disk/tree.h"

/// A small repository, damaged in every place: each damage is found, and none is restored as if it
/// were right.
namespace salvor::testing {
namespace {

namespace fs = std::filesystem;

using backend::MemoryBackend;
using repo::CheckReport;

class DamageTest : public ::testing::Test {
 protected:
  static constexpr int kPoints = 6;

  DamageTest() {
    create_repository(memory_);
    // Who holds another key can look when the first holder's slot is damaged.
    open_repository(memory_, repo::Access::write)->add_slot(slot_for(second_holder()));
    make_tree(tree(), 5, 6'000, 1);
    SeededRng rng(2);
    for (int i = 0; i < kPoints; ++i) {
      std::ofstream(tree() / ("point " + std::to_string(i)), std::ios::binary)
          << as_text(rng.bytes(300));
      back_up(memory_, tree());
    }
    const auto repository = open(memory_);
    head_ = repository->sequence();
    newest_point_ = repository->points().back().id;
    for (const repo::SlotInfo& slot : repository->slots()) {
      if (slot.in_use) second_slot_ = "keys/" + slot.id.hex();
    }
    for (const auto& [name, bytes] : memory_.objects()) names_.push_back(name);
  }

  static const codec::BoxKeyPair& second_holder() {
    static const codec::BoxKeyPair pair = codec::make_box_key_pair();
    return pair;
  }

  fs::path tree() const { return directory_.path() / "tree"; }

  std::unique_ptr<repo::Repository> open(backend::Backend& medium,
                                         repo::Access access = repo::Access::inspect) const {
    return repo::Repository::open(medium, credentials_of(second_holder()), access, Clock::system(),
                                  Rng::system());
  }

  /// What a verification says of the repository, opened with a key that still works.
  CheckReport look(backend::Backend& medium, const std::string& damaged,
                   std::uint64_t head_seen = 0) const {
    const bool second = damaged == second_slot_;
    const auto repository = second ? open_repository(medium, repo::Access::inspect) : open(medium);
    repo::CheckOptions options;
    options.data = true;
    options.threads = 1;
    options.head_seen = head_seen;
    return repo::check(*repository, options);
  }

  static bool names(const CheckReport& report, const std::string& object) {
    for (const repo::Finding& finding : report.findings) {
      if (finding.severity != repo::Finding::Severity::damage) continue;
      if (finding.object == object || finding.what.find(object) != std::string::npos) return true;
    }
    return false;
  }

  /// Restores the newest point: equal, or an error, and no wrong byte in either case.
  /// False: an error.
  bool restore_is_right_or_refused(backend::Backend& medium) {
    const TemporaryDirectory target(directory_.path());
    stores::disk::TreeSinkOptions to;
    to.target = target.path() / "restored";
    try {
      const auto repository = open(medium, repo::Access::read);
      const auto sink = stores::disk::make_tree_sink(to);
      recovery::RestoreOptions options;
      options.threads = 2;
      recovery::restore(*repository, repository->points().back().snapshots.at(0), *sink, options);
      EXPECT_EQ(tree_difference(describe_tree(tree()), describe_tree(to.target)), "");
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corruption) << error.message();
      expect_no_wrong_bytes(to.target);
      return false;
    }
  }

  void expect_no_wrong_bytes(const fs::path& target) {
    if (!fs::exists(target)) return;
    for (const auto& found : fs::recursive_directory_iterator(target)) {
      if (!found.is_regular_file() || found.is_symlink()) continue;
      if (found.path().filename() == stores::disk::kIncompleteMarker) continue;
      const Bytes right = read_file(tree() / fs::relative(found.path(), target), 1U << 20U);
      const Bytes there = read_file(found.path(), 1U << 20U);
      ASSERT_LE(there.size(), right.size()) << found.path();
      for (std::size_t at = 0; at < there.size(); ++at) {
        // What was not written is a hole.
        ASSERT_TRUE(there[at] == right[at] || there[at] == std::byte{0}) << found.path();
      }
    }
  }

  /// One damage: it is found, its object is named, and what is lost is what can't be restored.
  void expect_found(backend::Backend& medium, const std::string& name, bool and_restore) {
    const CheckReport report = look(medium, name);
    ASSERT_FALSE(report.sound());
    ASSERT_TRUE(names(report, name)) << damage_of(report);
    // A reader may refuse what claims to be of a newer format before it knows better.
    if (!and_restore || name.starts_with("keys/") || name == "salvor.json") return;
    const bool lost =
        std::any_of(report.affected.begin(), report.affected.end(),
                    [&](const auto& affected) { return affected.point == newest_point_; });
    EXPECT_EQ(restore_is_right_or_refused(medium), !lost) << damage_of(report);
  }

  std::string newest_entry() const {
    std::string newest;
    for (const std::string& name : names_) {
      if (name.starts_with("log/")) newest = name;
    }
    return newest;
  }

  /// Objects of one kind differ little: every byte of the first of each kind and size is tried, and
  /// a sample of the others.
  std::size_t stride_of(const std::string& name) {
    const std::string kind = name.substr(0, name.find('/'));
    const bool pack = kind == "packs";
    const std::size_t size = memory_.objects().at(name).size();
    const std::string sort = kind + (pack && size > 2000 ? " large" : "");
    return tried_.insert(sort).second && size < 4000 ? 1 : 11;
  }

  const TemporaryDirectory directory_{"/tmp"};
  MemoryBackend memory_;
  std::vector<std::string> names_;
  std::uint64_t head_ = 0;
  repo::PointId newest_point_;
  std::string second_slot_;
  std::set<std::string> tried_;
};

TEST_F(DamageTest, the_repository_has_every_kind_of_object) {
  for (const char* prefix : {"salvor.json", "keys/", "packs/", "index/", "log/", "checkpoint/"}) {
    EXPECT_TRUE(std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
      return name.starts_with(prefix);
    })) << prefix;
  }
  const CheckReport report = look(memory_, "");
  EXPECT_TRUE(report.sound()) << damage_of(report);
  EXPECT_TRUE(restore_is_right_or_refused(memory_));
}

TEST_F(DamageTest, every_flipped_byte_is_found) {
  MemoryBackend medium(memory_.objects());
  std::uint64_t flips = 0;
  for (const std::string& name : names_) {
    SCOPED_TRACE(name);
    const std::size_t stride = stride_of(name);
    for (std::size_t at = 0; at < memory_.objects().at(name).size(); at += stride) {
      SCOPED_TRACE("byte " + std::to_string(at));
      const std::byte mask = ++flips % 8 == 0 ? std::byte{0xFF} : std::byte{1};
      std::byte& byte = medium.objects().at(name)[at];
      byte ^= mask;
      expect_found(medium, name, flips % 97 == 0);
      byte ^= mask;
      if (HasFailure()) return;
    }
  }
  std::printf("%llu flipped bytes\n", static_cast<unsigned long long>(flips));
}

/// One place of a medium can't be read any more, as the repository's objects lie in files.
TEST_F(DamageTest, every_bad_place_of_a_medium_is_found) {
  for (const std::string& name : names_) {
    SCOPED_TRACE(name);
    const fs::path place = directory_.path() / "medium";
    {
      const auto plain = backend::create_local(place);
      for (const auto& [object, bytes] : memory_.objects()) plain->put_if_absent(object, bytes);
    }
    const std::uint64_t middle = memory_.objects().at(name).size() / 2;
    backend::LocalOptions options;
    options.read_fault = [&](const std::string& object, std::uint64_t offset, std::size_t bytes) {
      return object == name && offset <= middle && offset + bytes > middle ? EIO : 0;
    };
    const auto medium = backend::open_local(place, options);
    expect_found(*medium, name, true);
    if (name.starts_with("packs/")) {
      const CheckReport report = look(*medium, name);
      EXPECT_EQ(report.unreadable_packs.size(), 1U) << damage_of(report);
      EXPECT_TRUE(report.damaged_packs.empty()) << damage_of(report);
      repo::repair_packs(*open(*medium, repo::Access::repair), report);
      // Its bytes may be read another time: they stay, but no backup relies on them.
      EXPECT_EQ(medium->size(name), memory_.objects().at(name).size());
      back_up(*medium, tree());
      EXPECT_TRUE(restore_is_right_or_refused(*medium));
      const auto readable = backend::open_local(place, {});
      repo::repair_packs(*open(*readable, repo::Access::repair), look(*readable, name));
      const CheckReport after = look(*readable, name);
      EXPECT_TRUE(after.sound()) << damage_of(after);
      EXPECT_TRUE(after.readable_again.empty());
    }
    fs::remove_all(place);
    if (HasFailure()) return;
  }
}

/// Of a chunk that is in two packs, the medium does not give the one, and the other has rotten.
TEST_F(DamageTest, a_chunk_in_a_pack_that_is_not_given_is_nowhere_else) {
  const auto is_large_pack = [&](const auto& object) {
    return object.first.starts_with("packs/") && object.second.size() > 2000;
  };
  const auto& before = memory_.objects();
  const auto first = *std::find_if(before.begin(), before.end(), is_large_pack);
  MemoryBackend stored(before);
  stored.objects().erase(first.first);
  back_up(stored, tree());
  const fs::path place = directory_.path() / "medium";
  const auto plain = backend::create_local(place);
  plain->put_if_absent(first.first, first.second);
  for (auto [name, bytes] : stored.objects()) {
    // Its directory is lost; the index says where its chunks are.
    if (!before.contains(name) && is_large_pack(std::pair(name, bytes)))
      bytes.back() ^= std::byte{1};
    plain->put_if_absent(name, bytes);
  }
  backend::LocalOptions options;
  options.read_fault = [&](const std::string& object, std::uint64_t, std::size_t) {
    return object == first.first ? EIO : 0;
  };
  const auto medium = backend::open_local(place, options);
  const CheckReport report = look(*medium, "");
  ASSERT_EQ(report.unreadable_packs.size(), 1U) << damage_of(report);
  ASSERT_EQ(report.damaged_packs.size(), 1U) << damage_of(report);
  ASSERT_TRUE(restore_is_right_or_refused(*medium));
  repo::repair_packs(*open(*medium, repo::Access::repair), report);
  EXPECT_TRUE(restore_is_right_or_refused(*medium));
}

TEST_F(DamageTest, every_object_cut_short_or_longer_is_found) {
  for (const std::string& name : names_) {
    SCOPED_TRACE(name);
    const Bytes& whole = memory_.objects().at(name);
    std::vector<std::size_t> sizes{0, 1, whole.size() / 2, whole.size() - 1, whole.size() + 1};
    for (std::size_t size = 17; size < whole.size(); size += whole.size() / 12 + 1) {
      sizes.push_back(size);
    }
    for (const std::size_t size : sizes) {
      SCOPED_TRACE("size " + std::to_string(size));
      MemoryBackend medium(memory_.objects());
      medium.objects().at(name).resize(size);
      expect_found(medium, name, size == whole.size() / 2);
      if (HasFailure()) return;
    }
  }
}

TEST_F(DamageTest, an_object_of_any_length_is_damage_and_no_failure) {
  std::set<std::string> kinds;
  for (const std::string& name : names_) {
    if (!kinds.insert(name.substr(0, name.find('/'))).second) continue;
    SCOPED_TRACE(name);
    MemoryBackend medium(memory_.objects());
    medium.objects().at(name).resize(repo::kObjectBytesMax + 1);
    const CheckReport report = look(medium, name);
    EXPECT_TRUE(names(report, name)) << damage_of(report);
    const auto repository = name == second_slot_ ? open_repository(medium, repo::Access::repair)
                                                 : open(medium, repo::Access::repair);
    repo::repair(*repository);
    if (name.starts_with("packs/")) {
      // All that was in it can be read still: it is where it was.
      EXPECT_TRUE(report.affected.empty()) << damage_of(report);
      repo::repair_packs(*repository, report);
    }
    if (name.starts_with("keys/")) continue;
    EXPECT_TRUE(look(medium, name).sound()) << damage_of(look(medium, name));
    EXPECT_TRUE(restore_is_right_or_refused(medium));
  }
}

TEST_F(DamageTest, a_pack_that_rots_is_replaced_and_the_next_backup_heals_it) {
  for (const std::string& name : names_) {
    if (!name.starts_with("packs/")) continue;
    SCOPED_TRACE(name);
    MemoryBackend medium(memory_.objects());
    Bytes pack = medium.objects().at(name);
    pack[pack.size() / 3] ^= std::byte{1};
    medium.objects().at(name) = pack;
    const CheckReport report = look(medium, name);
    ASSERT_EQ(report.damaged_packs.size(), 1U) << damage_of(report);
    repo::repair_packs(*open(medium, repo::Access::repair), report);
    EXPECT_FALSE(medium.objects().contains(name));
    EXPECT_EQ(medium.objects().at("damaged/" + name.substr(name.rfind('/') + 1)), pack)
        << "it is kept for a look";
    // What was affected still is; nothing else is.
    const CheckReport after = look(medium, name);
    EXPECT_EQ(after.affected.size(), report.affected.size()) << damage_of(after);
    EXPECT_TRUE(after.damaged_packs.empty()) << damage_of(after);
    back_up(medium, tree());
    EXPECT_TRUE(restore_is_right_or_refused(medium));
    const CheckReport healed = look(medium, name);
    const bool lost =
        std::any_of(healed.affected.begin(), healed.affected.end(),
                    [&](const auto& affected) { return affected.point == newest_point_; });
    EXPECT_FALSE(lost) << damage_of(healed);
  }
}

TEST_F(DamageTest, a_replacement_killed_anywhere_can_be_done_again) {
  MemoryBackend rotten(memory_.objects());
  std::size_t size = 0;
  for (const std::string& name : names_) {
    if (!name.starts_with("packs/")) continue;
    Bytes& pack = rotten.objects().at(name);
    if (pack.size() < 2000 || size != 0) continue;
    size = pack.size();
    pack[size / 2] ^= std::byte{1};
  }
  ASSERT_NE(size, 0U);
  for (const bool after : {false, true}) {
    for (std::uint64_t at = 1;; ++at) {
      SCOPED_TRACE("killed at operation " + std::to_string(at));
      MemoryBackend medium(rotten.objects());
      backend::FaultBackend faulty(medium);
      const CheckReport report = look(medium, "");
      std::uint64_t deadly = 0;
      try {
        const auto repository = open(faulty, repo::Access::repair);
        deadly = faulty.calls() + at;
        faulty.at(deadly, after ? backend::Fault::kill_after() : backend::Fault::kill_before());
        repo::repair_packs(*repository, report);
      } catch (const backend::Killed&) {
        EXPECT_TRUE(faulty.dead());
      }
      if (faulty.calls() < deadly) break;
      repo::repair(*open(medium, repo::Access::repair));
      repo::repair_packs(*open(medium, repo::Access::repair), look(medium, ""));
      back_up(medium, tree());
      EXPECT_TRUE(restore_is_right_or_refused(medium));
      const CheckReport healed = look(medium, "");
      EXPECT_TRUE(healed.damaged_packs.empty()) << damage_of(healed);
      if (HasFailure()) return;
    }
  }
}

TEST_F(DamageTest, every_missing_object_is_found) {
  for (const std::string& name : names_) {
    SCOPED_TRACE(name);
    MemoryBackend medium(memory_.objects());
    medium.objects().erase(name);
    if (name == newest_entry()) {
      // Nothing in the repository says that there was one more; who has seen it does.
      EXPECT_TRUE(look(medium, name).sound());
      EXPECT_TRUE(names(look(medium, name, head_), name));
      continue;
    }
    expect_found(medium, name, true);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace salvor::testing
