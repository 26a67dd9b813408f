#include "repo/internal/vault_state.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "codec/wire.h"
#include "testing/vault_history.h"

namespace salvor::repo {
namespace {

using testing::point_of;
using testing::VaultAuthors;
using testing::VaultHistory;

PackRange data(SessionNumber session, std::uint32_t first, std::uint32_t last) {
  return {session, PackKind::data, first, last};
}

/// An owner, who has full rights, and a granted host "web-1".
class VaultStateTest : public ::testing::Test {
 protected:
  VaultStateTest() {
    EXPECT_TRUE(history_.append(owner_, KeyChange{web_.author(0), "web-1", false}));
  }

  SessionNumber begin(const LogKeys& author) {
    EXPECT_TRUE(history_.append(author, Begin{"somewhere", "1 2 3"}));
    return state().number();
  }
  PointId commit(const LogKeys& author, const std::string& host, std::uint64_t number) {
    const Point point = point_of(host, number);
    history_.commit(author, point);
    EXPECT_NE(state().find(point.id), nullptr);
    return point.id;
  }
  bool forget(const PointId& point, ForgetWhy why = ForgetWhy::retention) {
    return history_.append(owner_, Forget{{point}, {}, why});
  }
  bool mark(MarkKind kind, const PointId& point, const std::string& holder = "") {
    return history_.append(owner_, Mark{kind, {point}, holder});
  }
  bool mark_twice(const PointId& point) {
    return history_.append(owner_, Mark{MarkKind::damaged, {point, point}, ""});
  }
  EntryNonce nonce_of(SessionNumber session) { return state().packs().at(session).nonce; }

  const VaultState& state() { return history_.state; }

  VaultAuthors authors_{2};
  LogKeys owner_ = authors_.full(1);
  LogKeys next_owner_ = authors_.full(2);
  LogKeys web_ = authors_.granted("web-1");
  LogKeys stranger_ = authors_.granted("a stranger");
  VaultHistory history_{authors_};
};

TEST_F(VaultStateTest, a_session_brings_its_packs_and_its_point_into_force) {
  const SessionNumber session = begin(owner_);
  EXPECT_TRUE(state().open_sessions().contains(session));
  const Point point = point_of("db-1", 1);
  ASSERT_TRUE(history_.append(owner_, End{session, {data(session, 0, 4)}, {}, point, {}, {}}));
  EXPECT_FALSE(state().open_sessions().contains(session));
  EXPECT_TRUE(state().is_in_force({session, nonce_of(session), PackKind::data, 4}));
  EXPECT_FALSE(state().is_in_force({session, nonce_of(session), PackKind::data, 5}));
  EXPECT_FALSE(state().is_in_force({session, nonce_of(session), PackKind::tree, 4}));
  EXPECT_FALSE(state().is_in_force({session, EntryNonce(), PackKind::data, 4}));
  ASSERT_NE(state().find(point.id), nullptr);
  EXPECT_EQ(state().find(point.id)->point, point);
}

TEST_F(VaultStateTest, a_session_ends_once) {
  const SessionNumber session = begin(owner_);
  ASSERT_TRUE(history_.append(owner_, End{session, {data(session, 0, 0)}, {}, {}, {}, {}}));
  EXPECT_FALSE(
      history_.append(owner_, End{session, {data(session, 1, 1)}, {}, point_of("a", 1), {}, {}}));
  EXPECT_TRUE(state().points().empty());
  EXPECT_FALSE(history_.append(owner_, End{state().number() + 1, {}, {}, {}, {}, {}}))
      << "never begun";
}

TEST_F(VaultStateTest, a_session_names_its_own_packs_only) {
  const SessionNumber other = begin(owner_);
  const SessionNumber session = begin(owner_);
  EXPECT_FALSE(history_.append(owner_, End{session, {data(other, 0, 0)}, {}, {}, {}, {}}));
  EXPECT_TRUE(state().open_sessions().contains(session));
}

TEST_F(VaultStateTest, a_point_is_committed_once) {
  const PointId id = commit(owner_, "db-1", 1);
  const SessionNumber session = begin(owner_);
  EXPECT_FALSE(history_.append(owner_, End{session, {}, {}, point_of("db-2", 1), {}, {}}));
  EXPECT_EQ(state().find(id)->point.host(), "db-1");
}

TEST_F(VaultStateTest, a_granted_key_commits_points_of_its_own_host_only) {
  const SessionNumber session = begin(web_);
  EXPECT_FALSE(history_.append(web_, End{session, {}, {}, point_of("db-1", 1), {}, {}}));
  EXPECT_TRUE(history_.append(web_, End{session, {}, {}, point_of("web-1", 1), {}, {}}));
}

TEST_F(VaultStateTest, a_granted_key_ends_and_condemns_nothing_of_others) {
  const SessionNumber foreign = begin(owner_);
  commit(owner_, "db-1", 1);
  const SessionNumber in_force = state().packs().begin()->first;
  EXPECT_FALSE(history_.append(web_, End{foreign, {}, {}, {}, {}, {}}));
  const SessionNumber own = begin(web_);
  EXPECT_FALSE(history_.append(web_, End{own, {}, {data(in_force, 0, 0)}, {}, {}, {}}));
  EXPECT_TRUE(state().packs().contains(in_force));
}

TEST_F(VaultStateTest, a_granted_key_may_append_only_what_is_its_own) {
  const PointId id = commit(owner_, "db-1", 1);
  commit(owner_, "db-1", 2);
  EXPECT_FALSE(history_.append(web_, Forget{{id}, {}, ForgetWhy::retention}));
  EXPECT_FALSE(history_.append(web_, Forget{{id}, {}, ForgetWhy::vault_deleted}));
  for (const MarkKind kind :
       {MarkKind::accepted, MarkKind::proven, MarkKind::damaged, MarkKind::healed}) {
    EXPECT_FALSE(history_.append(web_, Mark{kind, {id}, ""}));
  }
  EXPECT_FALSE(history_.append(web_, KeyChange{stranger_.author(0), "x", false}));
  EXPECT_FALSE(history_.append(web_, EpochChange{1, {}, web_.author(0)}));
  EXPECT_FALSE(history_.append(web_, Closed{}));
  EXPECT_FALSE(history_.append(web_, UnknownEntry{900}));
  EXPECT_FALSE(state().met_unknown_kind());
}

TEST_F(VaultStateTest, who_has_no_rights_appends_nothing) {
  EXPECT_FALSE(history_.append(stranger_, Begin{"x", ""}));
  const SessionNumber session = begin(web_);
  ASSERT_TRUE(history_.append(owner_, KeyChange{web_.author(0), "web-1", true}));
  EXPECT_FALSE(state().open_sessions().contains(session)) << "its sessions are closed";
  EXPECT_FALSE(history_.append(web_, Begin{"x", ""})) << "its rights have ended";
}

TEST_F(VaultStateTest, an_entry_is_signed_for_its_place_by_its_author) {
  Bytes bytes = history_.signed_bytes(owner_, Begin{"x", ""});
  bytes.back() ^= std::byte{1};
  EXPECT_FALSE(history_.state.fold(bytes)) << "a signature that is not right";
  const Bytes late = history_.signed_bytes(owner_, Begin{"x", ""});
  EXPECT_TRUE(history_.append(owner_, Begin{"y", ""}));
  EXPECT_FALSE(history_.state.fold(late)) << "it follows another entry";
  EXPECT_FALSE(history_.state.fold(as_bytes("no entry at all")));
  EXPECT_FALSE(history_.state.fold({}));
}

TEST_F(VaultStateTest, condemned_packs_leave_force_and_are_listed_for_a_while) {
  constexpr std::int64_t kDay = 24LL * 3600 * 1'000'000'000;
  history_.commit(owner_, point_of("db-1", 1), 10);
  const SessionNumber session = state().packs().begin()->first;
  const EntryNonce nonce = nonce_of(session);
  const SessionNumber collector = begin(owner_);
  ASSERT_TRUE(history_.append(
      owner_, End{collector, {}, {data(session, 2, 4), data(session, 6, 20)}, {}, {}, {}},
      Time{100 * kDay}));
  EXPECT_TRUE(state().is_in_force({session, nonce, PackKind::data, 1}));
  EXPECT_TRUE(state().is_garbage({session, nonce, PackKind::data, 2}, PackSeen::later));
  EXPECT_TRUE(state().is_garbage({session, nonce, PackKind::data, 9}, PackSeen::later));
  ASSERT_EQ(state().condemned().size(), 2U);
  EXPECT_EQ(state().condemned()[0].range, data(session, 2, 4));
  EXPECT_EQ(state().condemned()[1].range, data(session, 6, 9)) << "what was in force";
  history_.append(owner_, Begin{"x", ""}, Time{130 * kDay});
  EXPECT_EQ(state().condemned().size(), 2U);
  history_.append(owner_, Begin{"x", ""}, Time{131 * kDay});
  EXPECT_TRUE(state().condemned().empty());
}

TEST_F(VaultStateTest, packs_of_open_sessions_are_no_garbage) {
  const SessionNumber session = begin(owner_);
  const EntryNonce nonce = state().open_sessions().at(session).nonce;
  const PackName later{state().number() + 1, EntryNonce(), PackKind::data, 0};
  EXPECT_FALSE(state().is_garbage({session, nonce, PackKind::data, 0}, PackSeen::before));
  EXPECT_TRUE(state().is_garbage({session, EntryNonce(), PackKind::data, 0}, PackSeen::later))
      << "a foreign nonce";
  EXPECT_TRUE(state().is_garbage(later, PackSeen::before));
  EXPECT_FALSE(state().is_garbage(later, PackSeen::later)) << "its session may have begun since";
  ASSERT_TRUE(history_.append(owner_, End{session, {}, {}, {}, {}, {}}));
  EXPECT_TRUE(state().is_garbage({session, nonce, PackKind::data, 0}, PackSeen::later));
}

TEST_F(VaultStateTest, the_last_good_point_of_a_host_is_never_forgotten) {
  const PointId first = commit(owner_, "db-1", 1);
  const PointId second = commit(owner_, "db-1", 2);
  const PointId other = commit(owner_, "db-2", 3);
  EXPECT_FALSE(forget(second));
  EXPECT_FALSE(forget(other));
  EXPECT_TRUE(forget(first));
  EXPECT_FALSE(forget(first)) << "it is gone";
  EXPECT_EQ(state().points().size(), 2U);
}

TEST_F(VaultStateTest, of_several_points_all_are_forgotten_or_none) {
  const PointId first = commit(owner_, "db-1", 1);
  const PointId second = commit(owner_, "db-1", 2);
  EXPECT_FALSE(history_.append(owner_, Forget{{first, second}, {}, ForgetWhy::retention}));
  EXPECT_EQ(state().points().size(), 2U);
}

TEST_F(VaultStateTest, partial_suspect_and_damaged_points_do_not_count_as_the_last_good_one) {
  const PointId good = commit(owner_, "db-1", 1);
  Point partial = point_of("db-1", 2);
  partial.facts["partial"] = "yes";
  history_.commit(owner_, partial);
  Point suspect = point_of("db-1", 3);
  suspect.snapshots.emplace_back().store = "db";
  suspect.snapshots.back().root.mutable_bytes()[0] = std::byte{1};
  suspect.snapshots.back().suspicions = {"it shrank"};
  history_.commit(owner_, suspect);
  EXPECT_FALSE(forget(good));
  ASSERT_TRUE(mark(MarkKind::accepted, suspect.id));
  EXPECT_TRUE(state().find(suspect.id)->point.is_good());
  ASSERT_TRUE(mark(MarkKind::damaged, suspect.id));
  EXPECT_FALSE(forget(good)) << "the newer one is damaged";
  EXPECT_FALSE(forget(suspect.id)) << "it is the last good one all the same";
  ASSERT_TRUE(mark(MarkKind::healed, suspect.id));
  EXPECT_TRUE(forget(good));
}

TEST_F(VaultStateTest, what_a_granted_key_commits_makes_no_full_point_superfluous) {
  const PointId full = commit(owner_, "web-1", 1);
  const PointId granted = commit(web_, "web-1", 2);
  EXPECT_FALSE(forget(full));
  EXPECT_FALSE(forget(granted)) << "it is the last one of its host";
}

TEST_F(VaultStateTest, points_of_an_ended_host_can_be_forgotten_all) {
  const PointId full = commit(owner_, "web-1", 1);
  const PointId granted = commit(web_, "web-1", 2);
  EXPECT_FALSE(forget(granted, ForgetWhy::host_ended)) << "its key has not ended";
  ASSERT_TRUE(history_.append(owner_, KeyChange{web_.author(0), "web-1", true}));
  ASSERT_TRUE(mark(MarkKind::hold, granted, "run"));
  EXPECT_FALSE(forget(granted, ForgetWhy::host_ended)) << "somebody holds it";
  ASSERT_TRUE(mark(MarkKind::release, granted, "run"));
  EXPECT_TRUE(forget(granted, ForgetWhy::host_ended));
  EXPECT_FALSE(forget(full, ForgetWhy::host_ended)) << "no granted key has committed it";
}

TEST_F(VaultStateTest, a_vault_is_deleted_with_all_that_is_held) {
  const PointId id = commit(owner_, "db-1", 1);
  ASSERT_TRUE(mark(MarkKind::hold, id, "run"));
  ASSERT_TRUE(mark(MarkKind::proven, id));
  EXPECT_TRUE(forget(id, ForgetWhy::vault_deleted));
  EXPECT_TRUE(state().points().empty());
  EXPECT_TRUE(state().holds().empty());
  EXPECT_FALSE(state().proven().has_value());
}

TEST_F(VaultStateTest, a_point_stays_until_each_holder_has_released_it) {
  const PointId id = commit(owner_, "db-1", 1);
  commit(owner_, "db-1", 2);
  ASSERT_TRUE(mark(MarkKind::hold, id, "run 1"));
  ASSERT_TRUE(mark(MarkKind::hold, id, "run 2"));
  ASSERT_TRUE(history_.append(web_, Mark{MarkKind::hold, {id}, "run 1"}));
  EXPECT_FALSE(forget(id));
  EXPECT_FALSE(mark(MarkKind::release, id, "run 3")) << "there is no such hold";
  ASSERT_TRUE(history_.append(web_, Mark{MarkKind::release, {id}, "run 1"}));
  EXPECT_EQ(state().holds().size(), 2U) << "a granted key releases what is its own";
  EXPECT_FALSE(history_.append(web_, Mark{MarkKind::release, {id}, "run 2"}));
  ASSERT_TRUE(mark(MarkKind::release, id, "run 1"));
  EXPECT_FALSE(forget(id));
  ASSERT_TRUE(mark(MarkKind::release, id, "run 2"));
  EXPECT_TRUE(forget(id));
  EXPECT_FALSE(mark(MarkKind::hold, id, "run 4")) << "it is not in force";
}

TEST_F(VaultStateTest, the_point_that_was_proven_last_is_never_forgotten) {
  const PointId first = commit(owner_, "db-1", 1);
  const PointId second = commit(owner_, "db-1", 2);
  commit(owner_, "db-1", 3);
  ASSERT_TRUE(mark(MarkKind::proven, second));
  ASSERT_TRUE(mark(MarkKind::proven, first));
  EXPECT_FALSE(forget(first));
  EXPECT_TRUE(forget(second));
}

TEST_F(VaultStateTest, a_point_needs_wal_that_is_not_trimmed) {
  ArchiveId archive;
  archive.mutable_bytes()[0] = std::byte{7};
  ASSERT_TRUE(history_.append(owner_, Forget{{}, {{archive, 1, 1000}}, ForgetWhy::retention}));
  ASSERT_TRUE(history_.append(owner_, Forget{{}, {{archive, 1, 500}}, ForgetWhy::retention}));
  EXPECT_EQ(state().trimmed_to(archive, 1), 1000U) << "it never goes down";
  const SessionNumber session = begin(owner_);
  EXPECT_FALSE(history_.append(
      owner_, End{session, {}, {}, point_of("db-1", 1), {}, {{archive, 1, 999, 2000}}}));
  EXPECT_TRUE(history_.append(
      owner_, End{session, {}, {}, point_of("db-1", 1), {}, {{archive, 1, 1000, 2000}}}));
}

TEST_F(VaultStateTest, an_epoch_ends_sessions_and_the_keys_of_before) {
  const SessionNumber session = begin(owner_);
  const EpochChange change{1, {}, next_owner_.author(1)};
  ASSERT_TRUE(history_.append(next_owner_, change)) << "signed with the key of the epoch before";
  EXPECT_FALSE(state().open_sessions().contains(session));
  EXPECT_EQ(state().epoch(), 1U);
  EXPECT_FALSE(history_.append(owner_, Begin{"x", ""})) << "who was not given the new epoch";
  EXPECT_TRUE(history_.append(next_owner_, Begin{"x", ""}));
  EXPECT_TRUE(history_.append(web_, Begin{"x", ""})) << "granted keys stay";
  EXPECT_FALSE(history_.append(next_owner_, EpochChange{0, {}, owner_.author(0)}));
  EXPECT_TRUE(state().is_full(owner_.author(0))) << "what it has written counts as before";
}

TEST_F(VaultStateTest, features_are_only_added) {
  const AuthorKey key = owner_.author(0);
  ASSERT_TRUE(history_.append(owner_, EpochChange{0, {1, 6}, key}));
  EXPECT_FALSE(history_.append(owner_, EpochChange{0, {1, 4}, key}));
  EXPECT_FALSE(history_.append(owner_, EpochChange{0, {0, 6}, key}));
  EXPECT_TRUE(history_.append(owner_, EpochChange{0, {3, 6}, key}));
  EXPECT_EQ(state().features(), (Features{3, 6}));
}

TEST_F(VaultStateTest, a_full_key_is_not_changed_by_a_key_entry) {
  EXPECT_FALSE(history_.append(owner_, KeyChange{owner_.author(0), "x", true}));
  EXPECT_TRUE(history_.append(owner_, Begin{"x", ""}));
}

TEST_F(VaultStateTest, nothing_is_right_behind_closed) {
  const SessionNumber session = begin(owner_);
  ASSERT_TRUE(history_.append(owner_, Closed{}));
  EXPECT_FALSE(history_.append(owner_, Begin{"x", ""}));
  EXPECT_FALSE(history_.append(owner_, End{session, {}, {}, point_of("db-1", 1), {}, {}}));
}

TEST_F(VaultStateTest, an_unknown_kind_has_no_effect_and_nobody_writes_behind_it) {
  EXPECT_NO_THROW(state().require_known(true));
  EXPECT_TRUE(history_.append(owner_, UnknownEntry{900}));
  EXPECT_TRUE(state().met_unknown_kind());
  EXPECT_NO_THROW(state().require_known(false));
  EXPECT_THROW(state().require_known(true), Error);
}

TEST_F(VaultStateTest, unknown_features_are_refused) {
  ASSERT_TRUE(history_.append(owner_, EpochChange{0, {0, 1}, owner_.author(0)}));
  EXPECT_NO_THROW(state().require_known(false));
  EXPECT_THROW(state().require_known(true), Error);
  ASSERT_TRUE(history_.append(owner_, EpochChange{0, {1, 1}, owner_.author(0)}));
  EXPECT_THROW(state().require_known(false), Error);
}

TEST_F(VaultStateTest, what_a_granted_host_writes_is_bounded) {
  const PointId id = commit(owner_, "db-1", 1);
  EXPECT_FALSE(history_.append(web_, Begin{std::string(1025, 'x'), ""}));
  EXPECT_FALSE(history_.append(web_, Mark{MarkKind::hold, {id}, std::string(1025, 'x')}));
  for (std::size_t i = 0; i < kHoldsOfGrantedMax; ++i) {
    ASSERT_TRUE(history_.append(web_, Mark{MarkKind::hold, {id}, std::to_string(i)}));
  }
  EXPECT_FALSE(history_.append(web_, Mark{MarkKind::hold, {id}, "one more"}));
  EXPECT_TRUE(mark(MarkKind::hold, id, "the owner's"));
}

TEST_F(VaultStateTest, lists_are_in_order) {
  const SessionNumber session = begin(owner_);
  EXPECT_FALSE(history_.append(
      owner_, End{session, {data(session, 5, 6), data(session, 0, 1)}, {}, {}, {}, {}}));
  EXPECT_FALSE(history_.append(
      owner_, End{session, {data(session, 0, 1), data(session, 2, 3)}, {}, {}, {}, {}}))
      << "they are one range";
  const PointId id = commit(owner_, "db-1", 1);
  EXPECT_FALSE(mark_twice(id));
}

TEST_F(VaultStateTest, a_label_may_be_any_number) {
  std::uint64_t number = 0;
  for (const std::int64_t ns : {std::numeric_limits<std::int64_t>::min(), std::int64_t{0},
                                std::numeric_limits<std::int64_t>::max()}) {
    history_.commit(owner_, point_of("db-1", ++number));
    const SessionNumber of = state().packs().rbegin()->first;
    const SessionNumber collector = begin(owner_);
    EXPECT_TRUE(
        history_.append(owner_, End{collector, {}, {data(of, 0, 0)}, {}, {}, {}}, Time{ns}));
  }
}

TEST_F(VaultStateTest, a_span_is_compared_with_the_trim_of_its_timeline) {
  const ArchiveId archive;
  ASSERT_TRUE(history_.append(owner_, Forget{{}, {{archive, 1, 1000}}, ForgetWhy::retention}));
  const SessionNumber session = begin(owner_);
  EXPECT_TRUE(history_.append(
      owner_, End{session, {}, {}, point_of("db-1", 1), {}, {{archive, 2, 0, 2000}}}));
}

TEST_F(VaultStateTest, a_granted_key_does_not_end_the_session_of_another_one) {
  const LogKeys other = authors_.granted("web-2");
  ASSERT_TRUE(history_.append(owner_, KeyChange{other.author(0), "web-2", false}));
  const SessionNumber session = begin(other);
  EXPECT_FALSE(history_.append(web_, End{session, {}, {}, {}, {}, {}}));
  ASSERT_TRUE(history_.append(owner_, KeyChange{web_.author(0), "web-1", true}));
  EXPECT_TRUE(state().open_sessions().contains(session)) << "not of the key that has ended";
}

TEST_F(VaultStateTest, points_of_a_full_key_of_before_stay_those_of_a_full_key) {
  const PointId old = commit(owner_, "web-1", 1);
  ASSERT_TRUE(history_.append(next_owner_, EpochChange{1, {}, next_owner_.author(1)}));
  EXPECT_FALSE(history_.append(next_owner_, Forget{{old}, {}, ForgetWhy::host_ended}));
  commit(web_, "web-1", 2);
  EXPECT_FALSE(history_.append(next_owner_, Forget{{old}, {}, ForgetWhy::retention}));
  commit(next_owner_, "web-1", 3);
  EXPECT_TRUE(history_.append(next_owner_, Forget{{old}, {}, ForgetWhy::retention}));
}

TEST_F(VaultStateTest, a_point_is_kept_as_it_was_committed) {
  codec::WireWriter later;
  later.raw(encode(point_of("db-1", 1)));
  later.field(77, "from a later version");
  const SessionNumber session = begin(owner_);
  codec::WireWriter end;
  end.field_number(1, session);
  end.field(4, later.view());
  ASSERT_TRUE(history_.append_body(owner_, 2, end.view()));
  EXPECT_EQ(state().points().back().encoded, to_bytes(later.view()));
}

TEST_F(VaultStateTest, a_checkpoint_is_the_state) {
  const PointId id = commit(owner_, "db-1", 1);
  commit(web_, "web-1", 2);
  begin(web_);
  mark(MarkKind::hold, id, "run");
  mark(MarkKind::proven, id);
  mark(MarkKind::damaged, id);
  const SessionNumber collector = begin(owner_);
  const SessionNumber of = state().packs().begin()->first;
  history_.append(owner_, End{collector, {}, {data(of, 0, 0)}, {}, {}, {}}, Time{5});
  ArchiveId archive;
  history_.append(owner_, Forget{{}, {{archive, 1, 1000}}, ForgetWhy::retention});
  history_.append(owner_, EpochChange{0, {1, 2}, owner_.author(0)});
  const Bytes encoded = encode(state());
  const VaultState decoded = decode_vault_state(state().log(), encoded, "checkpoint");
  EXPECT_EQ(decoded, state());
  EXPECT_EQ(encode(decoded), encoded);
}

TEST_F(VaultStateTest, a_checkpoint_keeps_what_a_later_version_has_put_into_it) {
  commit(owner_, "db-1", 1);
  codec::WireWriter writer;
  writer.raw(encode(state()));
  writer.field(77, "from a later version");
  const VaultState decoded = decode_vault_state(state().log(), writer.view(), "checkpoint");
  EXPECT_EQ(encode(decoded), to_bytes(writer.view()));
}

TEST_F(VaultStateTest, a_checkpoint_without_its_entry_is_refused) {
  EXPECT_THROW(decode_vault_state(state().log(), {}, "checkpoint"), Error);
  codec::WireWriter writer;
  writer.raw(encode(state()));
  writer.field(3, "another entry");
  EXPECT_THROW(decode_vault_state(state().log(), writer.view(), "checkpoint"), Error);
}

TEST(SignedEntryTest, every_body_is_read_as_it_was_written) {
  const VaultAuthors authors;
  VaultHistory history(authors);
  const LogKeys owner = authors.full();
  const Point point = point_of("db-1", 9);
  ArchiveId archive;
  archive.mutable_bytes()[3] = std::byte{9};
  const std::vector<EntryBody> bodies = {
      Begin{"host", "process"},
      End{5,
          {{5, PackKind::data, 0, 9}, {5, PackKind::tree, 0, 0}},
          {{3, PackKind::data, 1, 2}},
          point,
          {},
          {{archive, 2, 3, 4}}},
      Forget{{point.id}, {{archive, 1, 2}}, ForgetWhy::host_ended},
      Mark{MarkKind::release, {point.id}, "run"},
      KeyChange{owner.author(0), "web-1", true},
      EpochChange{3, {1, 2}, owner.author(0)},
      Closed{},
      UnknownEntry{55},
  };
  for (const EntryBody& body : bodies) {
    const Bytes bytes = history.signed_bytes(owner, body, Time{42});
    const auto entry = read_entry(bytes);
    ASSERT_TRUE(entry.has_value());
    EntryBody as_written = body;
    if (auto* end = std::get_if<End>(&as_written)) end->point_bytes = encode(*end->point);
    EXPECT_EQ(entry->body, as_written);
    EXPECT_EQ(entry->label, Time{42});
    const LogId& log = history.state.log();
    EXPECT_TRUE(is_signed(log, 1, bytes, entry->author));
    EXPECT_FALSE(is_signed(log, 2, bytes, entry->author)) << "another number";
    EXPECT_FALSE(is_signed({log.repository, VaultId()}, 1, bytes, entry->author)) << "another log";
  }
}

TEST(SignedEntryTest, bytes_that_are_no_entry_are_none) {
  const VaultAuthors authors;
  VaultHistory history(authors);
  const LogKeys owner = authors.full();
  const Bytes bytes = history.signed_bytes(
      owner, End{1, {{1, PackKind::data, 0, 9}}, {}, point_of("db-1", 9), {}, {}});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const auto cut = ByteView(bytes).first(length);
    const auto entry = read_entry(cut);
    EXPECT_FALSE(entry && is_signed(history.state.log(), 1, cut, entry->author)) << length;
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes flipped = bytes;
    flipped[i] ^= std::byte{0x10};
    const auto entry = read_entry(flipped);
    EXPECT_FALSE(entry && is_signed(history.state.log(), 1, flipped, owner.author(0))) << i;
  }
}

}  // namespace
}  // namespace salvor::repo
