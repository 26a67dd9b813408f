#include "stores/disk/walker.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <numeric>

#include "base/error.h"
#include "base/io.h"
#include "base/limits.h"
#include "stores/disk/aside.h"
#include "stores/disk/beneath.h"
#include "stores/disk/status.h"

namespace salvor::stores::disk {
namespace {

// Large enough that handing over costs nothing, small enough that a cold directory of a few
// thousand names keeps all threads busy.
constexpr std::size_t kBatchNames = 128;
constexpr std::size_t kListing = SIZE_MAX;  // Work::batch: the listing, not a batch
constexpr std::size_t kAheadBytesSoft = 12 << 20U;
constexpr std::size_t kAheadBytesHard = 24 << 20U;

std::string child_key(std::string_view directory, std::string_view name) {
  std::string key;
  key.reserve(directory.size() + 1 + name.size());
  key.append(directory);
  if (!key.empty()) key.push_back('\0');
  key.append(name);
  return key;
}

/// Empty when it can't be read, with errno: EINVAL when it is another thing by now.
Bytes read_link(int directory, const char* name) {
  std::array<std::byte, PATH_MAX> target;
  const ssize_t size = retried([&] {
    return readlinkat(directory, name, reinterpret_cast<char*>(target.data()), target.size());
  });
  if (size == 0) errno = ENODATA;
  if (size <= 0) return {};
  return to_bytes(ByteView(target).first(static_cast<std::size_t>(size)));
}

}  // namespace

/// What one piece of work found, before it is shown to the other threads.
struct Walker::Outcome {
  struct Child {
    std::string key;
    std::uint64_t device = 0;
  };
  Listing listing;
  std::vector<Found> found;
  std::vector<Child> children;
  std::uint64_t sockets = 0;
};

Walker::Walker(int root, WalkOptions options, Problems& problems)
    : root_(root), options_(std::move(options)), problems_(problems) {}

Walker::~Walker() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

std::uint64_t Walker::sockets_skipped() const {
  const std::lock_guard lock(mutex_);
  return sockets_skipped_;
}

std::optional<Walker::Visit> Walker::visit_root() {
  started_ = true;
  struct stat status {};
  if (fstat(root_, &status) != 0) throw_system_error("cannot read", "the store's root", errno);
  {
    const std::lock_guard lock(mutex_);
    Node& node = *directories_.try_emplace(std::string()).first;
    node.second.device = status.st_dev;
    enqueue({node.first, kListing, &node});
  }
  for (unsigned i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work_on(stop); });
  }
  enter({});
  return Visit{{}, entry_of(status, EntryKind::directory), status.st_nlink};
}

std::optional<Walker::Visit> Walker::next() {
  if (!started_) return visit_root();
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.at == level.found.size()) {
      if (!load_batch(level)) levels_.pop_back();
      continue;
    }
    Found& found = level.found[level.at];
    if (!found.is_there) {
      ++level.at;
      continue;
    }
    const Listing& listing = level.node != nullptr ? level.node->second.listing : level.listing;
    key_.resize(level.key_bytes);
    if (!key_.empty()) key_.push_back('\0');
    key_.append(listing[(level.next_batch - 1) * kBatchNames + level.at].view());
    ++level.at;
    Visit visit{to_bytes(key_), std::move(found.entry), found.links};
    if (found.is_entered) enter(key_);
    return visit;
  }
  return std::nullopt;
}

void Walker::enter(const std::string& key) {
  std::unique_lock lock(mutex_);
  const auto found = directories_.find(key);
  SALVOR_ASSERT(found != directories_.end());
  Level level;
  level.node = &*found;
  level.key_bytes = key.size();
  levels_.push_back(std::move(level));
}

bool Walker::load_batch(Level& level) {
  if (level.node == nullptr) return false;
  std::unique_lock lock(mutex_);
  Node& node = *level.node;
  Directory& directory = node.second;
  if (level.next_batch == 0) {
    obtain(lock, {node.first, kListing, &node}, directory.state);
    release(directory.charged_bytes);
  }
  if (level.next_batch < directory.batches.size()) {
    Batch& batch = directory.batches[level.next_batch];
    obtain(lock, {batch.order, level.next_batch, &node}, batch.state);
    release(batch.charged_bytes);
    level.found = std::move(batch.found);
    level.at = 0;
    ++level.next_batch;
  } else {
    level.found.clear();
    level.at = 0;
  }
  if (level.next_batch == directory.batches.size()) {
    // Nobody needs its key any more: a deep chain of directories must not hold them all.
    level.listing = std::move(directory.listing);
    level.node = nullptr;
    directories_.erase(directories_.find(node.first));
  }
  return true;
}

void Walker::obtain(std::unique_lock<std::mutex>& lock, const Work& work, const State& state) {
  while (state != State::done) {
    if (failure_) std::rethrow_exception(failure_);
    if (state == State::waiting) {
      queue_.erase(work);
      perform(lock, work, scratch_);
    } else {
      consumer_waits_ = true;
      work_done_.wait(lock);
      consumer_waits_ = false;
    }
  }
  if (failure_) std::rethrow_exception(failure_);
}

bool Walker::may_run(const Work& work) const {
  // What is nearer than something finished has a reserve of its own: else far work, begun while the
  // near was not known yet, could keep all threads from it.
  return ahead_bytes_ < kAheadBytesSoft ||
         (ahead_bytes_ < kAheadBytesHard && work.order < farthest_);
}

void Walker::wake_one_worker() {
  if (idle_ > 0 && !queue_.empty() && may_run(*queue_.begin())) work_arrived_.notify_one();
}

void Walker::enqueue(Work work) {
  queue_.insert(work);
  wake_one_worker();
}

void Walker::charge(std::size_t& charged, std::size_t bytes, std::string_view order) {
  charged = bytes;
  ahead_bytes_ += bytes;
  if (order > farthest_) farthest_ = std::string(order);
}

void Walker::release(std::size_t& charged) {
  ahead_bytes_ -= std::exchange(charged, 0);
  wake_one_worker();
}

void Walker::work_on(std::stop_token stop) {
  Bytes scratch;
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    const bool more = work_arrived_.wait(
        lock, stop, [&] { return !queue_.empty() && !failure_ && may_run(*queue_.begin()); });
    --idle_;
    if (!more || stop.stop_requested()) return;
    const Work work = *queue_.begin();
    queue_.erase(queue_.begin());
    wake_one_worker();
    perform(lock, work, scratch);
  }
}

void Walker::perform(std::unique_lock<std::mutex>& lock, const Work& work, Bytes& scratch) {
  Directory& directory = work.node->second;
  State& state = work.batch == kListing ? directory.state : directory.batches[work.batch].state;
  state = State::running;
  lock.unlock();
  Outcome outcome;
  std::exception_ptr failure;
  try {
    if (work.batch == kListing) {
      outcome = list_directory(*work.node, scratch);
    } else {
      const Fd fd =
          open_beneath(root_, path_of_key(as_bytes(work.node->first)), O_PATH | O_DIRECTORY);
      if (!fd) add_problem(work.node->first, "cannot open", errno);
      stat_batch(*work.node, fd.get(), directory.listing, work.batch, outcome);
    }
  } catch (...) {
    // The border of a thread: next() throws it again.
    failure = std::current_exception();
  }
  lock.lock();
  if (failure) {
    failure_ = failure;
  } else {
    publish(work, std::move(outcome));
  }
  state = State::done;
  if (consumer_waits_) work_done_.notify_one();
}

void Walker::publish(const Work& work, Outcome outcome) {
  Directory& directory = work.node->second;
  std::size_t index = work.batch;
  if (work.batch == kListing) {
    index = 0;
    directory.listing = std::move(outcome.listing);
    const std::size_t names = directory.listing.size();
    directory.batches.resize((names + kBatchNames - 1) / kBatchNames);
    charge(directory.charged_bytes, directory.listing.bytes(), work.node->first);
    for (std::size_t i = 1; i < directory.batches.size(); ++i) {
      Batch& batch = directory.batches[i];
      batch.order = child_key(work.node->first, directory.listing[i * kBatchNames].view());
      enqueue({batch.order, i, work.node});
    }
  }
  if (index < directory.batches.size()) {
    Batch& batch = directory.batches[index];
    std::size_t bytes = outcome.found.size() * sizeof(Found);
    for (const Found& found : outcome.found) bytes += found.entry.target.size();
    for (const Outcome::Child& child : outcome.children) {
      bytes += sizeof(Node) + 2 * child.key.size();
    }
    batch.found = std::move(outcome.found);
    charge(batch.charged_bytes, bytes, batch.order);
    batch.state = State::done;
  }
  for (Outcome::Child& child : outcome.children) {
    Node& node = *directories_.try_emplace(std::move(child.key)).first;
    node.second.device = child.device;
    enqueue({node.first, kListing, &node});
  }
  sockets_skipped_ += outcome.sockets;
}

Walker::Outcome Walker::list_directory(const Node& node, Bytes& scratch) {
  Outcome outcome;
  const std::string path = path_of_key(as_bytes(node.first));
  // O_NOATIME is for owners only; the kernel says EPERM to others.
  Fd fd = open_beneath(root_, path, O_RDONLY | O_DIRECTORY | O_NOATIME);
  if (!fd && errno == EPERM) fd = open_beneath(root_, path, O_RDONLY | O_DIRECTORY);
  int error = fd ? 0 : errno;
  if (fd) error = outcome.listing.read(fd.get(), scratch);
  // Without its root there is no store: an empty snapshot would be a lie.
  if (error != 0 && node.first.empty())
    throw_system_error("cannot list", "the store's root", error);
  if (error != 0) add_problem(node.first, "cannot list", error);
  if (node.first.empty()) {
    outcome.listing.keep_if([](const Listing::Name& name) {
      const bool may_be = name.type == DT_DIR || name.type == DT_UNKNOWN;
      return !may_be || !name.view().starts_with(kAsideWithin);
    });
  }
  if (!options_.exclude.empty()) {
    std::string full = path.empty() ? path : path + '/';
    const std::size_t prefix_bytes = full.size();
    outcome.listing.keep_if([&](const Listing::Name& name) {
      full.resize(prefix_bytes);
      full.append(name.view());
      return !options_.exclude.matches(full, name.type == DT_DIR);
    });
  }
  stat_batch(node, fd.get(), outcome.listing, 0, outcome);
  return outcome;
}

void Walker::stat_batch(const Node& node, int directory, const Listing& listing, std::size_t batch,
                        Outcome& outcome) {
  const std::size_t first = batch * kBatchNames;
  const std::size_t count = std::min(kBatchNames, listing.size() - std::min(first, listing.size()));
  outcome.found.resize(count);
  if (directory < 0) return;
  // In order of inodes a disk reads its inode table forwards.
  std::array<std::pair<std::uint64_t, std::size_t>, kBatchNames> order;
  for (std::size_t i = 0; i < count; ++i) order[i] = {listing[first + i].inode, i};
  std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = order[i].second;
    stat_name(node, directory, listing[first + at], outcome.found[at], outcome);
  }
}

void Walker::stat_name(const Node& node, int directory, const Listing::Name& name, Found& found,
                       Outcome& outcome) {
  struct stat status {};
  if (fstatat(directory, name.text, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
    add_problem(child_key(node.first, name.view()), "cannot read the metadata of", errno);
    return;
  }
  if (S_ISSOCK(status.st_mode)) ++outcome.sockets;
  const std::optional<EntryKind> kind = kind_of(status.st_mode);
  if (!kind) return;
  if (node.first.size() + 1 + name.size > kPathBytesMax) {
    problems_.add(to_bytes(child_key(node.first, name.view())),
                  "its path is longer than " + std::to_string(kPathBytesMax) + " bytes");
    return;
  }
  if (*kind == EntryKind::directory) {
    std::string key = child_key(node.first, name.view());
    if (name.type != DT_DIR && options_.exclude.asks_for_directories() &&
        options_.exclude.matches(path_of_key(as_bytes(key)), true)) {
      return;
    }
    if (options_.forbidden.contains({status.st_dev, status.st_ino})) {
      throw Error(ErrorCode::configuration,
                  "found " + printable(path_of_key(as_bytes(key))) +
                      " within the store, expected it to lie outside (it is the repository, or "
                      "salvor's own state)",
                  "move it, or exclude it from the store");
    }
    found.is_entered = !options_.one_file_system || status.st_dev == node.second.device;
    if (found.is_entered) outcome.children.push_back({std::move(key), status.st_dev});
  }
  found.entry = entry_of(status, *kind);
  found.links = status.st_nlink;
  if (*kind == EntryKind::symlink) {
    found.entry.target = read_link(directory, name.text);
    if (found.entry.target.empty() && errno == EINVAL) {
      problems_.add_changed_kind(to_bytes(child_key(node.first, name.view())));
      return;
    }
    if (found.entry.target.empty()) {
      add_problem(child_key(node.first, name.view()), "cannot read the symlink", errno);
      return;
    }
  }
  found.is_there = true;
}

void Walker::add_problem(const std::string& key, std::string_view action, int error) {
  // What has vanished since it was listed is no problem: it is not there.
  if (error == ENOENT) return;
  if (error == ENOTDIR || error == ELOOP) {
    problems_.add_changed_kind(to_bytes(key));
    return;
  }
  problems_.add(to_bytes(key), std::string(action) + " it: " + errno_text(error));
}

}  // namespace salvor::stores::disk
