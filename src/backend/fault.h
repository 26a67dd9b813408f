#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "backend/backend.h"

/// A backend whose calls fail where a test wants them to. For instance, a process that dies after
/// each of its calls in turn:
///     FaultBackend faults(memory);
///     faults.at(n, Fault::kill_after());          // n = 1, 2, 3, … until nothing dies
///     EXPECT_THROW(back_up(faults), Killed);
///     check_what_is_left(memory);
namespace salvor::backend {

/// Which method of Backend was called.
enum class Operation { put, get, get_range, size, list, remove };

/// One call on a FaultBackend. A value.
struct Call {
  Operation operation = Operation::put;
  std::string name;          ///< of the object, or the prefix
  std::uint64_t number = 0;  ///< the first call is 1
};

/// Stands for the end of the process. It is no Error, so that no code takes it for a failure that
/// it can handle.
class Killed : public std::exception {
 public:
  const char* what() const noexcept override { return "killed by a fault backend"; }
};

/// What is to go wrong with a call. A value.
class Fault {
 public:
  using Action = std::function<void()>;

  /// The medium does not answer, and the call was not made.
  static Fault unreachable_before() { return Fault(Kind::unreachable, When::before); }
  /// The call was made, but its answer is lost.
  static Fault unreachable_after() { return Fault(Kind::unreachable, When::after); }
  /// A list breaks off after so many objects; another call is not made.
  static Fault unreachable_after_visits(std::uint64_t visits);
  /// The medium is full, and the call was not made.
  static Fault no_space() { return Fault(Kind::no_space, When::before); }
  /// The medium is read-only, and the call was not made.
  static Fault read_only() { return Fault(Kind::read_only, When::before); }
  /// The process ends before the call, or right after it. `action` is called first (_exit(137),
  /// say); when it returns, the call throws Killed. In either case each later call throws Killed.
  static Fault kill_before(Action action = {});
  static Fault kill_after(Action action = {});

 private:
  friend class FaultBackend;
  enum class Kind { unreachable, no_space, read_only, kill };
  enum class When { before, while_listing, after };

  Fault(Kind kind, When when) : kind_(kind), when_(when) {}

  Kind kind_;
  When when_;
  std::uint64_t visits_ = 0;
  Action action_;
};

/// Passes calls to another backend, counts them, and makes those fail that the test has chosen.
/// Threads:  any; faults may be set while calls run. Choosers are called by the thread that makes
///           the call, so several may run at once.
/// Lifetime: shorter than that of `inner`.
class FaultBackend : public Backend {
 public:
  using Chooser = std::function<std::optional<Fault>(const Call&)>;

  explicit FaultBackend(Backend& inner) : inner_(inner) {}

  /// Call `number` meets `fault`, whatever the chooser says.
  void at(std::uint64_t number, Fault fault);

  /// Each call that has no fault by its number asks `chooser`. The last chooser that was set
  /// counts.
  void on(Chooser chooser);

  /// With true it behaves as a medium without a conditional put: every put replaces the object, and
  /// says `created`.
  void ignore_condition(bool ignore) { ignores_condition_ = ignore; }

  /// How many calls there have been; failed ones count.
  std::uint64_t calls() const { return calls_; }

  /// Whether a kill has happened.
  bool dead() const { return dead_; }

  std::string location() const override { return inner_.location(); }
  PutResult put_if_absent(const std::string& name, ByteView bytes) override;
  Bytes get(const std::string& name, std::uint64_t bytes_max) override;
  std::size_t get_range(const std::string& name, std::uint64_t offset,
                        MutableByteView out) override;
  std::optional<std::uint64_t> size(const std::string& name) override;
  void list(const std::string& prefix, const std::string& after, const Visit& visit) override;
  void remove(const std::string& name) override;
  std::optional<std::uint64_t> free_bytes() override;

 private:
  template <class Do>
  auto run(const Call& call, const std::optional<Fault>& fault, Do&& make_call);
  Call begin(Operation operation, const std::string& name);
  std::optional<Fault> choose(const Call& call);
  void strike(const std::optional<Fault>& fault, Fault::When when, const Call& call);
  void throw_if_dead() const;
  PutResult replace(const std::string& name, ByteView bytes);

  Backend& inner_;
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<bool> dead_{false};
  std::atomic<bool> ignores_condition_{false};
  std::mutex mutex_;
  std::map<std::uint64_t, Fault> by_number_;  ///< guarded by mutex_
  /// Guarded by mutex_; shared, because calls may be in it when another one is set.
  std::shared_ptr<const Chooser> chooser_;
};

}  // namespace salvor::backend
