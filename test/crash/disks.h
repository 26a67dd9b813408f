#pragma once

#include <cstddef>
#include <filesystem>

/// File systems that tests may fill, or take the power from. All of them need root; `mounted()` is
/// false where mounting is not permitted.
namespace salvor::testing {

/// From here on this process and its children have a view of their own of what is mounted, so that
/// nothing of theirs stays mounted when they end, however they end. False: not permitted.
bool have_own_mounts();

/// A file system in memory, of a size of its own, for as long as it lives.   Threads: one.
class SmallDisk {
 public:
  SmallDisk(std::filesystem::path at, std::size_t mib);
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk();

  bool mounted() const { return mounted_; }
  std::filesystem::path filler() const { return at_ / "filler"; }

  /// Leaves not a byte.
  void fill() const;

 private:
  const std::filesystem::path at_;
  bool mounted_ = false;
};

/// An ext4 file system in an image file, which can lose its power: what was not made durable by
/// then is gone when it is mounted again. Its habit to flush files that replace others, which hides
/// missing syncs, is switched off.   Threads: one; a forked child may lose_power().
class PowerDisk {
 public:
  /// Makes an empty one. False: not permitted.
  static bool make(const std::filesystem::path& image);

  /// Mounts the image at a new directory.   Errors: failed.
  PowerDisk(std::filesystem::path image, std::filesystem::path at);
  PowerDisk(const PowerDisk&) = delete;
  PowerDisk& operator=(const PowerDisk&) = delete;
  ~PowerDisk();

  const std::filesystem::path& at() const { return at_; }

  /// From now on nothing reaches the image, and every call on the file system fails.
  void lose_power() const;

  /// The machine starts again.   Errors: failed.
  void mount_again();

 private:
  void mount();
  void unmount();

  const std::filesystem::path image_;
  const std::filesystem::path at_;
};

}  // namespace salvor::testing
