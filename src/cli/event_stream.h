#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"
#include "control/events.h"

namespace salvor::cli {

/// Writes the events of a run to a descriptor that the process was started with, one JSON object a
/// line (docs/events.md), each line by one write. Nobody waits for its reader while a run is at
/// work:
///  - progress is dropped while the reader is behind;
///  - other events wait here, at most kWaitingMax of them, until the next one is written;
///  - a reader that has gone, or a disk that is full, ends the events, and not the run.
/// It knows which run is under way from the events, and names it in each line. Progress without a
/// run is dropped.
/// Threads: any: lines come in the order of the calls.   Lifetime: the descriptor stays open.
class EventStream {
 public:
  /// Takes the descriptor for this process alone: commands that it runs do not inherit it.
  /// Errors: usage: it is not open for writing, or is one of the three that have a meaning already.
  explicit EventStream(std::size_t descriptor);

  /// Errors: none: what keeps events from being written is warned of once, but for a reader that
  ///         has gone.
  void write(const control::Event& event);

  /// The command ends with that exit status: where no run has told its end, that is told now. Then
  /// waits for a slow reader, at most kPatience_ms.
  void end(int status, const std::optional<Error>& error);

  /// Another process goes on with it: this one writes nothing more.
  void leave();

  static constexpr std::size_t kWaitingMax = 1000;
  static constexpr int kPatience_ms = 5000;

 private:
  bool follow(const control::Event& event);
  void add(control::Event event);
  bool is_ready(int wait_ms) const;
  std::ptrdiff_t send(std::string_view bytes) const;
  void flush();
  void wait_for_reader();

  const int fd_;
  bool is_socket_ = false;
  /// Guards all below.
  std::mutex mutex_;
  /// The run under way; empty: none.
  std::string run_;
  bool any_ended_ = false;
  /// Nothing more is written.
  bool is_over_ = false;
  /// Why not (errno); 0: there is nothing to warn of.
  int problem_ = 0;
  /// Lines, of which the first may be what is left of one.
  std::deque<std::string> waiting_;
  std::uint64_t dropped_ = 0;
};

}  // namespace salvor::cli
