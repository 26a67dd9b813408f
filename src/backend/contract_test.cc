#include <utility>

#include "backend/fault.h"
#include "backend/local.h"
#include "backend/memory.h"
#include "backend/retry.h"
#include "base/log.h"
#include "testing/backend_contract.h"
#include "testing/fake_sleeper.h"
#include "testing/seeded_rng.h"

namespace salvor::backend {
namespace {

using testing::register_backend_contract;

/// A fault backend that owns what it wraps.
struct Inner {
  std::unique_ptr<Backend> inner;
};
class OwningFaultBackend : private Inner, public FaultBackend {
 public:
  explicit OwningFaultBackend(std::unique_ptr<Backend> owned)
      : Inner{std::move(owned)}, FaultBackend(*inner) {}
};

/// Two calls of three fail, each in one of the ways in which an answer can get lost.
std::optional<Fault> often(const Call& call) {
  switch (call.number * 2'654'435'761 % 6) {
    case 0:
      return Fault::unreachable_before();
    case 1:
    case 2:
      return Fault::unreachable_after();
    case 3:
      return Fault::unreachable_after_visits(1);
    default:
      return std::nullopt;
  }
}

std::unique_ptr<Backend> retried(std::unique_ptr<Backend> inner) {
  log::set_level(log::Level::error);  // thousands of failures, all of them meant
  static testing::FakeSleeper sleeper;
  static testing::SeededRng rng(1);
  RetryOptions options;
  options.tries_max = 200;
  options.sleeper = &sleeper;
  options.rng = &rng;
  return with_retry(std::move(inner), options);
}

std::unique_ptr<Backend> flaky(std::unique_ptr<Backend> inner) {
  auto fault = std::make_unique<OwningFaultBackend>(std::move(inner));
  fault->on(often);
  return fault;
}

std::unique_ptr<Backend> memory() {
  return std::make_unique<MemoryBackend>();
}

const bool kRegistered[] = {
    register_backend_contract("memory", [](const auto&) { return memory(); }),
    register_backend_contract("local",
                              [](const auto& scratch) { return create_local(scratch / "a/b/"); }),
    register_backend_contract(
        "local_linked",
        [](const auto& scratch) { return create_local(scratch / "repo", {Placing::linked}); }),
    register_backend_contract(
        "local_renamed",
        [](const auto& scratch) { return create_local(scratch / "repo", {Placing::renamed}); }),
    register_backend_contract(
        "fault", [](const auto&) { return std::make_unique<OwningFaultBackend>(memory()); }),
    register_backend_contract("retry", [](const auto&) { return retried(memory()); }),
    register_backend_contract("retry_flaky_memory",
                              [](const auto&) { return retried(flaky(memory())); }),
    register_backend_contract(
        "retry_flaky_local",
        [](const auto& scratch) { return retried(flaky(create_local(scratch / "repo"))); }),
};

}  // namespace
}  // namespace salvor::backend
