#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "stores/target.h"
#include "testing/store_copy.h"

namespace salvor::testing {

/// A kind of store, as the contract needs it: something that lives at a place, and two states of
/// it. Lifetime: its scratch directory outlives it.
class TargetSubject {
 public:
  virtual ~TargetSubject() = default;

  /// Where it lives. What is beside it there is the contract's.
  virtual std::filesystem::path live() const = 0;
  virtual void make_first() = 0;
  /// Changes the first state into the second, as an application would.
  virtual void make_second() = 0;
  virtual void remove() = 0;

  /// Whether an exchange that is killed may leave a store that refuses everybody, until the restore
  /// is resumed or undone.
  virtual bool may_be_shut() const { return false; }

  virtual Taken take() = 0;
  virtual std::unique_ptr<stores::Target> target(const stores::ReplacementFaults& faults) = 0;

  /// What a user sees there: equal exactly when he sees no difference. Empty when there is nothing,
  /// or nobody is let in.
  virtual std::string describe(const std::filesystem::path& place) = 0;
  /// One small change, as an application would make it.
  virtual void write(const std::filesystem::path& place) = 0;
};

using MakeTargetSubject =
    std::function<std::unique_ptr<TargetSubject>(const std::filesystem::path& scratch)>;

/// Adds the tests of everything that target.h and replacement.h promise, as TargetContract/<name>,
/// to the program: among them a kill before every durable step, after which another object goes on
/// or goes back. One line in a test file does it:
///     const bool kRegistered = register_target_contract("files", [](const auto& scratch) { … });
bool register_target_contract(const std::string& name, MakeTargetSubject make);

}  // namespace salvor::testing
