#include "backend/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "backend/fault.h"
#include "backend/memory.h"
#include "base/log.h"
#include "testing/fake_sleeper.h"
#include "testing/seeded_rng.h"

namespace salvor::backend {
namespace {

class RetryTest : public ::testing::Test {
 protected:
  /// Passes calls to fault_, which outlives it.
  class Passing : public FaultBackend {
   public:
    using FaultBackend::FaultBackend;
  };

  RetryTest() { log::set_level(log::Level::error); }
  ~RetryTest() override { log::set_level(log::Level::warning); }

  RetryOptions options() {
    RetryOptions options;
    options.tries_max = 5;
    options.first_delay_ms = 100;
    options.delay_max_ms = 300;
    options.sleeper = &sleeper_;
    options.rng = &rng_;
    return options;
  }

  std::unique_ptr<Backend> retried(RetryOptions options) {
    return with_retry(std::make_unique<Passing>(fault_), options);
  }

  static std::optional<Fault> always(const Call&) { return Fault::unreachable_before(); }

  MemoryBackend memory_;
  FaultBackend fault_{memory_};
  testing::FakeSleeper sleeper_;
  testing::SeededRng rng_{42};
  std::unique_ptr<Backend> backend_ = retried(options());
};

TEST_F(RetryTest, success_is_not_repeated) {
  EXPECT_EQ(backend_->put_if_absent("a", as_bytes("x")), PutResult::created);
  EXPECT_EQ(backend_->get("a", 1), to_bytes("x"));
  EXPECT_EQ(fault_.calls(), 2U);
  EXPECT_TRUE(sleeper_.durations_ms().empty());
}

TEST_F(RetryTest, what_may_succeed_is_repeated) {
  memory_.put_if_absent("a", as_bytes("x"));
  fault_.at(1, Fault::unreachable_before());
  fault_.at(2, Fault::unreachable_after());
  EXPECT_EQ(backend_->get("a", 1), to_bytes("x"));
  EXPECT_EQ(fault_.calls(), 3U);
  EXPECT_EQ(sleeper_.durations_ms().size(), 2U);
}

TEST_F(RetryTest, what_can_not_succeed_is_not_repeated) {
  fault_.at(1, Fault::no_space());
  try {
    backend_->put_if_absent("a", as_bytes("x"));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::no_space);
  }
  EXPECT_THROW(backend_->get("a", 1), Error);
  EXPECT_EQ(fault_.calls(), 2U);
  EXPECT_TRUE(sleeper_.durations_ms().empty());
}

TEST_F(RetryTest, gives_up_after_the_last_try) {
  fault_.on(always);
  try {
    backend_->get("a", 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unreachable);
    EXPECT_EQ(error.message(), "gave up after 5 tries: no answer for a (call 5)");
  }
  EXPECT_EQ(fault_.calls(), 5U);
  EXPECT_EQ(sleeper_.durations_ms().size(), 4U);
}

TEST_F(RetryTest, delays_grow_up_to_the_bound_and_are_spread) {
  fault_.on(always);
  std::int64_t longest_ms[4] = {};
  for (int i = 0; i < 200; ++i) {
    EXPECT_THROW(backend_->size("a"), Error);
    const auto durations_ms = sleeper_.durations_ms();
    for (std::size_t k = 0; k < 4; ++k) {
      longest_ms[k] = std::max(longest_ms[k], durations_ms[durations_ms.size() - 4 + k]);
    }
  }
  const std::int64_t bounds_ms[4] = {100, 200, 300, 300};
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_LE(longest_ms[k], bounds_ms[k]);
    EXPECT_GT(longest_ms[k], bounds_ms[k] * 9 / 10);
  }
  const auto all_ms = sleeper_.durations_ms();
  EXPECT_LT(*std::min_element(all_ms.begin(), all_ms.end()), 10);
}

TEST_F(RetryTest, a_stop_ends_the_waiting) {
  fault_.on(always);
  std::stop_source stop;
  testing::FakeSleeper sleeper([&](std::int64_t) { stop.request_stop(); });
  RetryOptions options = this->options();
  options.sleeper = &sleeper;
  options.stop = stop.get_token();
  try {
    retried(options)->get("a", 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
  EXPECT_EQ(fault_.calls(), 1U);
}

TEST_F(RetryTest, a_put_whose_answer_was_lost_is_ours) {
  fault_.at(1, Fault::unreachable_after());
  EXPECT_EQ(backend_->put_if_absent("log/1", as_bytes("mine")), PutResult::created);
  EXPECT_EQ(memory_.get("log/1", 10), to_bytes("mine"));
}

TEST_F(RetryTest, a_put_that_lost_the_race_is_not_ours) {
  // The first try never arrives; another writer puts an object before the second.
  for (const std::string_view theirs : {"hers", "longer than mine", ""}) {
    SCOPED_TRACE(theirs);
    memory_.objects()["log/1"] = to_bytes(theirs);
    fault_.at(fault_.calls() + 1, Fault::unreachable_before());
    EXPECT_EQ(backend_->put_if_absent("log/1", as_bytes("mine")), PutResult::exists);
    EXPECT_EQ(memory_.get("log/1", 100), to_bytes(theirs));
  }
}

TEST_F(RetryTest, without_a_failure_exists_is_believed) {
  memory_.put_if_absent("log/1", as_bytes("mine"));
  EXPECT_EQ(backend_->put_if_absent("log/1", as_bytes("mine")), PutResult::exists);
  EXPECT_EQ(fault_.calls(), 1U);
}

TEST_F(RetryTest, reading_back_is_retried_too) {
  fault_.at(1, Fault::unreachable_after());   // put
  fault_.at(3, Fault::unreachable_before());  // size, after the put that found it
  fault_.at(5, Fault::unreachable_after());   // get
  EXPECT_EQ(backend_->put_if_absent("log/1", as_bytes("mine")), PutResult::created);
  EXPECT_EQ(fault_.calls(), 6U);
}

TEST_F(RetryTest, an_object_that_vanishes_before_it_is_read_back_is_put_again) {
  memory_.put_if_absent("log/1", as_bytes("theirs"));
  fault_.on([this](const Call& call) -> std::optional<Fault> {
    if (call.number == 1) return Fault::unreachable_before();
    if (call.operation == Operation::size) memory_.remove("log/1");
    return std::nullopt;
  });
  EXPECT_EQ(backend_->put_if_absent("log/1", as_bytes("mine")), PutResult::created);
  EXPECT_EQ(memory_.get("log/1", 10), to_bytes("mine"));
}

TEST_F(RetryTest, a_list_goes_on_where_it_broke_off) {
  std::vector<std::string> names;
  for (int i = 10; i < 40; ++i) names.push_back("l/" + std::to_string(i));
  for (const std::string& name : names) memory_.put_if_absent(name, as_bytes("x"));
  fault_.on([](const Call&) { return Fault::unreachable_after_visits(2); });
  std::vector<std::string> seen;
  // Far more failures than tries: each made progress.
  backend_->list("l/", "l/10", [&](const Object& object) { seen.push_back(object.name); });
  names.erase(names.begin());
  EXPECT_EQ(seen, names);
}

TEST_F(RetryTest, what_the_visitor_throws_is_not_retried) {
  memory_.put_if_absent("a", as_bytes("x"));
  EXPECT_THROW(backend_->list("", "",
                              [](const Object&) {
                                throw Error(ErrorCode::unreachable, "mine").as_retryable();
                              }),
               Error);
  EXPECT_EQ(fault_.calls(), 1U);
}

TEST_F(RetryTest, a_kill_is_no_failure_to_be_retried) {
  fault_.at(1, Fault::kill_before());
  EXPECT_THROW(backend_->put_if_absent("a", as_bytes("x")), Killed);
  EXPECT_EQ(fault_.calls(), 1U);
}

}  // namespace
}  // namespace salvor::backend
