#include "testing/backend_contract.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <latch>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "testing/seeded_rng.h"

namespace salvor::testing {
namespace {

using backend::Backend;
using backend::Object;
using backend::PutResult;

constexpr int kThreads = 16;
constexpr std::uint64_t kPlenty = std::uint64_t{64} << 20;

/// The code of what `call` throws; empty when it throws nothing.
template <class Call>
std::optional<ErrorCode> error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

Bytes pattern(std::uint64_t seed, std::size_t count) {
  return SeededRng(seed).bytes(count);
}

std::vector<std::string> names_in(Backend& backend, const std::string& prefix,
                                  const std::string& after = {}) {
  std::vector<std::string> names;
  backend.list(prefix, after, [&](const Object& object) { names.push_back(object.name); });
  return names;
}

/// Runs `body(i)` in so many threads at once; what one throws, this throws.
template <class Body>
void in_threads(int count, Body body) {
  std::latch start(count);
  std::vector<std::future<void>> threads;
  for (int i = 0; i < count; ++i) {
    threads.push_back(std::async(std::launch::async, [&start, &body, i] {
      start.arrive_and_wait();
      body(i);
    }));
  }
  for (auto& thread : threads) thread.get();
}

void names_are_refused(Backend& backend) {
  const std::vector<std::string> bad = {"",
                                        "/",
                                        "/a",
                                        "a/",
                                        "a//b",
                                        ".",
                                        "..",
                                        "a/..",
                                        "../a",
                                        "a/./b",
                                        "./a",
                                        "a/../b",
                                        "A",
                                        "a b",
                                        "a\n",
                                        "a\\b",
                                        "ä",
                                        "a:b",
                                        "tmp",
                                        "tmp/x",
                                        "a*",
                                        "~a",
                                        "a/../..",
                                        std::string("a\0b", 3),
                                        std::string(201, 'a')};
  Bytes out(1);
  for (const std::string& name : bad) {
    SCOPED_TRACE(printable(name));
    EXPECT_EQ(error_of([&] { backend.put_if_absent(name, as_bytes("x")); }), ErrorCode::usage);
    EXPECT_EQ(error_of([&] { backend.get(name, kPlenty); }), ErrorCode::usage);
    EXPECT_EQ(error_of([&] { backend.get_range(name, 0, out); }), ErrorCode::usage);
    EXPECT_EQ(error_of([&] { backend.size(name); }), ErrorCode::usage);
    EXPECT_EQ(error_of([&] { backend.remove(name); }), ErrorCode::usage);
  }
  EXPECT_EQ(names_in(backend, ""), std::vector<std::string>{});
  for (const std::string prefix : {"/", "../", "a//", "A", "a/../b", "tmp/"}) {
    EXPECT_EQ(error_of([&] { names_in(backend, prefix); }), ErrorCode::usage) << prefix;
  }
}

void names_are_taken(Backend& backend) {
  const std::vector<std::string> good = {
      "...", ".a", "0", "_-.", "a/...", "tmpx/tmp", "tmp.1", "a/b/c/d/e", std::string(200, 'x')};
  for (const std::string& name : good) {
    SCOPED_TRACE(name);
    EXPECT_EQ(backend.put_if_absent(name, as_bytes(name)), PutResult::created);
    EXPECT_EQ(backend.get(name, kPlenty), to_bytes(name));
  }
  std::vector<std::string> sorted = good;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(names_in(backend, ""), sorted);
}

void put_then_get(Backend& backend) {
  const Bytes bytes = pattern(1, 70'001);
  EXPECT_EQ(backend.put_if_absent("packs/ab/one", bytes), PutResult::created);
  EXPECT_EQ(backend.get("packs/ab/one", kPlenty), bytes);
  EXPECT_EQ(backend.size("packs/ab/one"), bytes.size());
}

void second_put_changes_nothing(Backend& backend) {
  EXPECT_EQ(backend.put_if_absent("log/1", as_bytes("first")), PutResult::created);
  EXPECT_EQ(backend.put_if_absent("log/1", as_bytes("the second")), PutResult::exists);
  EXPECT_EQ(backend.put_if_absent("log/1", {}), PutResult::exists);
  EXPECT_EQ(backend.get("log/1", kPlenty), to_bytes("first"));
}

void absent_objects_are_not_found(Backend& backend) {
  backend.put_if_absent("here/a", as_bytes("x"));
  Bytes out(4);
  for (const std::string name : {"a", "here/b", "here/a/b", "here", "nowhere/at/all"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(error_of([&] { backend.get(name, kPlenty); }), ErrorCode::not_found);
    EXPECT_EQ(error_of([&] { backend.get_range(name, 0, out); }), ErrorCode::not_found);
    EXPECT_EQ(backend.size(name), std::nullopt);
  }
}

void empty_objects_are_objects(Backend& backend) {
  EXPECT_EQ(backend.put_if_absent("empty", {}), PutResult::created);
  EXPECT_EQ(backend.put_if_absent("empty", as_bytes("x")), PutResult::exists);
  EXPECT_EQ(backend.size("empty"), 0U);
  EXPECT_EQ(backend.get("empty", 0), Bytes{});
  Bytes out(4);
  EXPECT_EQ(backend.get_range("empty", 0, out), 0U);
  EXPECT_EQ(names_in(backend, ""), std::vector<std::string>{"empty"});
}

void get_is_bounded(Backend& backend) {
  backend.put_if_absent("a", pattern(2, 1000));
  EXPECT_EQ(backend.get("a", 1000).size(), 1000U);
  EXPECT_EQ(error_of([&] { backend.get("a", 999); }), ErrorCode::failed);
  EXPECT_EQ(error_of([&] { backend.get("a", 0); }), ErrorCode::failed);
}

void ranges_end_with_the_object(Backend& backend) {
  const Bytes bytes = pattern(3, 10'000);
  backend.put_if_absent("a", bytes);
  const auto range = [&](std::uint64_t offset, std::size_t count) {
    Bytes out(count);
    out.resize(backend.get_range("a", offset, out));
    return out;
  };
  const auto expected = [&](std::size_t from, std::size_t to) {
    return to_bytes(ByteView(bytes).subspan(from, to - from));
  };
  EXPECT_EQ(range(0, 10'000), bytes);
  EXPECT_EQ(range(0, 20'000), bytes);
  EXPECT_EQ(range(17, 4096), expected(17, 4113));
  EXPECT_EQ(range(9'990, 100), expected(9'990, 10'000));
  EXPECT_EQ(range(9'999, 1), expected(9'999, 10'000));
  EXPECT_EQ(range(5, 0), Bytes{});
  for (const std::uint64_t offset :
       {std::uint64_t{10'000}, std::uint64_t{10'001}, std::uint64_t{1} << 40,
        std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    EXPECT_EQ(range(offset, 100), Bytes{}) << offset;
  }
}

void list_is_sorted_by_bytes(Backend& backend) {
  // "-" and "." sort before the "/" of a directory, digits and letters behind it.
  std::vector<std::string> names = {"a-b",   "a.b",  "a/b",  "a/b-c", "a0",    "a_",
                                    "aa",    "b/1",  "b/10", "b/2",   "b/c/d", "b/c-d",
                                    "b/c.d", "b/c0", "z",    "0",     "-",     "c.d/e/f"};
  for (const std::string& name : names) backend.put_if_absent(name, as_bytes(name));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names_in(backend, ""), names);

  backend.list("", "", [](const Object& object) {
    EXPECT_EQ(object.size_bytes, object.name.size()) << object.name;
  });
  std::vector<std::string> prefixes = names;
  for (const char* more :
       {"b/", "b", "a", "a/", "b/c", "c.d/e/", "b/1", "nothing/", "nothing", "zz"}) {
    prefixes.emplace_back(more);
  }
  std::vector<std::string> starts = prefixes;
  for (const char* more : {"", "a/", "a/zzz", "b/c/", "zzz", "b/0", "c.d/e/f/g", "-"}) {
    starts.emplace_back(more);
  }
  prefixes.emplace_back("");
  for (const std::string& prefix : prefixes) {
    for (const std::string& after : starts) {
      std::vector<std::string> expected;
      for (const std::string& name : names) {
        if (name.starts_with(prefix) && name > after) expected.push_back(name);
      }
      EXPECT_EQ(names_in(backend, prefix, after), expected)
          << "prefix \"" << prefix << "\" after \"" << after << "\"";
    }
  }
}

void list_lets_the_visitor_work(Backend& backend) {
  for (int i = 10; i < 30; ++i) backend.put_if_absent("l/" + std::to_string(i), as_bytes("x"));
  std::vector<std::string> seen;
  backend.list("l/", "", [&](const Object& object) {
    seen.push_back(object.name);
    EXPECT_EQ(backend.get(object.name, 1), to_bytes("x"));
    backend.remove(object.name);
  });
  EXPECT_EQ(seen.size(), 20U);
  EXPECT_EQ(names_in(backend, ""), std::vector<std::string>{});

  backend.put_if_absent("l/a", as_bytes("x"));
  backend.put_if_absent("l/b", as_bytes("x"));
  int visits = 0;
  EXPECT_EQ(error_of([&] {
              backend.list("", "", [&](const Object&) {
                ++visits;
                throw Error(ErrorCode::unreachable, "the visitor has enough").as_retryable();
              });
            }),
            ErrorCode::unreachable);
  EXPECT_EQ(visits, 1);
}

void large_objects_come_back(Backend& backend) {
  const Bytes bytes = pattern(4, (std::size_t{24} << 20) + 13);
  EXPECT_EQ(backend.put_if_absent("packs/ff/large", bytes), PutResult::created);
  EXPECT_EQ(backend.get("packs/ff/large", kPlenty), bytes);
  Bytes out(1 << 20);
  EXPECT_EQ(backend.get_range("packs/ff/large", std::uint64_t{20} << 20, out), out.size());
  EXPECT_TRUE(std::equal(out.begin(), out.end(), bytes.begin() + (20 << 20)));
}

void remove_may_be_repeated(Backend& backend) {
  backend.put_if_absent("d/a", as_bytes("x"));
  backend.put_if_absent("d/b", as_bytes("y"));
  backend.remove("d/a");
  backend.remove("d/a");
  backend.remove("d");
  backend.remove("never/was");
  EXPECT_EQ(backend.size("d/a"), std::nullopt);
  EXPECT_EQ(names_in(backend, ""), std::vector<std::string>{"d/b"});
  EXPECT_EQ(backend.put_if_absent("d/a", as_bytes("again")), PutResult::created);
  EXPECT_EQ(backend.get("d/a", kPlenty), to_bytes("again"));
}

void one_of_many_writers_wins(Backend& backend) {
  constexpr std::size_t kBytes = 300'000;
  for (int round = 0; round < 4; ++round) {
    const std::string name = "race/" + std::to_string(round) + "/log";
    std::vector<PutResult> results(kThreads);
    in_threads(kThreads, [&](int i) {
      const Bytes mine = pattern(static_cast<std::uint64_t>(i), kBytes);
      results[static_cast<std::size_t>(i)] = backend.put_if_absent(name, mine);
      // Whoever has been told of the object must find it whole.
      EXPECT_EQ(backend.get(name, kPlenty).size(), kBytes);
    });
    ASSERT_EQ(std::count(results.begin(), results.end(), PutResult::created), 1);
    const auto winner = std::find(results.begin(), results.end(), PutResult::created);
    EXPECT_EQ(backend.get(name, kPlenty),
              pattern(static_cast<std::uint64_t>(winner - results.begin()), kBytes));
  }
}

void readers_see_whole_objects(Backend& backend) {
  constexpr int kObjects = 30;
  constexpr std::size_t kBytes = 200'000;
  const auto name_of = [](int i) {
    return "packs/" + std::to_string(i % 3) + "/" + std::to_string(i);
  };
  in_threads(4, [&](int thread) {
    if (thread == 0) {
      for (int i = 0; i < kObjects; ++i) {
        backend.put_if_absent(name_of(i), pattern(static_cast<std::uint64_t>(i), kBytes));
      }
      return;
    }
    for (int i = 0; i < kObjects; ++i) {
      std::optional<std::uint64_t> size;
      while (!size) size = backend.size(name_of(i));
      EXPECT_EQ(*size, kBytes);
      EXPECT_EQ(backend.get(name_of(i), kPlenty), pattern(static_cast<std::uint64_t>(i), kBytes));
      backend.list("packs/", "",
                   [&](const Object& object) { EXPECT_EQ(object.size_bytes, kBytes); });
    }
  });
}

void many_threads_do_many_things(Backend& backend) {
  in_threads(kThreads, [&](int thread) {
    for (int i = 0; i < 12; ++i) {
      const std::string name = "t/" + std::to_string(i) + "/" + std::to_string(thread);
      const Bytes bytes = pattern(static_cast<std::uint64_t>(thread * 100 + i), 5'000);
      EXPECT_EQ(backend.put_if_absent(name, bytes), PutResult::created);
      EXPECT_EQ(backend.get(name, kPlenty), bytes);
      if (i % 2 == 0) backend.remove(name);
    }
  });
  EXPECT_EQ(names_in(backend, "t/").size(), static_cast<std::size_t>(kThreads * 6));
}

struct Promise {
  const char* name;
  void (*check)(Backend&);
};

constexpr Promise kPromises[] = {
    {"names_are_refused", names_are_refused},
    {"names_are_taken", names_are_taken},
    {"put_then_get", put_then_get},
    {"second_put_changes_nothing", second_put_changes_nothing},
    {"absent_objects_are_not_found", absent_objects_are_not_found},
    {"empty_objects_are_objects", empty_objects_are_objects},
    {"get_is_bounded", get_is_bounded},
    {"ranges_end_with_the_object", ranges_end_with_the_object},
    {"list_is_sorted_by_bytes", list_is_sorted_by_bytes},
    {"list_lets_the_visitor_work", list_lets_the_visitor_work},
    {"large_objects_come_back", large_objects_come_back},
    {"remove_may_be_repeated", remove_may_be_repeated},
    {"one_of_many_writers_wins", one_of_many_writers_wins},
    {"readers_see_whole_objects", readers_see_whole_objects},
    {"many_threads_do_many_things", many_threads_do_many_things},
};

class BackendContractTest : public ::testing::Test {
 public:
  BackendContractTest(MakeBackend make, Promise promise)
      : make_(std::move(make)), promise_(promise) {}

 private:
  void TestBody() override {
    const TemporaryDirectory scratch(std::filesystem::temp_directory_path());
    const std::unique_ptr<Backend> backend = make_(scratch.path());
    EXPECT_FALSE(backend->location().empty());
    promise_.check(*backend);
  }

  const MakeBackend make_;
  const Promise promise_;
};

}  // namespace

bool register_backend_contract(const std::string& name, MakeBackend make) {
  const std::string suite = "BackendContract/" + name;
  for (const Promise& promise : kPromises) {
    ::testing::RegisterTest(suite.c_str(), promise.name, nullptr, nullptr, __FILE__, __LINE__,
                            [make, promise]() -> BackendContractTest* {
                              return new BackendContractTest(make, promise);
                            });
  }
  return true;
}

}  // namespace salvor::testing
