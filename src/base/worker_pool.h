#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace salvor {

/// A fixed number of threads that run tasks. Urgent tasks (the rest of something begun) go before
/// ordinary ones. The first exception of a task is kept, and ends the work: later tasks are
/// dropped. Threads: every call any, but the destructor.   Lifetime: the destructor drops what has
/// not begun, and waits for what has.
class WorkerPool {
 public:
  using Task = std::function<void()>;

  /// `on_failure`, if any, is called once, when the pool fails, with no lock held: it wakes who
  /// waits for something other than drain().
  explicit WorkerPool(unsigned threads, std::function<void()> on_failure = {});
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void submit(Task task);

  /// False, without taking the task, when `most` urgent tasks are waiting already: do it yourself.
  bool submit_urgent(Task task, std::size_t most);

  /// Runs one waiting urgent task on the calling thread; false when there is none.
  bool help();

  /// Waits until nothing is waiting or running.   Errors: the first exception of a task.
  void drain();

  /// Throws the first exception of a task, if there was one.
  void rethrow();
  bool failed() const;

  /// Makes the pool fail with this, unless it has failed already.
  void fail(std::exception_ptr failure);

 private:
  void run(const std::stop_token& stop);
  void run_task(const Task& task);

  const std::function<void()> on_failure_;
  mutable std::mutex mutex_;  ///< guards all below but the threads
  std::condition_variable_any changed_;
  std::deque<Task> urgent_;
  std::deque<Task> ordinary_;
  std::size_t running_ = 0;
  std::exception_ptr failure_;
  std::vector<std::jthread> threads_;
};

}  // namespace salvor
