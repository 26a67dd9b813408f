#include "base/worker_pool.h"

namespace salvor {

WorkerPool::WorkerPool(unsigned threads, std::function<void()> on_failure)
    : on_failure_(std::move(on_failure)) {
  for (unsigned i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
}

WorkerPool::~WorkerPool() {
  for (std::jthread& thread : threads_) thread.request_stop();
  changed_.notify_all();
}

void WorkerPool::submit(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return;
    ordinary_.push_back(std::move(task));
  }
  changed_.notify_one();
}

bool WorkerPool::submit_urgent(Task task, std::size_t most) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_ || urgent_.size() >= most) return false;
    urgent_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

bool WorkerPool::help() {
  Task task;
  {
    const std::lock_guard lock(mutex_);
    if (urgent_.empty()) return false;
    task = std::move(urgent_.front());
    urgent_.pop_front();
    ++running_;
  }
  run_task(task);
  return true;
}

void WorkerPool::run_task(const Task& task) {
  std::exception_ptr failure;
  try {
    task();
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) fail(std::move(failure));
  {
    const std::lock_guard lock(mutex_);
    --running_;
    if (failure_) {
      urgent_.clear();
      ordinary_.clear();
    }
  }
  changed_.notify_all();
}

void WorkerPool::run(const std::stop_token& stop) {
  for (;;) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !urgent_.empty() || !ordinary_.empty(); })) {
        return;
      }
      if (stop.stop_requested()) return;
      std::deque<Task>& from = urgent_.empty() ? ordinary_ : urgent_;
      task = std::move(from.front());
      from.pop_front();
      ++running_;
    }
    run_task(task);
  }
}

void WorkerPool::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(
      lock, [&] { return running_ == 0 && (failure_ || (urgent_.empty() && ordinary_.empty())); });
  if (failure_) std::rethrow_exception(failure_);
}

void WorkerPool::rethrow() {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

bool WorkerPool::failed() const {
  const std::lock_guard lock(mutex_);
  return failure_ != nullptr;
}

void WorkerPool::fail(std::exception_ptr failure) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return;
    failure_ = std::move(failure);
  }
  if (on_failure_) on_failure_();
}

}  // namespace salvor
