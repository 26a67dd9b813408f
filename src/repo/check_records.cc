#include "base/error.h"
#include "repo/internal/checker.h"
#include "repo/internal/object.h"
#include "repo/internal/record_name.h"

namespace salvor::repo {

/// Every record authenticates, and no chain has a gap. No recovery point depends on them.
void Checker::check_records() {
  for (const RecordArea& area : kRecordAreas) {
    RecordPlace before;
    const auto look_for_gap = [&](std::uint64_t found) {
      for (std::uint64_t number = before.number + 1; number < found; ++number) {
        const std::string name = record_name(before.chain_prefix, number);
        // Written while the names were being listed, it may not have been among them.
        if (core_.backend.size(name)) continue;
        damage(name,
               "it is missing, though " + record_name(before.chain_prefix, found) + " is there");
        return;
      }
    };
    core_.backend.list(std::string(area.prefix), "", [&](const backend::Object& object) {
      if (options_.stop.stop_requested()) {
        throw Error(ErrorCode::cancelled, "the verification was cancelled");
      }
      const auto place = parse_record_name(area, object.name);
      if (!place) {
        note(object.name, "it is not an object of this repository");
        return;
      }
      if (place->chain_prefix != before.chain_prefix) before = {place->chain_prefix, 0};
      look_for_gap(place->number);
      before = *place;
      try {
        const Bytes stored = core_.backend.get(object.name, kObjectBytesMax);
        open_record(core_.keys, area.type, object.name, stored);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::corruption && error.code() != ErrorCode::not_found) throw;
        damage(object.name, error.message());
      }
    });
  }
}

}  // namespace salvor::repo
