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
  auto make(const Call& call, const Do& make_call, const std::function<void()>& delay = {}) {
    const Turn turn = interleaving_.wait_for_turn(writer_, call);
    if (turn == Turn::die_before) throw backend::Killed();
    if (turn == Turn::late) {
      delay();
      throw_no_answer(call);
    }
    auto result = make_call();
    if (turn == Turn::die_after) throw backend::Killed();
    if (turn == Turn::lose_answer) throw_no_answer(call);
    return result;
  }

  [[noreturn]] static void throw_no_answer(const Call& call) {
    throw Error(ErrorCode::unreachable, "no answer for " + call.name).as_retryable();
  }

 public:
  Port(Interleaving& interleaving, std::size_t writer, Backend& medium)
      : interleaving_(interleaving), writer_(writer), medium_(medium) {}

  std::string location() const override { return medium_.location(); }
  backend::PutResult put_if_absent(const std::string& name, ByteView bytes) override {
    return make(
        {Operation::put, name, 0}, [&] { return medium_.put_if_absent(name, bytes); },
        [&] { interleaving_.keep_for_later(name, bytes); });
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

void Interleaving::keep_for_later(const std::string& name, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  late_.push_back({name, to_bytes(bytes)});
}

/// Who went on last comes first: the first schedule of all has no switch that could be spared.
std::vector<Interleaving::Step> Interleaving::possible_steps() const {
  std::vector<int> order;
  const int last = std::max(last_writer_, 0);
  for (int i = 0; i < options_.writers; ++i) {
    const int writer = (last + i) % options_.writers;
    if (writers_[static_cast<std::size_t>(writer)].state == State::waiting) order.push_back(writer);
  }
  const bool last_waits = !order.empty() && order.front() == last_writer_;
  if (last_waits && switches_ >= options_.switches_max) order.resize(1);
  std::vector<Step> steps;
  for (const int writer : order) {
    steps.push_back({Actor::writer, writer, Turn::make});
    if (faults_ >= options_.faults_max) continue;
    const backend::Call& call = writers_[static_cast<std::size_t>(writer)].call;
    const std::vector<Turn> faults =
        options_.faults ? options_.faults(call)
                        : std::vector{Turn::die_before, Turn::die_after, Turn::lose_answer};
    for (const Turn turn : faults) steps.push_back({Actor::writer, writer, turn});
  }
  const std::vector<Step> medium = possible_steps_of_medium();
  // When all are over, what is still under way may never arrive.
  if (steps.empty() && !medium.empty()) steps.push_back({Actor::nobody, 0, Turn::make});
  steps.insert(steps.end(), medium.begin(), medium.end());
  return steps;
}

std::vector<Interleaving::Step> Interleaving::possible_steps_of_medium() const {
  std::vector<Step> steps;
  for (std::size_t i = 0; i < late_.size(); ++i) {
    steps.push_back({Actor::late_put, static_cast<int>(i), Turn::make});
  }
  if (faults_ >= options_.faults_max) return steps;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    steps.push_back({Actor::event, static_cast<int>(i), Turn::make});
  }
  return steps;
}

void Interleaving::take(const Step& step, backend::Backend& medium) {
  const auto number = static_cast<std::size_t>(step.number);
  if (step.actor == Actor::late_put) {
    const LatePut put = std::move(late_[number]);
    late_.erase(late_.begin() + step.number);
    medium.put_if_absent(put.name, put.bytes);
    return;
  }
  if (step.actor == Actor::event) {
    ++faults_;
    events_[number]();
    return;
  }
  if (last_writer_ >= 0 && step.number != last_writer_) {
    const auto& before = writers_[static_cast<std::size_t>(last_writer_)];
    if (before.state == State::waiting) ++switches_;
  }
  last_writer_ = step.number;
  Participant& writer = writers_[number];
  if (step.turn != Turn::make) {
    ++faults_;
    writer.faulted = true;
  }
  writer.turn = step.turn;
  writer.granted = true;
  writer.state = State::running;
  changed_.notify_all();
}

/// Lets one writer after the other make a call, until all are over.
void Interleaving::direct(backend::Backend& medium) {
  std::unique_lock lock(mutex_);
  for (std::size_t number = 0;; ++number) {
    changed_.wait(lock, [&] {
      return std::none_of(writers_.begin(), writers_.end(),
                          [](const Participant& p) { return p.state == State::running; });
    });
    if (options_.events) events_ = options_.events();
    const std::vector<Step> steps = possible_steps();
    if (steps.empty()) return;
    if (number == path_.size()) path_.push_back({0, steps.size()});
    SALVOR_ASSERT(path_[number].of == steps.size());
    const Step step = steps[path_[number].taken];
    if (step.actor == Actor::nobody) return;
    steps_.push_back(step);
    take(step, medium);
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
  late_.clear();
  last_writer_ = -1;
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
  direct(medium);
  return true;
}

std::string Interleaving::describe() const {
  constexpr const char* kTurns[] = {"", " dies before", " dies after", " loses the answer of",
                                    " is late with"};
  std::string text = "schedule " + std::to_string(schedules_) + ":";
  for (const Step& step : steps_) {
    text += ' ';
    if (step.actor == Actor::late_put) {
      text += "[late put " + std::to_string(step.number) + "]";
    } else if (step.actor == Actor::event) {
      text += "[event " + std::to_string(step.number) + "]";
    } else {
      text += static_cast<char>('A' + step.number);
      text += kTurns[static_cast<int>(step.turn)];
    }
  }
  return text;
}

}  // namespace salvor::testing
