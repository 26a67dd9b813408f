#pragma once

#include <sys/stat.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "base/fd.h"
#include "stores/disk/metadata.h"
#include "stores/sink.h"

namespace salvor::stores::disk {

/// Copies a range, by sharing blocks or in the kernel where that is possible; holes are left out
/// when the range is the whole file.
/// Errors: conflict, when `from` ends before; no_space; failed.
void copy_range(int from, int to, std::uint64_t offset, std::uint64_t length,
                const std::string& path);

/// Fills the new, empty file `to` with all of `from`, without its holes.
void copy_whole(int from, int to, std::uint64_t size, const std::string& path);

/// A file that is compared with another one, the reference, which is only ever read: what is kept
/// comes from there, what is written makes a new file. The file that is made is another inode.
/// Threads, lifetime: as every FileWriter; `warnings` must outlive it.
/// Errors of finish(): conflict, when the reference has changed meanwhile.
class CompareWriter : public FileWriter {
 public:
  /// `reference`: open for reading; invalid when there is none.
  CompareWriter(Fd reference, std::string path, const Entry& entry, Warnings& warnings);

  std::size_t read_existing(MutableByteView out, std::uint64_t offset) override;
  void write(ByteView bytes, std::uint64_t offset) override;
  void keep(std::uint64_t offset, std::uint64_t length) override;
  void punch_hole(std::uint64_t offset, std::uint64_t length) override;
  void finish() override;

 protected:
  /// Makes the new file, empty and 0600.
  virtual Fd make() = 0;
  /// The reference is all that is wanted, metadata included. False when a new file is needed even
  /// so.
  virtual bool take_reference(const struct stat& status) = 0;
  /// The new file is complete.
  virtual void publish() = 0;

  const std::string& path() const { return path_; }
  const Entry& entry() const { return entry_; }
  int reference() const { return reference_.get(); }

 private:
  int writable();
  bool is_equal(const struct stat& now) const;
  void refuse_changed() const;

  const Fd reference_;
  const std::string path_;
  const Entry entry_;
  Warnings& warnings_;
  struct stat opened_ {};
  std::atomic<std::uint64_t> covered_bytes_{0};  // kept, written, or hole
  std::atomic<int> fd_{-1};
  std::mutex mutex_;  // guards what follows
  Fd new_;
  bool differs_ = false;                         // though nothing was written: a hole
  std::map<std::uint64_t, std::uint64_t> kept_;  // offset → end, joined where they touch
};

}  // namespace salvor::stores::disk
