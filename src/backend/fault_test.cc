#include "backend/fault.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "backend/memory.h"

namespace salvor::backend {
namespace {

class FaultTest : public ::testing::Test {
 protected:
  ErrorCode put_error(const std::string& name) {
    try {
      fault_.put_if_absent(name, as_bytes("x"));
    } catch (const Error& error) {
      EXPECT_EQ(error.retryable(), error.code() == ErrorCode::unreachable);
      return error.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::failed;
  }

  MemoryBackend memory_;
  FaultBackend fault_{memory_};
};

TEST_F(FaultTest, counts_and_describes_calls) {
  std::vector<Call> seen;
  fault_.on([&](const Call& call) -> std::optional<Fault> {
    seen.push_back(call);
    return std::nullopt;
  });
  Bytes out(1);
  fault_.put_if_absent("a/b", as_bytes("x"));
  fault_.get("a/b", 1);
  fault_.get_range("a/b", 0, out);
  fault_.size("a/b");
  fault_.list("a/", "", [](const Object&) {});
  fault_.remove("a/b");
  ASSERT_EQ(fault_.calls(), 6U);
  ASSERT_EQ(seen.size(), 6U);
  const Operation operations[] = {Operation::put,  Operation::get,  Operation::get_range,
                                  Operation::size, Operation::list, Operation::remove};
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(seen[i].operation, operations[i]);
    EXPECT_EQ(seen[i].name, i == 4 ? "a/" : "a/b");
    EXPECT_EQ(seen[i].number, i + 1);
  }
}

TEST_F(FaultTest, fails_before_or_after_the_call) {
  fault_.at(1, Fault::unreachable_before());
  fault_.at(2, Fault::unreachable_after());
  fault_.at(3, Fault::no_space());
  EXPECT_EQ(put_error("before"), ErrorCode::unreachable);
  EXPECT_EQ(put_error("after"), ErrorCode::unreachable);
  EXPECT_EQ(put_error("full"), ErrorCode::no_space);
  EXPECT_EQ(memory_.size("before"), std::nullopt);
  EXPECT_EQ(memory_.size("after"), 1U);
  EXPECT_EQ(memory_.size("full"), std::nullopt);
  EXPECT_EQ(fault_.put_if_absent("fine", as_bytes("x")), PutResult::created);
}

TEST_F(FaultTest, chooses_by_operation_and_name) {
  fault_.on([](const Call& call) -> std::optional<Fault> {
    if (call.operation == Operation::put && call.name.starts_with("log/")) {
      return Fault::no_space();
    }
    return std::nullopt;
  });
  EXPECT_EQ(put_error("log/1"), ErrorCode::no_space);
  EXPECT_EQ(fault_.put_if_absent("packs/1", as_bytes("x")), PutResult::created);
  EXPECT_EQ(fault_.size("log/1"), std::nullopt);
  fault_.on({});
  EXPECT_EQ(fault_.put_if_absent("log/1", as_bytes("x")), PutResult::created);
}

TEST_F(FaultTest, a_list_breaks_off_in_the_middle) {
  for (const char* name : {"a", "b", "c"}) memory_.put_if_absent(name, as_bytes("x"));
  fault_.at(1, Fault::unreachable_after_visits(2));
  std::vector<std::string> seen;
  EXPECT_THROW(fault_.list("", "", [&](const Object& object) { seen.push_back(object.name); }),
               Error);
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b"}));
}

TEST_F(FaultTest, nothing_happens_after_a_kill) {
  fault_.put_if_absent("a", as_bytes("x"));
  fault_.at(2, Fault::kill_before());
  EXPECT_THROW(fault_.put_if_absent("b", as_bytes("x")), Killed);
  EXPECT_TRUE(fault_.dead());
  EXPECT_THROW(fault_.get("a", 1), Killed);
  EXPECT_THROW(fault_.remove("a"), Killed);
  EXPECT_THROW(fault_.list("", "", [](const Object&) {}), Killed);
  EXPECT_THROW(fault_.free_bytes(), Killed);
  EXPECT_EQ(memory_.objects().size(), 1U);
}

TEST_F(FaultTest, a_kill_after_the_call_has_made_it) {
  fault_.at(1, Fault::kill_after());
  EXPECT_THROW(fault_.put_if_absent("a", as_bytes("x")), Killed);
  EXPECT_EQ(memory_.size("a"), 1U);
}

TEST_F(FaultTest, a_kill_may_throw_what_the_test_wants) {
  struct MyEnd {};
  fault_.at(1, Fault::kill_before([] { throw MyEnd(); }));
  EXPECT_THROW(fault_.size("a"), MyEnd);
  EXPECT_THROW(fault_.size("a"), Killed);
}

TEST_F(FaultTest, a_kill_may_end_the_process) {
  EXPECT_EXIT(
      {
        fault_.at(1, Fault::kill_after([] { _exit(137); }));
        fault_.size("a");
      },
      ::testing::ExitedWithCode(137), "");
}

TEST_F(FaultTest, a_call_in_flight_does_not_outlive_a_kill) {
  memory_.put_if_absent("a", as_bytes("x"));
  // The visitor stands for another thread that dies while this one lists.
  fault_.at(2, Fault::kill_before());
  EXPECT_THROW(fault_.list("", "", [&](const Object&) { EXPECT_THROW(fault_.size("a"), Killed); }),
               Killed);
}

TEST_F(FaultTest, a_medium_without_the_condition_replaces) {
  fault_.put_if_absent("a", as_bytes("first"));
  fault_.ignore_condition(true);
  EXPECT_EQ(fault_.put_if_absent("a", as_bytes("second")), PutResult::created);
  EXPECT_EQ(fault_.put_if_absent("b", as_bytes("new")), PutResult::created);
  EXPECT_EQ(fault_.get("a", 10), to_bytes("second"));
  fault_.ignore_condition(false);
  EXPECT_EQ(fault_.put_if_absent("a", as_bytes("third")), PutResult::exists);
}

}  // namespace
}  // namespace salvor::backend
