#include <map>

#include "base/error.h"
#include "repo/internal/core.h"
#include "repo/internal/mend_records.h"
#include "repo/internal/object.h"
#include "repo/internal/record_name.h"

/// Records that can't be read any more are put aside, so that they keep nobody out.
namespace salvor::repo {
namespace {

/// "journal/<chain>/<n>" as one name: damaged/journal-<chain>-<n>.
std::string name_aside(std::string name) {
  for (char& c : name) {
    if (c == '/') c = '-';
  }
  return "damaged/" + name;
}

bool is_sound(Repository::Core& core, ObjectType type, const std::string& name, Bytes& stored) {
  try {
    stored = core.backend.get(name, kObjectBytesMax);
    open_record(core.keys, type, name, stored);
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption && error.code() != ErrorCode::not_found) throw;
    return false;
  }
}

/// An empty record says that what was there is lost: the chain has no gap.
void put_empty(Repository::Core& core, ObjectType type, const std::string& name) {
  core.backend.put_if_absent(name, seal_object(core.keys, type, name, {}, core.rng));
}

/// One record: a line that says what was done; empty where it can be read.
std::string give_up_record(Repository::Core& core, ObjectType type, const std::string& name) {
  Bytes stored;
  if (is_sound(core, type, name, stored)) return {};
  if (stored.empty() && !core.backend.size(name)) {
    put_empty(core, type, name);
    return "wrote that " + name + " is lost";
  }
  // A read that failed may succeed another time: only bytes that were read can be set aside.
  if (stored.empty() && core.backend.size(name).value_or(0) != 0) {
    return "left " + name +
           " as it is: its bytes can't be read now; make the medium readable again, or, once it is "
           "sure that it is broken there, move that object out of the repository, and repair again";
  }
  const std::string aside = name_aside(name);
  core.backend.put_if_absent(aside, stored);
  core.backend.remove(name);
  put_empty(core, type, name);
  return "set " + name + " aside as " + aside;
}

void mend_area(Repository::Core& core, const RecordArea& area, std::vector<std::string>& done) {
  std::map<std::string, std::vector<std::uint64_t>> chains;
  core.backend.list(std::string(area.prefix), "", [&](const backend::Object& object) {
    if (const auto place = parse_record_name(area, object.name)) {
      chains[place->chain_prefix].push_back(place->number);
    }
  });
  for (const auto& [prefix, numbers] : chains) {
    std::uint64_t expected = 1;
    for (const std::uint64_t number : numbers) {
      // What is missing before a record that is there.
      for (; expected < number; ++expected) {
        const std::string gap = record_name(prefix, expected);
        std::string line = give_up_record(core, area.type, gap);
        if (!line.empty()) done.push_back(std::move(line));
      }
      expected = number + 1;
      std::string line = give_up_record(core, area.type, record_name(prefix, number));
      if (!line.empty()) done.push_back(std::move(line));
    }
  }
}

}  // namespace

std::string Chain::give_up(std::uint64_t number) {
  return give_up_record(repository_.core(), type_, object_name(number));
}

void mend_records(Repository::Core& core, std::vector<std::string>& done) {
  for (const RecordArea& area : kRecordAreas) {
    // Evidence is signed and chained: who can sign says first what is lost (recovery/evidence.h).
    if (area.kind != ChainKind::evidence) mend_area(core, area, done);
  }
}

}  // namespace salvor::repo
