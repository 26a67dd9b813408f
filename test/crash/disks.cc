#include "disks.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstdint>
#include <fstream>

#include "base/error.h"
#include "base/fd.h"
#include "shop.h"

namespace salvor::testing {
namespace {

namespace fs = std::filesystem;

// linux/fs.h and ext4's headers of Debian 12 don't have them: fs/ext4/ext4.h of the kernel.
constexpr unsigned long kShutDown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kWithoutFlushingTheLog = 2;

std::string quoted(const fs::path& path) {
  return "'" + path.native() + "'";
}

}  // namespace

bool have_own_mounts() {
  static const bool kOwn = ::unshare(CLONE_NEWNS) == 0 &&
                           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return kOwn;
}

SmallDisk::SmallDisk(fs::path at, std::size_t mib) : at_(std::move(at)) {
  const std::string size = "size=" + std::to_string(mib) + "m";
  mounted_ = have_own_mounts() && ::mount("none", at_.c_str(), "tmpfs", 0, size.c_str()) == 0;
}

SmallDisk::~SmallDisk() {
  if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
}

void SmallDisk::fill() const {
  std::ofstream file(filler(), std::ios::binary | std::ios::app);
  for (const std::size_t size : {1U << 16U, 1U << 12U, 1U}) {
    const std::string bytes(size, 'x');
    while (file.write(bytes.data(), static_cast<std::streamsize>(size)).flush()) {
    }
    file.clear();
  }
}

bool PowerDisk::make(const fs::path& image) {
  if (!have_own_mounts()) return false;
  try {
    shell("truncate -s 48M " + quoted(image) + "; /sbin/mkfs.ext4 -q -F -m 0 " + quoted(image));
    const PowerDisk disk(image, image.native() + ".try");
    return true;
  } catch (const Error&) {
    // No loop devices, as in many containers.
    return false;
  }
}

PowerDisk::PowerDisk(fs::path image, fs::path at) : image_(std::move(image)), at_(std::move(at)) {
  fs::create_directory(at_);
  mount();
}

PowerDisk::~PowerDisk() {
  ::umount2(at_.c_str(), MNT_DETACH);
  std::error_code ignored;
  fs::remove(at_, ignored);
}

void PowerDisk::mount() {
  shell("mount -t ext4 -o loop,noauto_da_alloc " + quoted(image_) + " " + quoted(at_));
}

void PowerDisk::unmount() {
  if (::umount2(at_.c_str(), 0) != 0) throw_system_error("cannot unmount", at_.native(), errno);
}

void PowerDisk::lose_power() const {
  const Fd root(::open(at_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::uint32_t how = kWithoutFlushingTheLog;
  if (!root || ::ioctl(root.get(), kShutDown, &how) != 0) {
    throw_system_error("cannot shut down", at_.native(), errno);
  }
}

void PowerDisk::mount_again() {
  unmount();
  mount();
}

}  // namespace salvor::testing
