#include "control/look_inside.h"

#include <algorithm>
#include <array>

#include "control/caller.h"
#include "control/internal/choose_point.h"
#include "control/internal/opened.h"
#include "control/restore_in_place.h"
#include "control/service_status.h"

namespace salvor::control {
namespace {

using internal::Opened;
using repo::Record;
using repo::TreeCursor;

/// The path of an entry as people write it: relative, "/" and "." being the root.
Bytes key_of(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return stores::key_of_path(path == "." ? std::string_view{} : path);
}

bool equal(ByteView a, ByteView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

/// The range of keys of a directory's content: from the first to the one after the last.
struct Inside {
  explicit Inside(const Bytes& directory) : prefix(directory), end(directory) {
    if (directory.empty()) return;
    prefix.push_back(std::byte{0});
    end.push_back(std::byte{1});
  }
  bool holds(ByteView key) const {
    return key.size() > prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
  }
  Bytes prefix;
  Bytes end;
};

const Record& find_record(TreeCursor& cursor, const Bytes& key, const repo::Snapshot& snapshot,
                          std::string_view path) {
  cursor.seek(key);
  const Record* record = cursor.find_record();
  if (record != nullptr && equal(record->key, key)) return *record;
  throw Error(ErrorCode::not_found,
              "store " + snapshot.store + " has no path " + printable(path) + " in that point",
              "`salvor ls POINT " + snapshot.store + "` shows what there is");
}

class StoreAtPoint {
 public:
  StoreAtPoint(const config::Config& config, const PointStore& at, const Caller& caller)
      : opened_(internal::open_repository(config, repo::Access::read, caller.stop)),
        snapshot_(internal::find_snapshot(
            internal::find_point(*opened_.repository, at.point, at.service), at.store)),
        cursor_(opened_.repository->node_reader(), snapshot_.root) {}

  repo::Repository& repository() { return *opened_.repository; }
  const repo::Snapshot& snapshot() const { return snapshot_; }
  TreeCursor& cursor() { return cursor_; }

 private:
  Opened opened_;
  const repo::Snapshot snapshot_;
  TreeCursor cursor_;
};

void throw_if_stopped(const Caller& caller) {
  if (caller.stop.stop_requested()) throw Error(ErrorCode::cancelled, "cancelled");
}

void write_zeros(std::uint64_t length, const std::function<void(ByteView)>& write) {
  static constexpr std::array<std::byte, 65536> kZeros{};
  while (length > 0) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(length, kZeros.size()));
    write(ByteView(kZeros).first(part));
    length -= part;
  }
}

void write_refs(repo::Repository& repository, const Record& record,
                const std::function<void(ByteView)>& write) {
  for (const repo::Ref& ref : record.refs) {
    if (ref.is_hole()) {
      write_zeros(ref.length, write);
    } else {
      write(repository.read_chunk(ref.id));
    }
  }
}

}  // namespace

void list_entries(const config::Config& config, const PointStore& where, const std::string& path,
                  bool recursive, const Caller& caller,
                  const std::function<void(const ListedEntry&)>& visit) {
  StoreAtPoint at(config, where, caller);
  TreeCursor& cursor = at.cursor();
  const Bytes key = key_of(path);
  const Record& found = find_record(cursor, key, at.snapshot(), path);
  const stores::Entry entry = stores::decode_entry(found.meta);
  if (entry.kind != stores::EntryKind::directory) {
    visit({found.key, entry});
    return;
  }
  cursor.advance();
  const Inside inside(key);
  for (const Record* record = cursor.find_record(); record != nullptr && inside.holds(record->key);
       record = cursor.find_record()) {
    throw_if_stopped(caller);
    if (record->offset != 0) {
      cursor.advance();
      continue;
    }
    const ListedEntry listed{record->key, stores::decode_entry(record->meta)};
    visit(listed);
    if (!recursive && listed.entry.kind == stores::EntryKind::directory) {
      cursor.seek(Inside(listed.key).end);
    } else {
      cursor.advance();
    }
  }
}

void read_content(const config::Config& config, const PointStore& where, const std::string& path,
                  const Caller& caller, const std::function<void(ByteView)>& write) {
  StoreAtPoint at(config, where, caller);
  TreeCursor& cursor = at.cursor();
  Bytes key = key_of(path);
  stores::Entry entry = stores::decode_entry(find_record(cursor, key, at.snapshot(), path).meta);
  if (entry.kind == stores::EntryKind::hard_link) {
    key = entry.target;
    entry = stores::decode_entry(find_record(cursor, key, at.snapshot(), path).meta);
  }
  if (entry.kind != stores::EntryKind::file) {
    throw Error(
        ErrorCode::usage,
        printable(path) + " is a " + std::string(stores::name_of(entry.kind)) + ", expected a file",
        "`salvor ls` looks into directories");
  }
  for (const Record* record = cursor.find_record(); record != nullptr && equal(record->key, key);
       record = cursor.find_record()) {
    throw_if_stopped(caller);
    write_refs(at.repository(), *record, write);
    cursor.advance();
  }
}

}  // namespace salvor::control
