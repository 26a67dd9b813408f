#include "backup/backup.h"

#include <gtest/gtest.h>

#include <future>

#include "backend/fault.h"
#include "backend/memory.h"
#include "base/error.h"
#include "testing/fake_source.h"
#include "testing/seeded_rng.h"
#include "testing/test_repository.h"

namespace salvor::backup {
namespace {

using backend::Fault;
using backend::MemoryBackend;
using repo::Access;
using stores::EntryKind;
using testing::damage_of;
using testing::fake_directory;
using testing::fake_file;
using testing::fake_hard_link;
using testing::FakeItem;
using testing::FakeSource;
using testing::open_repository;
using testing::SeededRng;

constexpr std::size_t kMiB = 1U << 20U;

using Items = std::map<std::string, FakeItem>;

std::string random_text(std::uint64_t seed, std::size_t size) {
  return std::string(as_text(SeededRng(seed).bytes(size)));
}

/// One thing of a snapshot, as it would be restored; holes are 'H'.
struct Kept {
  stores::Entry entry;
  std::string content;
  std::vector<std::uint64_t> chunks;  ///< lengths, without holes
};

std::map<std::string, Kept> read_back(repo::Repository& repository,
                                      const repo::Snapshot& snapshot) {
  std::map<std::string, Kept> things;
  repo::TreeCursor cursor(repository.node_reader(), snapshot.root);
  for (const repo::Record* record = cursor.find_record(); record != nullptr;
       record = cursor.find_record()) {
    Kept& kept = things[stores::path_of_key(record->key)];
    if (record->offset == 0) kept.entry = stores::decode_entry(record->meta);
    EXPECT_EQ(record->offset, kept.content.size());
    for (const repo::Ref& ref : record->refs) {
      if (ref.is_hole()) {
        kept.content += std::string(ref.length, 'H');
      } else {
        const Bytes chunk = repository.read_chunk(ref.id);
        EXPECT_EQ(chunk.size(), ref.length);
        kept.content += as_text(chunk);
        kept.chunks.push_back(ref.length);
      }
    }
    cursor.advance();
  }
  return things;
}

class BackupTest : public ::testing::Test {
 protected:
  BackupTest() { testing::create_repository(memory_); }

  Result back_up(FakeSource& source, bool tolerate = false, std::string service = "shop") {
    return run(*open_repository(memory_, Access::write), {{"media", "files", &source, tolerate}},
               options(std::move(service)));
  }
  Result back_up(const Items& items, bool tolerate = false) {
    FakeSource source(items);
    return back_up(source, tolerate);
  }
  static Options options(std::string service = "shop") {
    Options options;
    options.service = std::move(service);
    options.threads = 4;
    return options;
  }
  std::map<std::string, Kept> newest() {
    const auto repository = open_repository(memory_);
    return read_back(*repository, repository->points().back().snapshots.at(0));
  }
  void expect_kept(const Items& items) {
    const auto kept = newest();
    EXPECT_EQ(kept.size(), items.size());
    for (const auto& [path, item] : items) {
      ASSERT_TRUE(kept.contains(path)) << path;
      EXPECT_TRUE(kept.at(path).content == item.contents.back()) << path;
    }
    EXPECT_EQ(damage_of(memory_), "");
  }

  MemoryBackend memory_;
};

TEST_F(BackupTest, content_of_every_size_is_kept) {
  Items items{{"", fake_directory()}};
  std::uint64_t seed = 1;
  for (const std::size_t size : {0UL, 1UL, 4095UL, 4096UL, 16'384UL, 16'385UL, kMiB - 1, kMiB,
                                 kMiB + 1, 2 * kMiB, 4 * kMiB, 4 * kMiB + 16'384, 5 * kMiB + 123}) {
    items["file of " + std::to_string(size)] = fake_file(random_text(seed++, size));
  }
  const Result result = back_up(items);
  expect_kept(items);
  EXPECT_EQ(result.point.snapshots.at(0).entries, items.size());
  EXPECT_GT(result.point.snapshots.at(0).bytes_stored, 0U);
  for (const auto& [path, kept] : newest()) {
    for (const std::uint64_t length : kept.chunks) EXPECT_LE(length, 16'384U);
    EXPECT_EQ(kept.entry.size, items.at(path).entry.size) << path;
  }
}

TEST_F(BackupTest, many_small_files_are_kept) {
  Items items{{"", fake_directory()}};
  for (int i = 0; i < 3000; ++i) {
    items["file " + std::to_string(i)] =
        fake_file(random_text(static_cast<std::uint64_t>(i), static_cast<std::size_t>(i % 97)));
  }
  back_up(items);
  expect_kept(items);
}

TEST_F(BackupTest, holes_stay_holes) {
  Items items{{"", fake_directory()}};
  for (const auto& [path, content] : std::map<std::string, std::string>{
           {"only", std::string(100'000, 'H')},
           {"first", std::string(5 * kMiB, 'H') + std::string(3000, 'x')},
           {"last", std::string(3000, 'x') + std::string(50'000, 'H')},
           {"between", std::string(9000, 'a') + std::string(70'000, 'H') +
                           std::string(2 * kMiB, 'b') + std::string(1, 'H') + "end"}}) {
    items[path] = fake_file(content);
    items[path].sparse = true;
  }
  back_up(items);
  expect_kept(items);
  EXPECT_TRUE(newest().at("only").chunks.empty());
}

TEST_F(BackupTest, fixed_cutting_is_aligned) {
  FakeSource source({{"", fake_directory()}, {"db", fake_file(random_text(1, 3 * kMiB + 100))}});
  source.fixed_bytes = 8192;
  back_up(source);
  const Kept kept = newest().at("db");
  ASSERT_EQ(kept.chunks.size(), 3 * kMiB / 8192 + 1);
  for (std::size_t i = 0; i + 1 < kept.chunks.size(); ++i) EXPECT_EQ(kept.chunks[i], 8192U);
  EXPECT_EQ(kept.chunks.back(), 100U);
}

TEST_F(BackupTest, content_of_more_than_one_record_is_kept_and_taken_over) {
  FakeSource source({{"", fake_directory()}, {"db", fake_file(random_text(2, 4 * kMiB))}});
  source.fixed_bytes = 4096;
  const Result first = back_up(source);
  EXPECT_GT(first.point.snapshots[0].records, 2U) << "more refs than one record has";
  FakeSource again({{"", fake_directory()}, {"db", fake_file(random_text(2, 4 * kMiB))}});
  again.fixed_bytes = 4096;
  const Result second = back_up(again);
  EXPECT_TRUE(again.opened().empty());
  EXPECT_EQ(second.point.snapshots[0].root, first.point.snapshots[0].root);
}

TEST_F(BackupTest, a_file_that_holds_still_at_the_third_try_is_right) {
  Items items{{"", fake_directory()}, {"log", fake_file("first")}, {"big", fake_file("small")}};
  items["log"].contents = {"first", "second", "third"};
  items["log"].changes = 2;
  items["big"].entry.size = 2 * kMiB;
  items["big"].contents = {random_text(1, 2 * kMiB), random_text(2, 3 * kMiB)};
  items["big"].changes = 1;
  back_up(items);
  expect_kept(items);
  EXPECT_FALSE(newest().at("log").entry.unstable);
  EXPECT_FALSE(newest().at("big").entry.unstable);
  EXPECT_EQ(newest().at("big").entry.size, 3 * kMiB);
}

TEST_F(BackupTest, a_file_that_never_holds_still_is_marked) {
  Items items{{"", fake_directory()}, {"log", fake_file("first")}, {"big", fake_file("x")}};
  items["log"].changes = 1000;
  items["big"].changes = 1000;
  items["big"].entry.size = 3 * kMiB;
  items["big"].contents = {random_text(1, 3 * kMiB)};
  FakeSource source(items);
  back_up(source);
  expect_kept(items);
  EXPECT_TRUE(newest().at("log").entry.unstable);
  EXPECT_TRUE(newest().at("big").entry.unstable);
  EXPECT_EQ(source.opened().at("log"), 3);
}

TEST_F(BackupTest, a_file_that_grows_past_its_announcement_is_kept_whole) {
  Items items{{"", fake_directory()}, {"a", fake_file("before")}, {"z", fake_file("after")}};
  items["grown"] = fake_file(random_text(3, 6 * kMiB));
  items["grown"].entry.size = 10;
  items["shrunk"] = fake_file("tiny");
  items["shrunk"].entry.size = 7 * kMiB;
  back_up(items);
  expect_kept(items);
}

TEST_F(BackupTest, what_vanishes_is_left_out_without_a_complaint) {
  Items items{{"", fake_directory()}, {"a", fake_file("a")}, {"b", fake_file("b")}};
  items["b"].vanishes = true;
  items["big"] = fake_file(random_text(1, 2 * kMiB));
  items["big"].vanishes = true;
  const Result result = back_up(items);
  EXPECT_TRUE(result.unreadable.empty());
  items.erase("b");
  items.erase("big");
  expect_kept(items);
}

TEST_F(BackupTest, what_becomes_another_kind_is_named_and_fails_nothing) {
  Items items{{"", fake_directory()}, {"a", fake_file("a")}, {"b", fake_file("b")}};
  items["b"].changes_kind = true;
  const Result result = back_up(items);
  ASSERT_EQ(result.unreadable.size(), 1U);
  EXPECT_EQ(result.unreadable[0].path, "b");
  ASSERT_EQ(result.point.snapshots[0].missing.size(), 1U);
  expect_kept({{"", fake_directory()}, {"a", fake_file("a")}});
  // Beside what can't be read it is no reason to fail.
  items["closed"] = fake_file("secret");
  items["closed"].unreadable = true;
  try {
    back_up(items);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("1 path could not be read: closed"), std::string::npos);
  }
}

Items items_with_problems() {
  Items items{{"", fake_directory()}, {"good", fake_file("good")}};
  items["closed"] = fake_file("secret");
  items["closed"].unreadable = true;
  items["broken"] = fake_file(std::string(5000, 'x'));
  items["broken"].breaks_at = 2000;
  items["broken and big"] = fake_file(random_text(1, 9 * kMiB));
  items["broken and big"].breaks_at = 7 * kMiB;
  return items;
}

TEST_F(BackupTest, what_can_not_be_read_fails_the_backup_and_all_of_it_is_named) {
  try {
    back_up(items_with_problems());
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    for (const char* part : {"media", "closed", "broken", "broken and big", "permission denied",
                             "input/output error", "3 paths could not be read"}) {
      EXPECT_NE(error.message().find(part), std::string::npos) << error.message();
    }
  }
  EXPECT_TRUE(open_repository(memory_)->points().empty());
  EXPECT_EQ(damage_of(memory_), "");
}

TEST_F(BackupTest, what_can_not_be_read_is_said_where_it_is_tolerated) {
  const Result result = back_up(items_with_problems(), true);
  ASSERT_EQ(result.unreadable.size(), 3U);
  EXPECT_EQ(result.unreadable[0].path, "broken");
  EXPECT_EQ(result.unreadable[2].path, "closed");
  EXPECT_EQ(result.point.snapshots[0].missing.size(), 3U);
  expect_kept({{"", fake_directory()}, {"good", fake_file("good")}});
}

TEST_F(BackupTest, another_name_stands_in_for_a_first_name_that_vanished) {
  Items items{{"", fake_directory()}, {"a", fake_file("content")}};
  items["a"].vanishes = true;
  for (const char* path : {"b", "c"}) {
    items[path] = fake_hard_link("a");
    items[path].contents = {"content"};
  }
  back_up(items);
  const auto kept = newest();
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_EQ(kept.at("b").entry.kind, EntryKind::file);
  EXPECT_EQ(kept.at("b").content, "content");
  EXPECT_EQ(kept.at("c").entry.kind, EntryKind::hard_link);
  EXPECT_EQ(stores::path_of_key(kept.at("c").entry.target), "b");
}

// A link that had not changed kept pointing to the first name that was lost.
TEST_F(BackupTest, an_unchanged_link_follows_when_its_first_name_vanished) {
  Items items{{"", fake_directory()}, {"a", fake_file("content")}};
  for (const char* path : {"b", "c"}) {
    items[path] = fake_hard_link("a");
    items[path].contents = {"content"};
  }
  back_up(items);
  items["a"].entry.mtime.ns = 1;
  items["a"].vanishes = true;
  back_up(items);
  const auto kept = newest();
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_EQ(kept.at("b").entry.kind, EntryKind::file);
  EXPECT_EQ(kept.at("b").content, "content");
  EXPECT_EQ(stores::path_of_key(kept.at("c").entry.target), "b");
}

TEST_F(BackupTest, an_unchanged_tree_is_not_read_and_nothing_is_stored) {
  Items items{{"", fake_directory()}};
  for (int i = 0; i < 500; ++i) {
    items["file " + std::to_string(i)] = fake_file(random_text(static_cast<std::uint64_t>(i), 900));
  }
  const Result first = back_up(items);
  FakeSource source(items);
  const Result second = back_up(source);
  EXPECT_TRUE(source.opened().empty());
  EXPECT_EQ(second.point.snapshots[0].root, first.point.snapshots[0].root);
  EXPECT_EQ(second.point.snapshots[0].bytes_read, 0U);
  EXPECT_EQ(second.point.snapshots[0].bytes_stored, 0U);
  EXPECT_EQ(second.point.snapshots[0].entries, 501U);
  items["file 7"] = fake_file("changed, and of another size");
  FakeSource changed(items);
  back_up(changed);
  EXPECT_EQ(changed.opened().size(), 1U);
  expect_kept(items);
}

TEST_F(BackupTest, a_second_copy_costs_nothing_and_an_insertion_little) {
  const std::string content = random_text(4, 2 * kMiB);
  Items items{{"", fake_directory()}, {"a", fake_file(content)}};
  const Result first = back_up(items);
  items["a copy"] = fake_file(content);
  const Result copy = back_up(items);
  EXPECT_LT(copy.point.snapshots[0].bytes_stored, 1000U);
  items["inserted"] = fake_file("a few bytes at the head" + content);
  const Result inserted = back_up(items);
  // How soon the cuts meet again is chance.
  EXPECT_LT(inserted.point.snapshots[0].bytes_stored, 24U * 16'384U);
  EXPECT_GT(first.point.snapshots[0].bytes_stored, 2 * kMiB);
  expect_kept(items);
}

TEST_F(BackupTest, a_lost_chunk_is_stored_again) {
  Items items{{"", fake_directory()}, {"a", fake_file(random_text(5, 50'000))}};
  back_up(items);
  std::erase_if(memory_.objects(), [](const auto& object) {
    return object.first.starts_with("packs/") && object.second.size() > 40'000;
  });
  EXPECT_NE(damage_of(memory_), "");
  FakeSource source(items);
  back_up(source);
  EXPECT_EQ(source.opened().at("a"), 1) << "it was read, though it had not changed";
  const auto repository = open_repository(memory_);
  ASSERT_EQ(repository->points().size(), 2U);
  for (const repo::Point& point : repository->points()) {
    EXPECT_TRUE(read_back(*repository, point.snapshots[0]).at("a").content ==
                items.at("a").contents[0]);
  }
}

// It failed every later backup of the store, for as long as that point was the newest.
TEST_F(BackupTest, a_damaged_previous_snapshot_keeps_no_backup_from_being_taken) {
  const Items items{{"", fake_directory()}, {"a", fake_file(random_text(5, 50'000))}};
  back_up(items);
  ASSERT_GT(std::erase_if(memory_.objects(),
                          [](const auto& object) {
                            // Byte 8 of a pack is its kind: 2, tree (docs/format.md, section 6).
                            return object.first.starts_with("packs/") &&
                                   object.second.at(8) == std::byte{2};
                          }),
            0U);
  back_up(items);
  EXPECT_TRUE(newest().at("a").content == items.at("a").contents[0]);
}

// Its children stayed, and a tree with children of nothing can't be restored.
TEST_F(BackupTest, a_directory_whose_attributes_can_not_be_read_stays) {
  Items items{{"", fake_directory()}, {"d", fake_directory()}, {"d/x", fake_file("content")}};
  items["d"].breaks_at = 0;
  const Result result = back_up(items, true);
  EXPECT_EQ(result.unreadable.size(), 1U);
  const auto kept = newest();
  EXPECT_EQ(kept.at("d").entry.kind, EntryKind::directory);
  EXPECT_EQ(kept.at("d/x").content, "content");
  // And it is said again, as nothing has changed.
  EXPECT_EQ(back_up(items, true).unreadable.size(), 1U);
}

TEST_F(BackupTest, a_stop_ends_it_without_a_point) {
  Items items{{"", fake_directory()}};
  for (int i = 0; i < 2000; ++i) items[std::to_string(i)] = fake_file(std::to_string(i));
  FakeSource source(items);
  std::stop_source stop;
  source.on_open = [&](const std::string&) { stop.request_stop(); };
  Options with_stop = options();
  with_stop.stop = stop.get_token();
  const auto repository = open_repository(memory_, Access::write);
  try {
    run(*repository, {{"media", "files", &source, false}}, with_stop);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
  EXPECT_TRUE(open_repository(memory_)->points().empty());
  EXPECT_EQ(damage_of(memory_), "");
}

TEST_F(BackupTest, services_do_not_take_each_others_snapshots_for_previous_ones) {
  Items items{{"", fake_directory()}, {"a", fake_file("content")}};
  FakeSource first(items);
  back_up(first, false, "one");
  FakeSource second(items);
  back_up(second, false, "two");
  EXPECT_EQ(second.opened().size(), 2U);
  const auto points = open_repository(memory_)->points();
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].service, "one");
  EXPECT_EQ(points[1].service, "two");
  EXPECT_EQ(points[1].snapshots[0].bytes_stored, 0U) << "but they share all chunks";
}

TEST_F(BackupTest, a_safety_snapshot_is_nobodys_previous_one) {
  const Items good{{"", fake_directory()}, {"a", fake_file("content")}};
  back_up(good);
  FakeSource broken({{"", fake_directory()}, {"a", fake_file("broken")}});
  Options safety = options();
  safety.facts = {{"purpose", "safety"}, {"run", "20260203t040506-1a2b3c4d"}};
  const Result result =
      run(*open_repository(memory_, Access::write), {{"media", "files", &broken, false}}, safety);
  EXPECT_TRUE(result.point.is_safety_snapshot());
  EXPECT_EQ(open_repository(memory_)->points().back(), result.point);
  EXPECT_EQ(result.point.facts, safety.facts);
  FakeSource restored(good);
  back_up(restored);
  EXPECT_EQ(restored.opened().size(), 0U) << "unchanged since the point before";
  expect_kept(good);
  EXPECT_TRUE(open_repository(memory_)->points().back().facts.empty());
}

TEST_F(BackupTest, all_stores_are_marked_before_the_first_is_read) {
  std::vector<std::string> order;
  FakeSource db({{"", fake_directory()}, {"db", fake_file("rows")}});
  FakeSource media({{"", fake_directory()}, {"file", fake_file("bytes")}});
  db.on_mark = [&] { order.push_back("mark db"); };
  media.on_mark = [&] { order.push_back("mark media"); };
  db.on_next = [&](const std::string& path) { order.push_back("db:" + path); };
  media.on_next = [&](const std::string& path) { order.push_back("media:" + path); };
  const Result result =
      run(*open_repository(memory_, Access::write),
          {{"db", "sqlite", &db, false}, {"media", "files", &media, false}}, options());
  EXPECT_EQ(order, (std::vector<std::string>{"mark db", "mark media", "db:", "db:db",
                                             "media:", "media:file"}));
  ASSERT_EQ(result.point.snapshots.size(), 2U);
  EXPECT_NE(result.point.find("db"), nullptr);
  EXPECT_LE(result.point.find("db")->time.ns, result.point.find("media")->time.ns);
}

TEST_F(BackupTest, what_was_marked_is_examined_when_writes_are_held_no_more) {
  std::vector<std::string> order;
  FakeSource db({{"", fake_directory()}, {"db", fake_file("rows")}});
  db.on_mark = [&] { order.push_back("mark"); };
  db.on_examine = [&](const std::stop_token&) { order.push_back("examine"); };
  Options held = options();
  held.around_mark = [&](const std::function<void()>& mark) {
    order.push_back("hold");
    mark();
    order.push_back("let go");
  };
  held.before_commit = [&](repo::Point&) { order.push_back("judge"); };
  run(*open_repository(memory_, Access::write), {{"db", "sqlite", &db, false}}, held);
  EXPECT_EQ(order, (std::vector<std::string>{"hold", "mark", "let go", "examine", "judge"}));
}

/// Runs something that must not hang.
void expect_error_in_time(ErrorCode expected, const std::function<void()>& work) {
  std::future<ErrorCode> done = std::async(std::launch::async, [&] {
    try {
      work();
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::usage;
  });
  // A hang would never end: the process is left to the time limit of the test.
  ASSERT_EQ(done.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  EXPECT_EQ(done.get(), expected);
}

TEST_F(BackupTest, an_interrupt_ends_the_examination) {
  FakeSource db({{"", fake_directory()}, {"db", fake_file("rows")}});
  std::stop_source stop;
  db.on_examine = [&](const std::stop_token& token) {
    stop.request_stop();
    if (token.stop_requested()) throw Error(ErrorCode::cancelled, "stopped");
  };
  Options stopped = options();
  stopped.stop = stop.get_token();
  expect_error_in_time(ErrorCode::cancelled, [&] {
    run(*open_repository(memory_, Access::write), {{"db", "sqlite", &db, false}}, stopped);
  });
  EXPECT_TRUE(open_repository(memory_)->points().empty());
}

// What still ran used members that were gone already.
TEST_F(BackupTest, a_source_that_fails_in_the_middle_ends_it_while_others_still_read) {
  Items items{{"", fake_directory()}};
  for (int i = 0; i < 3000; ++i) items[std::to_string(i)] = fake_file(random_text(9, 2000));
  items["zz big"] = fake_file(random_text(10, 30 * kMiB));
  items["zzz"] = fake_file("last");
  for (int round = 0; round < 10; ++round) {
    FakeSource source(items);
    std::promise<void> reads_big;
    source.on_open = [&](const std::string& path) {
      if (path == "zz big") reads_big.set_value();
    };
    source.on_next = [&](const std::string& path) {
      if (path != "zzz") return;
      reads_big.get_future().wait();
      throw Error(ErrorCode::unreachable, "the store is gone");
    };
    expect_error_in_time(ErrorCode::unreachable, [&] { back_up(source); });
  }
  EXPECT_EQ(damage_of(memory_), "");
}

TEST_F(BackupTest, a_source_that_fails_in_open_or_mark_ends_it) {
  Items items{{"", fake_directory()}};
  for (int i = 0; i < 1000; ++i) items[std::to_string(i)] = fake_file(random_text(9, 2000));
  FakeSource source(items);
  source.on_open = [](const std::string& path) {
    if (path == "500") throw Error(ErrorCode::unreachable, "the store is gone");
  };
  expect_error_in_time(ErrorCode::unreachable, [&] { back_up(source); });
  FakeSource marked(items);
  marked.on_mark = [] { throw Error(ErrorCode::refused, "it can't be marked"); };
  expect_error_in_time(ErrorCode::refused, [&] { back_up(marked); });
  EXPECT_TRUE(open_repository(memory_)->points().empty());
}

TEST_F(BackupTest, a_full_medium_ends_it) {
  Items items{{"", fake_directory()}, {"big", fake_file(random_text(11, 40 * kMiB))}};
  for (int i = 0; i < 1000; ++i) items[std::to_string(i)] = fake_file(random_text(12, 5000));
  backend::FaultBackend faulty(memory_);
  faulty.on([](const backend::Call& call) -> std::optional<Fault> {
    if (call.operation == backend::Operation::put && call.name.starts_with("packs/")) {
      return Fault::no_space();
    }
    return std::nullopt;
  });
  const auto repository = open_repository(faulty, Access::write);
  FakeSource source(items);
  expect_error_in_time(ErrorCode::no_space, [&] {
    run(*repository, {{"media", "files", &source, false}}, options());
  });
  // The same repository object goes on once there is space again.
  faulty.on({});
  FakeSource again(items);
  run(*repository, {{"media", "files", &again, false}}, options());
  expect_kept(items);
}

// XFS and tmpfs let a file have more of them than a node of the tree can hold.
TEST_F(BackupTest, too_many_attributes_are_named_and_the_rest_is_kept) {
  const auto with_attributes = [](FakeItem item, int count) {
    for (int i = 0; i < count; ++i) {
      item.entry.attributes.push_back({"user." + std::to_string(1000 + i), Bytes(64U << 10U)});
    }
    return item;
  };
  const Items items{{"", with_attributes(fake_directory(), 80)},
                    {"many", with_attributes(fake_file("content"), 80)},
                    {"some", with_attributes(fake_file("more"), 20)}};
  const Result result = back_up(items, true);
  ASSERT_EQ(result.unreadable.size(), 2U);
  EXPECT_EQ(result.unreadable[1].path, "many");
  EXPECT_NE(result.unreadable[1].reason.find("too many extended attributes"), std::string::npos);
  const auto repository = open_repository(memory_, Access::read);
  const auto kept = read_back(*repository, result.point.snapshots.at(0));
  EXPECT_EQ(kept.at("many").content, "content");
  EXPECT_TRUE(kept.at("many").entry.attributes.empty());
  EXPECT_EQ(kept.at("some").entry.attributes.size(), 20U);
  EXPECT_THROW(back_up(items, false), Error);
}

}  // namespace
}  // namespace salvor::backup
