#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace salvor {

/// A fixed number of threads that run tasks. Urgent tasks (the rest of something that has begun) go
/// before ordinary ones. The first exception of a task is kept and ends the work: later tasks are
/// dropped, and drain() throws it. The order of calls: submit() any number of tasks, then drain();
/// and so on again.
///     WorkerPool pool(4);
///     for (auto& file : files) pool.submit([&file] { read(file); });
///     pool.drain();
/// Memory:   ordinary tasks wait in a queue without a bound: whoever submits many bounds them.
/// Threads:  every call but the destructor may be made by any thread. drain() must not be called by
///           a task: it would wait for itself.
/// Lifetime: the destructor drops the tasks that have not begun, and waits for those that have.
class WorkerPool {
 public:
  using Task = std::function<void()>;

  /// `on_failure`, if there is one, is called once, when the pool fails, with no lock held: it
  /// wakes those who wait for something other than drain().
  explicit WorkerPool(unsigned threads, std::function<void()> on_failure = {});
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Adds an ordinary task, which is dropped when the pool has failed.
  void submit(Task task);

  /// Adds an urgent task. False when `most` of them wait already, or when the pool has failed: then
  /// the task was not taken, and the caller does the work itself.
  bool submit_urgent(Task task, std::size_t most);

  /// Runs one waiting urgent task on the calling thread; false when there is none. For callers that
  /// would otherwise wait for the pool.
  bool help();

  /// Waits until no task waits or runs.
  /// Errors: the first exception of a task.
  void drain();

  /// Throws the first exception of a task, if there was one. Waits for nothing.
  void rethrow();
  /// Whether a task has thrown, or fail() was called.
  bool failed() const;

  /// Makes the pool fail with this exception, unless it has failed already.
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
