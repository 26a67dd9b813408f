#include "recovery/claim.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process_identity.h"
#include "base/written_time.h"

namespace salvor::recovery {
namespace {

using Json = nlohmann::ordered_json;

ClaimRecord record_of(ByteView bytes) {
  try {
    const Json json = parse_json<Json>(as_text(bytes));
    ClaimRecord record;
    record.begins = json.at("event") == "begin";
    record.run = json.at("run");
    record.host = json.at("host");
    record.process = json.at("process");
    record.time = Time{json.at("time_ns").get<std::int64_t>()};
    if (json.contains("since_ns")) record.since = Time{json["since_ns"].get<std::int64_t>()};
    return record;
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corruption,
                std::string("a claim record can't be understood: ") + error.what(),
                "use a newer version of salvor");
  }
}

[[noreturn]] void throw_taken(const std::string& service, const ClaimRecord& last) {
  throw Error(
      ErrorCode::conflict,
      fmt::format("service {} is being restored by run {}, begun on {} at {}", printable(service),
                  last.run, printable(last.host), local_time(last.time)),
      ways_on_with(last.run, service,
                   last.host == host_name() && liveness_of(last.process) == Liveness::alive));
}

}  // namespace

std::string ways_on_with(const std::string& run, const std::string& service, bool is_running) {
  if (is_running) {
    return fmt::format(
        "its process is at work: wait until it ends; follow it: salvor runs show "
        "--follow {}",
        run);
  }
  return fmt::format(
      "resume it: salvor restore --resume {0}; or undo it: salvor restore --undo {0} --confirm "
      "{1}; where neither can be done, abandon it: salvor restore --abandon {0} --confirm {1}",
      run, printable(service));
}

Claim::Claim(repo::Repository& repository, const std::string& service)
    : chain_(repository, repo::ChainKind::claim, service), service_(service) {}

Claim::Numbered Claim::read(std::uint64_t number) {
  Numbered read{number};
  try {
    const auto bytes = chain_.read(number);
    if (bytes && !bytes->empty()) {
      read.record = record_of(*bytes);
    } else {
      read.rot = chain_.object_name(number) +
                 (bytes ? " was damaged, and a repair has set it aside" : " is missing");
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption) throw;
    read.rot = error.message();
  }
  return read;
}

Claim::Numbered Claim::newest() {
  const std::uint64_t number = chain_.last();
  return number == 0 ? Numbered{} : read(number);
}

std::optional<ClaimRecord> Claim::last() {
  for (std::uint64_t number = chain_.last(); number > 0; --number) {
    if (auto record = read(number).record) return record;
  }
  return std::nullopt;
}

std::string Claim::rot() {
  return newest().rot;
}

std::vector<ClaimRecord> Claim::history() {
  std::vector<ClaimRecord> records;
  const std::uint64_t count = chain_.last();
  for (std::uint64_t number = 1; number <= count; ++number) {
    if (auto record = read(number).record) records.push_back(std::move(*record));
  }
  return records;
}

void Claim::append(std::uint64_t number, bool begins, const std::string& run,
                   std::optional<Time> since) {
  Json json{{"event", begins ? "begin" : "end"},
            {"run", run},
            {"host", host_name()},
            {"process", own_process_identity()},
            {"time_ns", Clock::system().now().ns}};
  if (since) json["since_ns"] = since->ns;
  const std::string text = write_json(json, -1, InvalidUtf8::replace);
  if (chain_.append(number, as_bytes(text))) return;
  // Somebody else was faster, and what they wrote counts.
  const auto winner = newest().record;
  if (winner && winner->begins && winner->run != run) throw_taken(service_, *winner);
  throw Error(ErrorCode::conflict, "another process restores service " + printable(service_),
              "try again")
      .as_retryable();
}

Claim::Numbered Claim::free_for(const std::string& run, const IsOver& is_over) {
  Numbered newest = this->newest();
  if (!newest.rot.empty()) {
    log::warning("the record of the last restore of service {} can't be read, and is ignored: {}",
                 printable(service_), newest.rot);
  }
  const bool others = newest.record && newest.record->begins && newest.record->run != run;
  // Its journal is read after its claim, never before.
  if (others && !is_over(*newest.record)) throw_taken(service_, *newest.record);
  return newest;
}

void Claim::begin(const std::string& run, const IsOver& is_over, std::optional<Time> since) {
  // Takes the next number after what was looked at. A run that came in between has it already.
  append(free_for(run, is_over).number + 1, true, run, since);
}

void Claim::require_free_for(const std::string& run, const IsOver& is_over) {
  free_for(run, is_over);
}

void Claim::end(const std::string& run) {
  const Numbered newest = this->newest();
  if (!newest.record || !newest.record->begins || newest.record->run != run) return;
  append(newest.number + 1, false, run, {});
}

}  // namespace salvor::recovery
