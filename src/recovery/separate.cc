#include "recovery/internal/separate.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/fd.h"

namespace salvor::recovery::internal {

namespace {

/// Gives the writer what a stretch of the file should have, as far as it has something else.
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
    const std::filesystem::path copy = context.copy_path(store);
    std::error_code error;
    const bool is_directory = std::filesystem::is_directory(copy, error);
    const Fd fd = open_file(is_directory ? copy : copy.parent_path(), O_RDONLY | O_DIRECTORY);
    if (::syncfs(fd.get()) != 0) throw_system_error("cannot make durable", copy.native(), errno);
  }
}

/// What stands for a live file that must not have been written: it accepts no other content.
void require_same(repo::Repository& repository, const repo::Snapshot& snapshot, ByteView key,
                  stores::FileWriter& writer) {
  repo::TreeCursor cursor(repository.node_reader(), snapshot.root);
  cursor.seek(key);
  for (const repo::Record* record = cursor.find_record();
       record != nullptr && std::ranges::equal(record->key, key); record = cursor.find_record()) {
    std::uint64_t offset = record->offset;
    for (const repo::Ref& ref : record->refs) {
      Bytes existing(ref.is_hole() ? 0 : ref.length);
      const bool same = ref.is_hole() || (writer.read_existing(existing, offset) == ref.length &&
                                          repository.id_of(existing) == ref.id);
      if (!same) {
        throw Error(ErrorCode::conflict,
                    "store " + snapshot.store + ": " + printable(stores::path_of_key(key)) +
                        " was written while the store was restored",
                    "lock the service's writes ([service.NAME.writes]), take the run back with "
                    "--undo, and begin again");
      }
      writer.keep(offset, ref.length);
      offset += ref.length;
    }
    cursor.advance();
  }
  writer.finish();
}

}  // namespace

void require_unwritten(RunContext& context) {
  for (const StorePlan& store : context.plan.stores) {
    if (store.delta_in_place) continue;
    const repo::Snapshot& snapshot = context.snapshot(store);
    context.replacement_of(store).separate([&](ByteView key, stores::FileWriter& writer) {
      require_same(context.repository, snapshot, key, writer);
    });
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
  if (context.plan.mode != Mode::restore) return;
  sync_copies(context);
  for (const StorePlan& store : context.plan.stores) {
    if (store.delta_in_place) continue;
    const repo::Snapshot& snapshot = context.snapshot(store);
    const std::uint64_t count =
        context.replacement_of(store).separate([&](ByteView key, stores::FileWriter& writer) {
          write_content(context.repository, snapshot, key, writer);
        });
    if (count == 0) continue;
    context.say("store " + store.name + ": " + std::to_string(count) +
                " files were written through the copy; the old ones have their content back");
  }
}

}  // namespace salvor::recovery::internal
