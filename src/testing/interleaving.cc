#include "testing/interleaving.h"

#include <algorithm>
#include <thread>

namespace salvor::testing {

using backend::Call;
using backend::Operation;

/// The medium as one writer sees it.
class Interleaving::Port : public backend::Backend {
 private:
  template <class Do>
  auto make(const Call& call, const Do& make_call) {
    const Turn turn = interleaving_.wait_for_turn(writer_, call);
    if (turn == Turn::die_before) throw backend::Killed();
    auto result = make_call();
    if (turn == Turn::die_after) throw backend::Killed();
    if (turn == Turn::lose_answer) {
      throw Error(ErrorCode::unreachable, "no answer for " + call.name).as_retryable();
    }
    return result;
  }

 public:
  Port(Interleaving& interleaving, std::size_t writer, Backend& medium)
      : interleaving_(interleaving), writer_(writer), medium_(medium) {}

  std::string location() const override { return medium_.location(); }
  backend::PutResult put_if_absent(const std::string& name, ByteView bytes) override {
    return make({Operation::put, name, 0}, [&] { return medium_.put_if_absent(name, bytes); });
  }
  Bytes get(const std::string& name, std::uint64_t bytes_max) override {
    return make({Operation::get, name, 0}, [&] { return medium_.get(name, bytes_max); });
  }
  std::size_t get_range(const std::string& name, std::uint64_t offset,
                        MutableByteView out) override {
    return make({Operation::get_range, name, 0},
                [&] { return medium_.get_range(name, offset, out); });
  }
  std::optional<std::uint64_t> size(const std::string& name) override {
    return make({Operation::size, name, 0}, [&] { return medium_.size(name); });
  }
  void list(const std::string& prefix, const std::string& after, const Visit& visit) override {
    make({Operation::list, prefix, 0}, [&] {
      medium_.list(prefix, after, visit);
      return 0;
    });
  }
  void remove(const std::string& name) override {
    make({Operation::remove, name, 0}, [&] {
      medium_.remove(name);
      return 0;
    });
  }

 private:
  Interleaving& interleaving_;
  const std::size_t writer_;
  Backend& medium_;
};

Turn Interleaving::wait_for_turn(std::size_t writer, const Call& call) {
  std::unique_lock lock(mutex_);
  Participant& self = writers_[writer];
  if (self.turn == Turn::die_before || self.turn == Turn::die_after) return Turn::die_before;
  if (options_.takes_turn && !options_.takes_turn(call)) return Turn::make;
  self.call = call;
  self.state = State::waiting;
  changed_.notify_all();
  changed_.wait(lock, [&] { return self.granted; });
  self.granted = false;
  self.state = State::running;
  return self.turn;
}

void Interleaving::leave(std::size_t writer) {
  const std::lock_guard lock(mutex_);
  writers_[writer].state = State::over;
  changed_.notify_all();
}

/// Who went on last comes first: the first schedule of all has no switch that could be spared.
std::vector<Interleaving::Step> Interleaving::possible_steps() const {
  std::vector<int> order;
  const int last = steps_.empty() ? 0 : steps_.back().writer;
  for (int i = 0; i < options_.writers; ++i) {
    const int writer = (last + i) % options_.writers;
    if (writers_[static_cast<std::size_t>(writer)].state == State::waiting) order.push_back(writer);
  }
  const bool last_waits = !order.empty() && order.front() == last && !steps_.empty();
  if (last_waits && switches_ >= options_.switches_max) order.resize(1);
  std::vector<Step> steps;
  for (const int writer : order) {
    steps.push_back({writer, Turn::make});
    if (faults_ >= options_.faults_max) continue;
    steps.push_back({writer, Turn::die_before});
    steps.push_back({writer, Turn::die_after});
    steps.push_back({writer, Turn::lose_answer});
  }
  return steps;
}

/// Lets one writer after the other make a call, until all are over.
void Interleaving::direct() {
  std::unique_lock lock(mutex_);
  for (std::size_t number = 0;; ++number) {
    changed_.wait(lock, [&] {
      return std::none_of(writers_.begin(), writers_.end(),
                          [](const Participant& p) { return p.state == State::running; });
    });
    const std::vector<Step> steps = possible_steps();
    if (steps.empty()) return;
    if (number == path_.size()) path_.push_back({0, steps.size()});
    SALVOR_ASSERT(path_[number].of == steps.size());
    const Step step = steps[path_[number].taken];
    if (!steps_.empty() && step.writer != steps_.back().writer) {
      const auto& before = writers_[static_cast<std::size_t>(steps_.back().writer)];
      if (before.state == State::waiting) ++switches_;
    }
    steps_.push_back(step);
    Participant& writer = writers_[static_cast<std::size_t>(step.writer)];
    if (step.turn != Turn::make) {
      ++faults_;
      writer.faulted = true;
    }
    writer.turn = step.turn;
    writer.granted = true;
    writer.state = State::running;
    changed_.notify_all();
  }
}

bool Interleaving::backtrack() {
  while (!path_.empty() && path_.back().taken + 1 == path_.back().of) path_.pop_back();
  if (path_.empty()) return false;
  ++path_.back().taken;
  return true;
}

bool Interleaving::run_next(backend::Backend& medium, const Writer& writer) {
  if (schedules_ != 0 && !backtrack()) return false;
  ++schedules_;
  writers_.assign(static_cast<std::size_t>(options_.writers), {});
  steps_.clear();
  faults_ = 0;
  switches_ = 0;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < writers_.size(); ++i) {
    threads.emplace_back([&, i] {
      Port port(*this, i, medium);
      try {
        writer(static_cast<int>(i), port);
      } catch (const std::exception&) {
        // How it ended, the writer knows better.
      }
      leave(i);
    });
  }
  direct();
  return true;
}

std::string Interleaving::describe() const {
  constexpr const char* kTurns[] = {"", " dies before", " dies after", " loses the answer of"};
  std::string text = "schedule " + std::to_string(schedules_) + ":";
  for (const Step& step : steps_) {
    text += ' ';
    text += static_cast<char>('A' + step.writer);
    text += kTurns[static_cast<int>(step.turn)];
  }
  return text;
}

}  // namespace salvor::testing
