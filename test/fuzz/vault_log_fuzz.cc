#include "base/error.h"
#include "fixed_keys.h"
#include "repo/internal/vault_state.h"

namespace {

using namespace salvor;

/// A checkpoint that is read is written in one form, and with the same meaning.
void read_checkpoint(ByteView bytes) {
  const repo::LogId log;
  try {
    const repo::VaultState state = repo::decode_vault_state(log, bytes, "checkpoint/fuzz");
    const Bytes once = repo::encode(state);
    SALVOR_ASSERT(repo::encode(repo::decode_vault_state(log, once, "checkpoint/fuzz")) == once);
  } catch (const Error&) {
    return;
  }
}

/// An entry without rights has no effect.
void fold_entry(ByteView bytes) {
  repo::VaultState state(repo::LogId{}, 0, repo::AuthorKey{});
  SALVOR_ASSERT(!state.fold(bytes) && state.points().empty() && state.number() == 1);
}

}  // namespace

/// Any bytes as an entry of a vault's log, or (first byte odd) as the state in a checkpoint.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes = fuzz::input(data, size).subspan(1);
  if (data[0] % 2 == 0) {
    fold_entry(bytes);
  } else {
    read_checkpoint(bytes);
  }
  return 0;
}
