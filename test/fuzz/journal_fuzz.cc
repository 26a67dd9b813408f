#include "base/error.h"
#include "checks/outcome_json.h"
#include "fixed_keys.h"
#include "recovery/journal.h"
#include "recovery/plan.h"

namespace {

using namespace salvor;

/// What can be read is written as it was read, for ever after.
void read_plan(std::string_view text) {
  const std::string written = recovery::to_json(recovery::parse_plan(text));
  SALVOR_ASSERT(recovery::to_json(recovery::parse_plan(written)) == written);
}

template <class Read>
void unless_refused(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    SALVOR_ASSERT(error.code() == ErrorCode::corruption);
  }
}

}  // namespace

/// Any bytes as a record of a journal, as the plan in it, and as what checks have found.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(fuzz::input(data, size));
  unless_refused([&] {
    const recovery::JournalEntry entry = recovery::parse_journal_entry(text);
    const std::string written = recovery::to_json(entry);
    SALVOR_ASSERT(recovery::to_json(recovery::parse_journal_entry(written)) == written);
    unless_refused([&] { read_plan(entry.data); });
    unless_refused([&] { checks::outcomes_of(entry.data); });
  });
  unless_refused([&] { read_plan(text); });
  return 0;
}
