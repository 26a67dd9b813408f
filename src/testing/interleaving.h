#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "backend/fault.h"

namespace salvor::testing {

/// What may happen to a call, besides that it is made. `late`: a put gets no answer, and takes
/// effect at any later time, or never.
enum class Turn { make, die_before, die_after, lose_answer, late };

struct InterleavingOptions {
  int writers = 2;
  int faults_max = 0;  ///< in one schedule
  /// How often a writer that could go on has to wait for another, in one schedule.
  int switches_max = 1000;
  /// The calls that take turns; the others are made at once. All, when empty.
  std::function<bool(const backend::Call&)> takes_turn = {};
  /// Which faults a call may meet; all but `late`, when empty. A simulation leaves out those that
  /// make no difference to the code that it runs.
  std::function<std::vector<Turn>(const backend::Call&)> faults = {};
  /// What the medium, or somebody else, may do now, by itself: each is one of the faults. Asked
  /// before every call.
  std::function<std::vector<std::function<void()>>()> events = {};
};

/// Runs writers on one medium, in threads of which only one goes on at a time, in every order of
/// their calls (and with every fault, up to faults_max), each time from the start.
/// Threads: one.   Lifetime: one exploration.
class Interleaving {
 public:
  /// Run by the thread of a writer. Killed ends it; so does Error.
  using Writer = std::function<void(int number, backend::Backend& backend)>;

  explicit Interleaving(InterleavingOptions options) : options_(std::move(options)) {}

  /// Runs the next schedule on `medium`, which is as it was before the first one. False, and
  /// nothing was run, when there are no more.
  bool run_next(backend::Backend& medium, const Writer& writer);

  std::uint64_t schedules() const { return schedules_; }

  /// Of the last schedule: for messages; whether a writer met a fault.
  std::string describe() const;
  bool met_fault(int writer) const { return writers_[static_cast<std::size_t>(writer)].faulted; }

 private:
  class Port;
  enum class State { running, waiting, over };
  struct Participant {
    State state = State::running;
    backend::Call call;
    bool granted = false;
    Turn turn = Turn::make;
    bool faulted = false;
  };
  enum class Actor { writer, late_put, event, nobody };
  struct Step {
    Actor actor;
    int number;  ///< of the writer, of the late put, or of the event
    Turn turn;
  };
  struct LatePut {
    std::string name;
    Bytes bytes;
  };
  struct Decision {
    std::size_t taken;
    std::size_t of;
  };

  void direct(backend::Backend& medium);
  std::vector<Step> possible_steps() const;
  std::vector<Step> possible_steps_of_medium() const;
  void take(const Step& step, backend::Backend& medium);
  void keep_for_later(const std::string& name, ByteView bytes);
  Turn wait_for_turn(std::size_t writer, const backend::Call& call);
  void leave(std::size_t writer);
  bool backtrack();

  InterleavingOptions options_;
  std::uint64_t schedules_ = 0;
  std::vector<Decision> path_;

  std::mutex mutex_;  ///< guards all below while writers run
  std::condition_variable changed_;
  std::vector<Participant> writers_;
  std::vector<Step> steps_;
  std::vector<LatePut> late_;
  std::vector<std::function<void()>> events_;
  int last_writer_ = -1;
  int faults_ = 0;
  int switches_ = 0;
};

}  // namespace salvor::testing
