#include "testing/store_copy.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "base/error.h"

namespace salvor::testing {
namespace {

using stores::EntryKind;

constexpr unsigned kCopyThreads = 4;
constexpr int kAttempts = 3;

/// Calls work(i) for all i < count, by several threads; throws what the first of them threw.
void in_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex mutex;
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < kCopyThreads; ++i) {
      threads.emplace_back([&] {
        try {
          for (std::size_t at = next++; at < count; at = next++) work(at);
        } catch (...) {
          const std::lock_guard lock(mutex);
          failure = std::current_exception();
        }
      });
    }
  }
  if (failure) std::rethrow_exception(failure);
}

std::vector<Taken::Stretch> read_content(stores::ContentReader& reader, std::size_t read_bytes) {
  std::vector<Taken::Stretch> content;
  std::uint64_t at = 0;
  while (true) {
    Bytes buffer(read_bytes);
    const stores::ContentReader::Step step = reader.read(buffer);
    if (step.data_bytes == 0 && step.hole_bytes == 0) return content;
    if (step.data_bytes > 0) {
      buffer.resize(step.data_bytes);
      content.push_back({at, std::move(buffer)});
    }
    at += step.data_bytes + step.hole_bytes;
  }
}

/// False when it is not there, or can't be read.
bool take(stores::Source& source, Taken::Thing& thing, std::size_t read_bytes) {
  const stores::Item item{thing.key, thing.entry};
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    const auto reader = source.open(item);
    if (!reader) return false;
    try {
      thing.content = read_content(*reader, read_bytes);
      thing.entry = item.entry;
      thing.entry.unstable = !reader->finish(thing.entry);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::failed) return false;
      throw;
    }
    if (!thing.entry.unstable) break;
  }
  thing.entry = stores::decode_entry(stores::encode(thing.entry));
  return true;
}

void put_file(const Taken::Thing& thing, stores::Sink& sink, bool delta) {
  const auto writer = sink.create(thing.key, thing.entry);
  put_content(thing, *writer, delta);
}

}  // namespace

const Taken::Thing* Taken::find(std::string_view path) const {
  const Bytes key = stores::key_of_path(path);
  const auto found = std::find_if(things.begin(), things.end(),
                                  [&](const Thing& thing) { return thing.key == key; });
  return found == things.end() ? nullptr : &*found;
}

std::vector<std::string> Taken::paths() const {
  std::vector<std::string> paths;
  for (const Thing& thing : things) paths.push_back(stores::path_of_key(thing.key));
  return paths;
}

Taken take_all(stores::Source& source, std::size_t read_bytes) {
  Taken taken;
  source.mark();
  source.examine({});
  while (auto item = source.next()) {
    taken.things.push_back({std::move(item->key), std::move(item->entry), {}});
  }
  std::vector<char> is_there(taken.things.size(), 0);
  in_parallel(taken.things.size(),
              [&](std::size_t i) { is_there[i] = take(source, taken.things[i], read_bytes); });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < taken.things.size(); ++i) {
    if (is_there[i] == 0) continue;
    if (kept != i) taken.things[kept] = std::move(taken.things[i]);
    ++kept;
  }
  taken.things.resize(kept);
  taken.report = source.report();
  return taken;
}

void put_content(const Taken::Thing& thing, stores::FileWriter& writer, bool delta) {
  std::uint64_t at = 0;
  for (const Taken::Stretch& stretch : thing.content) {
    if (delta && stretch.offset > at) writer.punch_hole(at, stretch.offset - at);
    at = stretch.offset + stretch.bytes.size();
    Bytes existing(delta ? stretch.bytes.size() : 0);
    if (delta) existing.resize(writer.read_existing(existing, stretch.offset));
    if (delta && existing == stretch.bytes) {
      writer.keep(stretch.offset, stretch.bytes.size());
    } else {
      writer.write(stretch.bytes, stretch.offset);
    }
  }
  if (delta && thing.entry.size > at) writer.punch_hole(at, thing.entry.size - at);
  writer.finish();
}

void put_all(const Taken& taken, stores::Sink& sink, bool delta) {
  sink.begin();
  std::vector<const Taken::Thing*> files;
  for (const Taken::Thing& thing : taken.things) {
    if (thing.entry.kind == EntryKind::file) {
      if (sink.lacks(thing.key)) continue;
      if (!sink.reuse(thing.key, thing.entry)) files.push_back(&thing);
    } else if (thing.entry.kind != EntryKind::hard_link) {
      sink.make(thing.key, thing.entry);
    }
  }
  in_parallel(files.size(), [&](std::size_t i) { put_file(*files[i], sink, delta); });
  for (const Taken::Thing& thing : taken.things) sink.complete(thing.key, thing.entry);
  sink.commit();
}

}  // namespace salvor::testing
