#include "control/events.h"

#include "control/internal/report_values.h"

namespace salvor::control {
namespace {

using EventJson = internal::ReportJson;

constexpr std::size_t kStoresMax = 30;

/// As much of a text as its line has room for.
std::string cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  return std::string(text.substr(0, bytes_max)) + " …";
}

/// The same; null where there is nothing to say.
EventJson cut_or_null(std::string_view text, std::size_t bytes_max) {
  return text.empty() ? EventJson(nullptr) : EventJson(cut(text, bytes_max));
}

void add(EventJson& line, const RunBegan& event, std::size_t bytes_max) {
  line["verb"] = event.verb;
  line["service"] = cut_or_null(event.service, bytes_max);
  line["stores"] = EventJson::array();
  for (const std::string& store : event.stores) {
    if (line["stores"].size() < kStoresMax) line["stores"].push_back(cut(store, bytes_max));
  }
}

void add(EventJson& line, const StepTold& event, std::size_t bytes_max) {
  line["name"] = cut(event.name, bytes_max);
  line["number"] = event.number;
  line["count"] = event.count;
  line["state"] = event.state;
  line["seconds"] = event.state == "began" ? EventJson(nullptr) : EventJson(event.seconds);
  line["error"] = cut_or_null(event.error, bytes_max);
}

EventJson known_or_null(std::uint64_t expected) {
  return expected == 0 ? EventJson(nullptr) : EventJson(expected);
}

void add(EventJson& line, const PhaseProgress& event, std::size_t bytes_max) {
  line["phase"] = cut(event.phase, bytes_max);
  line["bytes"] = event.bytes;
  line["bytes_expected"] = known_or_null(event.bytes_expected);
  line["entries"] = event.entries;
  line["entries_expected"] = known_or_null(event.entries_expected);
}

void add(EventJson& line, const Note& event, std::size_t bytes_max) {
  line["text"] = cut(event.text, bytes_max);
}

void add(EventJson& line, const Warning& event, std::size_t bytes_max) {
  line["what"] = cut(event.what, bytes_max);
  line["where"] = cut_or_null(event.where, bytes_max);
  line["hint"] = cut_or_null(event.hint, bytes_max);
}

void add(EventJson& line, const RunEnded& event, std::size_t bytes_max) {
  line["outcome"] = cut_or_null(event.outcome, bytes_max);
  line["exit"] = event.exit;
  line["error"] = nullptr;
  if (const auto& error = event.error) {
    line["error"] = internal::json_of_error(
        {error->code(), cut(error->message(), bytes_max), cut(error->hint(), bytes_max)});
  }
  line["dropped"] = event.dropped;
}

const char* kind_of(const Event& event) {
  constexpr const char* kKinds[] = {"began", "step", "progress", "note", "warning", "ended"};
  static_assert(std::size(kKinds) == std::variant_size_v<Event>);
  return kKinds[event.index()];
}

}  // namespace

std::string to_json(const Event& event, const std::string& run, Time time) {
  std::string text;
  // A byte becomes six at most, and an event has three texts at most that may be long.
  for (const std::size_t bytes_max : {1000U, 300U, 60U}) {
    EventJson line{{"event", kind_of(event)},
                   {"time", format_time(time)},
                   {"run", cut_or_null(run, bytes_max)}};
    std::visit([&](const auto& each) { add(line, each, bytes_max); }, event);
    text = internal::text_of(line, -1);
    if (text.size() <= kEventBytesMax) break;
  }
  return text;
}

}  // namespace salvor::control
