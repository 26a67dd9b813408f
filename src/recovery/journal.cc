#include "recovery/journal.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process_identity.h"

namespace salvor::recovery {
namespace {

using Json = nlohmann::ordered_json;

// In the order of the enumeration; docs/recovery.md has them.
constexpr std::array<std::string_view, 10> kEvents{"planned",   "began",   "done",   "failed",
                                                   "resumed",   "undoing", "undone", "ended",
                                                   "replanned", "lost"};

// A record must hold what commands print, and stay far below the repository's limit.
constexpr std::size_t kErrorBytesMax = 64U << 10U;
constexpr std::size_t kDeviationBytesMax = 4U << 10U;

void cut(std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return;
  const std::size_t all = text.size();
  text.resize(bytes_max);
  text += "… (" + std::to_string(all) + " bytes)";
}

[[noreturn]] void throw_unknown(const std::string& what, const std::string& name) {
  throw Error(ErrorCode::corruption, "the journal has an unknown " + what + ": " + printable(name),
              "use the version of salvor that began the run, or a newer one");
}

Event event_of(const std::string& name) {
  for (std::size_t i = 0; i < kEvents.size(); ++i) {
    if (kEvents[i] == name) return static_cast<Event>(i);
  }
  throw_unknown("event", name);
}

JournalEntry entry_of(const Json& object) {
  JournalEntry entry;
  entry.event = event_of(object.at("event"));
  entry.step = parse_step(object.value("step", ""));
  entry.time = Time{object.at("time_ns").get<std::int64_t>()};
  entry.host = object.at("host");
  entry.process = object.at("process");
  entry.seconds = object.value("seconds", 0.0);
  entry.data = object.value("data", "");
  entry.error = object.value("error", "");
  entry.deviations = object.value("deviations", entry.deviations);
  const bool is_end = entry.event == Event::ended;
  if (is_end && !catalog::parse_run_state(entry.data)) throw_unknown("end", entry.data);
  return entry;
}

/// Whether the last event about a step says that it stands; `undone` ends what came before.
bool stands(const std::vector<JournalEntry>& entries, const StepId& step, bool when_begun) {
  bool value = false;
  for (const JournalEntry& entry : entries) {
    if (entry.step != step) continue;
    if (entry.event == Event::done) value = true;
    if (entry.event == Event::began) value = when_begun;
    if (entry.event == Event::undone) value = false;
  }
  return value;
}

}  // namespace

std::string_view name_of(Event event) {
  return kEvents[static_cast<std::size_t>(event)];
}

std::string to_json(const JournalEntry& entry) {
  Json object{{"event", name_of(entry.event)},
              {"time_ns", entry.time.ns},
              {"time", format_time(entry.time)},
              {"host", entry.host},
              {"process", entry.process}};
  if (const std::string step = name_of(entry.step); !step.empty()) object["step"] = step;
  if (entry.event == Event::done || entry.event == Event::failed) object["seconds"] = entry.seconds;
  if (!entry.data.empty()) object["data"] = entry.data;
  if (!entry.error.empty()) object["error"] = entry.error;
  if (!entry.deviations.empty()) object["deviations"] = entry.deviations;
  // What a command printed need not be UTF-8.
  return write_json(object, -1, InvalidUtf8::replace);
}

JournalEntry parse_journal_entry(std::string_view text) {
  try {
    return entry_of(parse_json<Json>(text));
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corruption,
                std::string("a journal record can't be understood: ") + error.what(),
                "use the version of salvor that began the run, or a newer one");
  }
}

Journal::Journal(repo::Repository& repository, catalog::Catalog* catalog, const std::string& run,
                 KillPoint kill_point, Rotten rotten)
    : chain_(repository, repo::ChainKind::journal, run),
      catalog_(catalog),
      run_(run),
      kill_point_(std::move(kill_point)),
      repository_id_(repository.id().hex()) {
  const std::uint64_t count = chain_.last();
  for (std::uint64_t number = 1; number <= count; ++number) newest_ = add(number, rotten);
  // The end of the journal may be lost. But if another host has resumed the run, the catalog's
  // records continue an older end. keep() makes sure that the catalog has the record before.
  const auto seen = count > 0 ? kept(count) : std::nullopt;
  if (seen && *seen != newest_) return;
  add_kept(count + 1);
}

/// Records that only the catalog has: the repository could not be written to, or has lost them.
void Journal::add_kept(std::uint64_t number) {
  for (auto text = kept(number); text; text = kept(++number)) {
    entries_.push_back(parse_journal_entry(*text));
    newest_ = *text;
    waiting_.push_back(std::move(*text));
  }
  if (waiting_.empty() || is_known_unwritten()) return;
  log::warning("{} is missing; going by the copy in this machine's catalog",
               chain_.object_name(entries_.size()));
}

/// Whether the catalog notes that the repository could not be written to. Then nothing was lost.
bool Journal::is_known_unwritten() {
  if (catalog_ == nullptr) return false;
  try {
    return std::ranges::any_of(catalog_->unwritten_runs(repository_id_),
                               [this](const auto& run) { return run.run == run_; });
  } catch (const Error&) {
    return false;
  }
}

std::string Journal::add(std::uint64_t number, Rotten rotten) {
  try {
    std::string text = read(number);
    entries_.push_back(parse_journal_entry(text));
    return text;
  } catch (const Error& error) {
    if (rotten == Rotten::refuse || error.code() != ErrorCode::corruption) throw;
    JournalEntry& lost = entries_.emplace_back();
    lost.event = Event::lost;
    lost.error = error.message();
    return {};
  }
}

std::optional<std::string> Journal::kept(std::uint64_t number) {
  if (catalog_ == nullptr) return std::nullopt;
  try {
    auto text = catalog_->journal_record(run_, number);
    // The catalog is only memory: a record in it that can't be understood counts as absent.
    if (text) parse_journal_entry(*text);
    return text;
  } catch (const Error& error) {
    log::warning("what the catalog has of run {} can't be used: {}", run_, error.message());
    catalog_ = nullptr;
    return std::nullopt;
  }
}

std::string Journal::read(std::uint64_t number) {
  std::string damage;
  bool missing = false;
  try {
    const auto record = chain_.read(number);
    if (record && !record->empty()) return std::string(as_text(*record));
    missing = !record;
    damage = chain_.object_name(number) +
             (missing ? " is missing" : " was damaged, and a repair has set it aside");
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption) throw;
    damage = error.message();
  }
  auto kept = this->kept(number);
  if (!kept) {
    throw Error(ErrorCode::corruption, damage,
                "restore that object from a copy of the repository; or abandon the run: "
                "salvor restore --abandon " +
                    run_ + " --confirm SERVICE");
  }
  log::warning("{}; using the copy in this machine's catalog", damage);
  // A missing record can be put back. A damaged one is never written over.
  if (missing) gaps_[number] = *kept;
  return std::move(*kept);
}

Liveness Journal::liveness(const std::string& process) const {
  return catalog_ == nullptr ? liveness_of(process) : catalog_->liveness(run_, process);
}

void Journal::append(JournalEntry entry) {
  cut(entry.error, kErrorBytesMax);
  for (std::string& line : entry.deviations) cut(line, kDeviationBytesMax);
  entry.time = Clock::system().now();
  entry.host = host_name();
  entry.process = own_process_identity();
  const std::string text = to_json(entry);
  reach("journal:before");
  try {
    catch_up();
    put(text);
  } catch (const Error& error) {
    if (!error.unwritable() || unwritten_ == Unwritten::refuse) throw;
    keep(text, error);
  }
  entries_.push_back(std::move(entry));
  newest_ = text;
  reach("journal:after");
}

void Journal::allow_unwritten(Unwritten what, const std::string& service) {
  unwritten_ = what;
  service_ = service;
}

void Journal::catch_up() {
  for (auto gap = gaps_.begin(); gap != gaps_.end(); gap = gaps_.erase(gap)) {
    if (!chain_.append(gap->first, as_bytes(gap->second))) throw_resumed_elsewhere();
  }
  while (!waiting_.empty()) {
    const std::uint64_t number = entries_.size() - waiting_.size() + 1;
    if (!chain_.append(number, as_bytes(waiting_.front()))) throw_resumed_elsewhere();
    waiting_.erase(waiting_.begin());
  }
}

void Journal::put(const std::string& text) {
  if (!chain_.append(entries_.size() + 1, as_bytes(text))) throw_resumed_elsewhere();
  copy_to_catalog(text);
}

void Journal::copy_to_catalog(const std::string& text) {
  if (catalog_ == nullptr) return;
  try {
    catalog_->append_journal(run_, entries_.size() + 1, text);
  } catch (const Error& error) {
    log::warning("the catalog can't be used, so the journal is in the repository only: {}",
                 error.message());
    catalog_ = nullptr;
  }
}

/// The only copy of a record. Without one nobody could resume or undo the run.
void Journal::keep(const std::string& text, const Error& why) {
  const bool kept = keep_in_catalog(text, why);
  if (!kept && unwritten_ != Unwritten::forgo) {
    throw Error(why.code(),
                why.message() + ", and this machine has no catalog that could keep the journal",
                "make the repository or state_dir writable: without a journal nobody could "
                "resume or undo the run")
        .as_unwritable();
  }
  waiting_.push_back(text);
  if (told_ || unwritten_ == Unwritten::forgo) return;
  told_ = true;
  log::warning(
      "{}; the journal of run {} stays in this machine's catalog until it can, and other hosts "
      "can't be kept out of service {}",
      why.message(), run_, printable(service_));
}

bool Journal::keep_in_catalog(const std::string& text, const Error& why) {
  if (catalog_ == nullptr) return false;
  try {
    const std::uint64_t number = entries_.size() + 1;
    catalog_->note_unwritten(repository_id_, {run_, service_});
    // Write the record before again. The catalog may be new, or the process may have been killed
    // before it copied that record: then what follows would continue something else.
    if (number > 1) catalog_->append_journal(run_, number - 1, newest_);
    catalog_->append_journal(run_, number, text);
    // Another host that has overtaken this run may have used the number.
    if (catalog_->journal_record(run_, number) == text) return true;
    log::warning("the catalog has another record {} of run {}", number, run_);
  } catch (const Error& error) {
    log::warning("the catalog can't be used either ({}): {}", error.message(), why.message());
  }
  return false;
}

void Journal::throw_resumed_elsewhere() {
  lost_ = true;
  throw Error(ErrorCode::conflict,
              "another process has resumed or undone run " + run_ + " meanwhile",
              "`salvor runs show " + run_ + "` says which");
}

bool Journal::began(const StepId& step) const {
  return stands(entries_, step, true);
}

bool Journal::done(const StepId& step) const {
  return stands(entries_, step, false);
}

std::string Journal::data(const StepId& step) const {
  const auto found = std::find_if(
      entries_.rbegin(), entries_.rend(),
      [&](const JournalEntry& entry) { return entry.step == step && entry.event == Event::done; });
  return found == entries_.rend() ? "" : found->data;
}

std::string Journal::data_before(const StepId& step) const {
  const JournalEntry* const found = first_beginning(step);
  return found == nullptr ? "" : found->data;
}

const JournalEntry* Journal::first_beginning(const StepId& step) const {
  const auto found = std::ranges::find_if(entries_, [&](const JournalEntry& entry) {
    return entry.step == step && entry.event == Event::began;
  });
  return found == entries_.end() ? nullptr : &*found;
}

std::string Journal::rot() const {
  const auto found = std::ranges::find(entries_, Event::lost, &JournalEntry::event);
  return found == entries_.end() ? "" : found->error;
}

bool Journal::has(Event event) const {
  return std::ranges::find(entries_, event, &JournalEntry::event) != entries_.end();
}

std::optional<RunState> Journal::state() const {
  std::optional<RunState> state;
  for (const JournalEntry& entry : entries_) {
    if (entry.event == Event::ended) state = catalog::parse_run_state(entry.data);
    const bool is_open_again = entry.event == Event::resumed || entry.event == Event::undoing;
    // The lost record may have opened the run again.
    if (is_open_again || entry.event == Event::lost) state.reset();
  }
  return state;
}

void Journal::reach(std::string_view place) const {
  if (kill_point_) kill_point_(place);
}

}  // namespace salvor::recovery
