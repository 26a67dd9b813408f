#include "recovery/internal/separate.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/fd.h"

namespace salvor::recovery::internal {

namespace {

/// Writes the bytes that a range of the file should have, where they differ.
void put(repo::Repository& repository, const repo::Ref& ref, std::uint64_t offset,
         stores::FileWriter& writer) {
  if (ref.is_hole()) {
    writer.punch_hole(offset, ref.length);
    return;
  }
  Bytes existing(ref.length);
  const bool same =
      writer.read_existing(existing, offset) == ref.length && repository.id_of(existing) == ref.id;
  if (same) {
    writer.keep(offset, ref.length);
  } else {
    writer.write(repository.read_chunk(ref.id), offset);
  }
}

void sync_copies(RunContext& context) {
  for (const StorePlan& store : context.plan.stores) {
    const std::filesystem::path copy = context.copy_location(store).path;
    if (copy.empty()) continue;
    std::error_code error;
    const bool is_directory = std::filesystem::is_directory(copy, error);
    // Somebody has removed the workplace, so there is nothing to sync.
    if (!is_directory && !std::filesystem::exists(copy.parent_path(), error)) continue;
    const Fd fd = open_file(is_directory ? copy : copy.parent_path(), O_RDONLY | O_DIRECTORY);
    sync_file_system(fd.get(), copy.native());
  }
}

bool is_all_zeros(stores::FileWriter& writer, std::uint64_t offset, std::uint64_t length) {
  constexpr std::uint64_t kBytes = 256U << 10U;
  Bytes part(std::min(length, kBytes));
  for (std::uint64_t at = 0; at < length; at += part.size()) {
    part.resize(std::min(length - at, kBytes));
    if (writer.read_existing(part, offset + at) != part.size()) return false;
    if (std::ranges::any_of(part, [](std::byte byte) { return byte != std::byte{0}; }))
      return false;
  }
  return true;
}

/// Whether a live file has exactly the content that the snapshot has under its key.
bool has_content(repo::Repository& repository, const repo::Snapshot& snapshot, ByteView key,
                 stores::FileWriter& writer) {
  repo::TreeCursor cursor(repository.node_reader(), snapshot.root);
  cursor.seek(key);
  std::uint64_t offset = 0;
  for (const repo::Record* record = cursor.find_record();
       record != nullptr && std::ranges::equal(record->key, key); record = cursor.find_record()) {
    offset = record->offset;
    for (const repo::Ref& ref : record->refs) {
      Bytes existing(ref.is_hole() ? 0 : ref.length);
      const bool same = ref.is_hole() ? is_all_zeros(writer, offset, ref.length)
                                      : writer.read_existing(existing, offset) == ref.length &&
                                            repository.id_of(existing) == ref.id;
      if (!same) return false;
      offset += ref.length;
    }
    cursor.advance();
  }
  Bytes more(1);
  return writer.read_existing(more, offset) == 0;
}

}  // namespace

void require_unwritten(RunContext& context) {
  for (const StorePlan& store : context.plan.stores) {
    if (store.delta_in_place) continue;
    const repo::Snapshot& snapshot = context.snapshot(store);
    // No call of finish(): the file stays as it is.
    const auto look = [&](ByteView key, stores::FileWriter& writer) {
      if (has_content(context.repository, snapshot, key, writer)) return;
      throw Error(ErrorCode::conflict,
                  "store " + snapshot.store + ": " + printable(stores::path_of_key(key)) +
                      " was written while the store was restored",
                  "lock the service's writes ([service.NAME.writes]); undo the run: salvor restore "
                  "--undo " +
                      context.plan.run + " --confirm " + printable(context.plan.service) +
                      "; then begin again");
    };
    context.replacement_of(store).separate(look, stores::Way::forth);
  }
}

void write_content(repo::Repository& repository, const repo::Snapshot& snapshot, ByteView key,
                   stores::FileWriter& writer) {
  repo::TreeCursor cursor(repository.node_reader(), snapshot.root);
  cursor.seek(key);
  bool found = false;
  for (const repo::Record* record = cursor.find_record(); record != nullptr;
       record = cursor.find_record()) {
    if (!std::ranges::equal(record->key, key)) break;
    found = true;
    std::uint64_t offset = record->offset;
    for (const repo::Ref& ref : record->refs) {
      put(repository, ref, offset, writer);
      offset += ref.length;
    }
    cursor.advance();
  }
  if (!found) {
    throw Error(ErrorCode::not_found, "the snapshot of store " + snapshot.store + " has no " +
                                          printable(stores::path_of_key(key)));
  }
  writer.finish();
}

void give_back_shared(RunContext& context) {
  if (context.plan.mode != service::Mode::restore) return;
  sync_copies(context);
  for (const StorePlan& store : context.plan.stores) {
    if (store.delta_in_place) continue;
    const auto rewrite = [&](ByteView key, stores::FileWriter& writer) {
      try {
        write_content(context.repository, context.snapshot(store), key, writer);
      } catch (const Error& error) {
        // A failed undo would leave the service locked because of one file. The point itself may be
        // lost, together with a newer copy of the repository.
        const bool is_lost =
            error.code() == ErrorCode::corruption || error.code() == ErrorCode::not_found;
        if (!context.undoing || !is_lost) throw;
        const std::string line = "store " + store.name + ": " +
                                 printable(stores::path_of_key(key)) +
                                 " was written through the copy, and its old content could not be "
                                 "restored: " +
                                 error.message();
        context.say(line);
        context.deviations.push_back(line);
      }
    };
    const auto way = context.undoing ? stores::Way::back : stores::Way::forth;
    const std::uint64_t count = context.replacement_of(store).separate(rewrite, way);
    if (count == 0) continue;
    context.say("store " + store.name + ": " + std::to_string(count) +
                " files were written through the copy; the old files have their content again");
  }
}

}  // namespace salvor::recovery::internal
