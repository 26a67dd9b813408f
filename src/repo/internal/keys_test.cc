#include "repo/internal/keys.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backend/fault.h"
#include "backend/memory.h"
#include "repo/internal/core.h"
#include "testing/damage.h"
#include "testing/test_repository.h"

namespace salvor::repo {
namespace {

using backend::Fault;
using backend::FaultBackend;
using backend::Killed;
using backend::MemoryBackend;
using testing::commit_contents;
using testing::Contents;
using testing::contents_of;
using testing::credentials_of;
using testing::slot_for;

const Contents kFirst{{"a", std::string(5000, 'a')}, {"b", "bee"}};
const Contents kSecond{{"a", std::string(5000, 'x')}, {"c", "sea"}};

std::unique_ptr<Repository> open_with(backend::Backend& backend, const Credentials& credentials,
                                      Access access = Access::read) {
  return Repository::open(backend, credentials, access, Clock::system(), Rng::system());
}

ErrorCode open_error(backend::Backend& backend, const Credentials& credentials) {
  try {
    open_with(backend, credentials);
  } catch (const Error& error) {
    EXPECT_FALSE(error.hint().empty()) << error.message();
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::failed;
}

SlotId slot_in_use(Repository& repository) {
  for (const SlotInfo& slot : repository.slots()) {
    if (slot.in_use) return slot.id;
  }
  ADD_FAILURE() << "no slot is in use";
  return {};
}

/// A repository with one point, and slots of the test's holder, of a passphrase and of another key.
class KeysTest : public ::testing::Test {
 protected:
  KeysTest() {
    testing::create_repository(memory_);
    const auto repository = testing::open_repository(memory_, Access::write);
    commit_contents(*repository, kFirst);
    repository->add_slot(slot_for("a passphrase"));
    repository->add_slot(slot_for(other_));
    for (const Credentials& credentials :
         {credentials_of(testing::test_holder()), credentials_of("a passphrase"),
          credentials_of(other_)}) {
      all_.push_back(clone(credentials));
    }
  }

  static Credentials clone(const Credentials& credentials) {
    Credentials copy;
    if (credentials.passphrase) copy.passphrase = credentials.passphrase->clone();
    if (credentials.private_key) copy.private_key = credentials.private_key->clone();
    return copy;
  }

  /// Every holder opens the repository, and reads all points in it.
  void expect_all_read(MemoryBackend& medium, const std::vector<Contents>& points) {
    for (const Credentials& credentials : all_) {
      const auto repository = open_with(medium, credentials);
      ASSERT_EQ(repository->points().size(), points.size());
      for (std::size_t i = 0; i < points.size(); ++i) {
        EXPECT_EQ(contents_of(*repository, repository->points()[i]), points[i]);
      }
    }
  }

  MemoryBackend memory_;
  codec::BoxKeyPair other_ = codec::make_box_key_pair();
  std::vector<Credentials> all_;
};

TEST_F(KeysTest, every_slot_opens_it_and_nothing_else_does) {
  expect_all_read(memory_, {kFirst});
  EXPECT_EQ(open_error(memory_, credentials_of("another passphrase")), ErrorCode::configuration);
  EXPECT_EQ(open_error(memory_, credentials_of(codec::make_box_key_pair())),
            ErrorCode::configuration);
  EXPECT_EQ(open_error(memory_, {}), ErrorCode::configuration);
}

TEST_F(KeysTest, a_removed_slot_opens_nothing) {
  const SlotId removed = slot_in_use(*open_with(memory_, credentials_of("a passphrase")));
  testing::open_repository(memory_, Access::write)->remove_slot(removed);
  EXPECT_EQ(open_error(memory_, credentials_of("a passphrase")), ErrorCode::configuration);
  all_.erase(all_.begin() + 1);
  expect_all_read(memory_, {kFirst});
  EXPECT_EQ(testing::damage_of(memory_), "");
}

TEST_F(KeysTest, the_last_slot_stays) {
  const auto repository = testing::open_repository(memory_, Access::write);
  const SlotId own = slot_in_use(*repository);
  for (const SlotInfo& slot : repository->slots()) {
    if (slot.id != own) repository->remove_slot(slot.id);
  }
  try {
    repository->remove_slot(own);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::refused);
  }
  try {
    repository->remove_slot(random_id<SlotId>(Rng::system()));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

// A planted slot counted as one that could open the repository.
TEST_F(KeysTest, a_forged_slot_is_not_one_that_stays) {
  const auto repository = testing::open_repository(memory_, Access::write);
  const SlotId own = slot_in_use(*repository);
  for (const SlotInfo& slot : repository->slots()) {
    if (slot.id != own) repository->remove_slot(slot.id);
  }
  MemoryBackend elsewhere;
  Repository::create(elsewhere, slot_for("mallory"), Clock::system(), Rng::system());
  for (const auto& [name, bytes] : elsewhere.objects()) {
    if (name.starts_with("keys/")) memory_.put_if_absent(name, bytes);
  }
  EXPECT_THROW(repository->remove_slot(own), Error);
  EXPECT_NE(testing::damage_of(memory_).find("not made by a holder"), std::string::npos);
}

TEST_F(KeysTest, rotation_keeps_all_holders_and_all_data) {
  {
    const auto repository = testing::open_repository(memory_, Access::write);
    repository->rotate();
    // The object that rotated goes on with the new keys.
    commit_contents(*repository, kSecond);
  }
  expect_all_read(memory_, {kFirst, kSecond});
  EXPECT_EQ(testing::damage_of(memory_), "");
  const auto repository = open_with(memory_, credentials_of("a passphrase"), Access::write);
  EXPECT_EQ(repository->core().keys.epoch(), 1U);
  EXPECT_EQ(repository->slots().size(), 3U);
  repository->rotate();
  commit_contents(*repository, kFirst);
  expect_all_read(memory_, {kFirst, kSecond, kFirst});
  EXPECT_EQ(testing::damage_of(memory_), "");
}

TEST_F(KeysTest, what_is_written_after_a_rotation_is_not_readable_with_the_old_ring) {
  const auto old = memory_.clone();
  testing::open_repository(memory_, Access::write)->rotate();
  commit_contents(*testing::open_repository(memory_, Access::write), kSecond);
  // Somebody has kept a copy of the old slots.
  for (auto& [name, bytes] : memory_.objects()) {
    if (name.starts_with("keys/")) bytes.clear();
  }
  std::erase_if(memory_.objects(), [](const auto& object) { return object.second.empty(); });
  for (const auto& [name, bytes] : old->objects()) {
    if (name.starts_with("keys/")) memory_.put_if_absent(name, bytes);
  }
  const auto repository = testing::open_repository(memory_);
  ASSERT_EQ(repository->points().size(), 1U);
  EXPECT_EQ(contents_of(*repository, repository->points()[0]), kFirst);
  EXPECT_FALSE(repository->findings().empty());
  EXPECT_THROW(testing::open_repository(memory_, Access::write), Error);
}

TEST_F(KeysTest, a_repair_with_keys_of_before_a_rotation_is_refused) {
  const auto old = memory_.clone();
  testing::open_repository(memory_, Access::write)->rotate();
  commit_contents(*testing::open_repository(memory_, Access::write), kSecond);
  const auto sound = memory_.clone();
  // keys/ comes back from a copy that is older than the rotation.
  std::erase_if(memory_.objects(), [](auto& object) { return object.first.starts_with("keys/"); });
  for (const auto& [name, bytes] : old->objects()) {
    if (name.starts_with("keys/")) memory_.put_if_absent(name, bytes);
  }
  const auto before = memory_.objects();
  const auto code_of = [](const auto& act) {
    try {
      act();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::checks_failed;  // stands for none
  };
  EXPECT_EQ(code_of([&] { testing::open_repository(memory_, Access::write); }),
            ErrorCode::configuration);
  const auto outdated = testing::open_repository(memory_, Access::repair);
  EXPECT_EQ(code_of([&] { repair(*outdated); }), ErrorCode::configuration);
  EXPECT_EQ(memory_.objects(), before);
  for (const auto& [name, bytes] : sound->objects()) {
    if (name.starts_with("keys/")) memory_.put_if_absent(name, bytes);
  }
  expect_all_read(memory_, {kFirst, kSecond});
}

/// Kills a change of keys before and after each of its operations on a copy of the medium, and
/// calls `check` with what is left.
template <class Change, class Check>
std::uint64_t kill_everywhere(MemoryBackend& memory, const Change& change, const Check& check) {
  std::uint64_t rounds = 0;
  for (const bool after : {false, true}) {
    for (std::uint64_t at = 1;; ++at) {
      const auto medium = memory.clone();
      FaultBackend faulty(*medium);
      std::uint64_t deadly = 0;
      try {
        const auto repository = testing::open_repository(faulty, Access::write);
        deadly = faulty.calls() + at;
        faulty.at(deadly, after ? Fault::kill_after() : Fault::kill_before());
        change(*repository);
      } catch (const Killed&) {
        EXPECT_TRUE(faulty.dead());
      }
      if (faulty.calls() < deadly) break;
      ++rounds;
      SCOPED_TRACE("killed " + std::string(after ? "after" : "before") + " operation " +
                   std::to_string(at));
      check(*medium);
      if (::testing::Test::HasFatalFailure()) return rounds;
    }
  }
  return rounds;
}

TEST_F(KeysTest, a_rotation_killed_anywhere_locks_nobody_out) {
  const auto rounds = kill_everywhere(
      memory_, [](Repository& repository) { repository.rotate(); },
      [&](MemoryBackend& medium) {
        expect_all_read(medium, {kFirst});
        // Whoever writes next, all others can read it.
        std::vector<Contents> points{kFirst};
        for (const Credentials& credentials : all_) {
          const auto repository = open_with(medium, credentials, Access::write);
          EXPECT_EQ(repository->slots().size(), 3U) << "one for each holder";
          commit_contents(*repository, kSecond);
          points.push_back(kSecond);
          expect_all_read(medium, points);
        }
        open_with(medium, all_[1], Access::write)->rotate();
        commit_contents(*open_with(medium, all_[2], Access::write), kFirst);
        points.push_back(kFirst);
        expect_all_read(medium, points);
        EXPECT_EQ(testing::damage_of(medium), "");
        const auto count =
            std::count_if(medium.objects().begin(), medium.objects().end(),
                          [](const auto& object) { return object.first.starts_with("keys/"); });
        EXPECT_EQ(count, 3) << "the leftovers are gone";
      });
  EXPECT_GE(rounds, 20U);
}

TEST_F(KeysTest, a_slot_removed_after_a_killed_rotation_is_gone_in_both_generations) {
  kill_everywhere(
      memory_, [](Repository& repository) { repository.rotate(); },
      [&](MemoryBackend& medium) {
        const auto repository = testing::open_repository(medium, Access::write);
        repository->remove_slot(slot_in_use(*open_with(medium, all_[1])));
        EXPECT_EQ(open_error(medium, all_[1]), ErrorCode::configuration);
        EXPECT_EQ(contents_of(*open_with(medium, all_[2]), repository->points().at(0)), kFirst);
      });
}

TEST_F(KeysTest, adding_and_removing_killed_anywhere_locks_nobody_out) {
  kill_everywhere(
      memory_, [](Repository& repository) { repository.add_slot(slot_for("a new one")); },
      [&](MemoryBackend& medium) {
        expect_all_read(medium, {kFirst});
        EXPECT_EQ(testing::damage_of(medium), "");
      });
  const SlotId removed = slot_in_use(*open_with(memory_, all_[1]));
  all_.erase(all_.begin() + 1);
  kill_everywhere(
      memory_, [&](Repository& repository) { repository.remove_slot(removed); },
      [&](MemoryBackend& medium) {
        expect_all_read(medium, {kFirst});
        EXPECT_EQ(testing::damage_of(medium), "");
      });
}

TEST_F(KeysTest, of_two_changes_at_once_none_is_lost) {
  const auto first = testing::open_repository(memory_, Access::write);
  const auto second = testing::open_repository(memory_, Access::write);
  first->add_slot(slot_for("first"));
  second->add_slot(slot_for("second"));
  EXPECT_EQ(first->slots().size(), 5U);
  EXPECT_EQ(testing::damage_of(memory_), "");
  open_with(memory_, credentials_of("first"));
  open_with(memory_, credentials_of("second"));
}

TEST_F(KeysTest, a_change_that_meets_another_one_is_refused_and_leaves_nothing) {
  FaultBackend faulty(memory_);
  const auto slow = testing::open_repository(faulty, Access::write);
  bool done = false;
  faulty.on([&](const backend::Call& call) -> std::optional<Fault> {
    if (call.operation == backend::Operation::put && call.name.starts_with("log/") && !done) {
      done = true;
      testing::open_repository(memory_, Access::write)->add_slot(slot_for("faster"));
    }
    return std::nullopt;
  });
  try {
    slow->rotate();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
  }
  all_.push_back(credentials_of("faster"));
  expect_all_read(memory_, {kFirst});
  EXPECT_EQ(testing::damage_of(memory_), "");
}

TEST_F(KeysTest, a_forged_slot_does_not_get_the_new_keys) {
  const SlotId victim = slot_in_use(*open_with(memory_, all_[1]));
  MemoryBackend elsewhere;
  Repository::create(elsewhere, slot_for("mallory"), Clock::system(), Rng::system());
  std::string planted;
  for (const auto& [name, bytes] : elsewhere.objects()) {
    if (!name.starts_with("keys/")) continue;
    planted = name;
    memory_.put_if_absent(name, bytes);
  }
  testing::open_repository(memory_, Access::write)->rotate();
  EXPECT_FALSE(memory_.objects().contains(planted));
  EXPECT_FALSE(memory_.objects().contains("keys/" + victim.hex())) << "it has a new name";
  EXPECT_EQ(open_error(memory_, credentials_of("mallory")), ErrorCode::configuration);
  expect_all_read(memory_, {kFirst});
}

TEST_F(KeysTest, the_loss_of_a_slot_is_missed) {
  const std::string name = "keys/" + slot_in_use(*open_with(memory_, all_[1])).hex();
  memory_.objects().erase(name);
  EXPECT_NE(testing::damage_of(memory_).find(name), std::string::npos);
}

TEST_F(KeysTest, a_damaged_slot_hinders_only_its_holder) {
  Bytes& slot = memory_.objects().at("keys/" + slot_in_use(*open_with(memory_, all_[1])).hex());
  for (std::size_t at = 0; at < slot.size(); at += 7) {
    slot[at] ^= std::byte{2};
    EXPECT_NE(testing::damage_of(memory_), "") << at;
    slot[at] ^= std::byte{2};
  }
}

TEST(KeyDerivationTest, every_key_is_its_own) {
  testing::SeededRng rng(1);
  KeyRing ring;
  ring.repository = random_id<RepositoryId>(rng);
  for (int i = 0; i < 2; ++i) ring.roots.emplace_back(ByteView(rng.bytes(32)));
  ring.description = "none";
  const Keys keys(std::move(ring));
  const auto pack = random_id<PackId>(rng);
  const auto other = random_id<PackId>(rng);
  const Bytes salt = rng.bytes(32);
  std::vector<Bytes> all;
  for (const std::uint32_t epoch : {0U, 1U}) {
    all.push_back(to_bytes(keys.pack_key(PackKind::data, epoch, pack).view()));
    all.push_back(to_bytes(keys.pack_key(PackKind::data, epoch, other).view()));
    all.push_back(to_bytes(keys.pack_key(PackKind::tree, epoch, pack).view()));
    all.push_back(to_bytes(keys.object_key(epoch, salt).view()));
  }
  all.push_back(to_bytes(keys.chunker_key()));
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
  EXPECT_NE(keys.chunk_id(FrameType::data, salt), keys.chunk_id(FrameType::node, salt));
}

}  // namespace
}  // namespace salvor::repo
