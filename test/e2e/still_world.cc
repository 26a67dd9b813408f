// The world as the golden files of the command line see it: loaded into salvor with LD_PRELOAD, so
// that what it prints depends on neither time, load nor machine, nor does the width of a column.
//
// - The time is what the file GOLDEN_CLOCK says, in nanoseconds, and stands still until somebody
//   writes another: durations are 0. Only salvor's own code and curl see that; waiting, in the
//   standard library, goes by the real time.
// - Random numbers of salvor's own code follow from GOLDEN_SEED, so that lists that are sorted by
//   an id have one order. Keys, which a library makes, stay random.
// - The host is called golden-host, the user golden.
// - Numbers of inodes and devices have a fixed number of digits. They stay different.
// - Every file system has 50 GiB free.
// - Nothing is synced to the disk: nobody cuts the power here.
//
// A process that is not salvor (a command of a hook) sees none of it.

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pwd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace {

constexpr ino_t kInodesFrom = 1'000'000'000'000;
constexpr unsigned kMajorsFrom = 0x1000;
constexpr dev_t kDevicesFrom = dev_t{kMajorsFrom} << 32U;
constexpr fsblkcnt_t kFree_bytes = fsblkcnt_t{50} << 30U;
constexpr const char* kHost = "golden-host";
constexpr const char* kUser = "golden";

bool is_salvor() {
  static const bool is = std::strcmp(program_invocation_short_name, "salvor") == 0;
  return is;
}

template <class Function>
Function real(const char* name, Function) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

/// Whether the program itself, and no library, has called from here.
bool is_own_code(const void* caller) {
  struct Range {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
  };
  static const Range program = [] {
    Range range;
    // The first that is named is the program.
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* into) {
          auto& found = *static_cast<Range*>(into);
          for (int i = 0; i < info->dlpi_phnum; ++i) {
            const auto& part = info->dlpi_phdr[i];
            if (part.p_type != PT_LOAD) continue;
            const std::uintptr_t begin = info->dlpi_addr + part.p_vaddr;
            if (found.end == 0) found.begin = begin;
            found.end = begin + part.p_memsz;
          }
          return 1;
        },
        &range);
    return range;
  }();
  const auto at = reinterpret_cast<std::uintptr_t>(caller);
  return at >= program.begin && at < program.end;
}

/// curl says how long it has tried to connect.
bool is_curl(const void* caller) {
  Dl_info info{};
  return dladdr(caller, &info) != 0 && info.dli_fname != nullptr &&
         std::strstr(info.dli_fname, "libcurl") != nullptr;
}

/// SplitMix64.   Threads: any.   Source: Steele, Lea and Flood, OOPSLA 2014.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}

  void fill(void* bytes, std::size_t size) {
    const std::lock_guard lock(mutex_);
    auto* to = static_cast<char*>(bytes);
    for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
      state_ += 0x9e3779b97f4a7c15U;
      std::uint64_t value = state_;
      value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
      value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
      value ^= value >> 31U;
      std::memcpy(to + at, &value, std::min(size - at, sizeof value));
    }
  }

 private:
  std::mutex mutex_;
  std::uint64_t state_;
};

/// What the file says; it is replaced as a whole.
std::int64_t time_of(const char* file) {
  char text[32] = {};
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) std::abort();
  close(fd);
  return std::strtoll(text, nullptr, 10);
}

int changed(int result, struct stat* status) {
  if (result == 0 && is_salvor()) {
    status->st_ino += kInodesFrom;
    status->st_dev += kDevicesFrom;
  }
  return result;
}

int changed(int result, struct statvfs* status) {
  if (result == 0 && is_salvor()) {
    status->f_bfree = kFree_bytes / status->f_frsize;
    status->f_bavail = status->f_bfree;
  }
  return result;
}

}  // namespace

#define REAL(function) \
  static const auto real_function = real(#function, static_cast<decltype(&(function))>(nullptr))

extern "C" {

int clock_gettime(clockid_t clock, timespec* value) noexcept {
  REAL(clock_gettime);
  const void* caller = __builtin_return_address(0);
  const bool stands_still = is_salvor() && (is_own_code(caller) || is_curl(caller));
  const char* file = stands_still ? std::getenv("GOLDEN_CLOCK") : nullptr;
  if (file == nullptr) return real_function(clock, value);
  const std::int64_t now = time_of(file);
  *value = {now / 1'000'000'000, now % 1'000'000'000};
  return 0;
}

ssize_t getrandom(void* bytes, std::size_t size, unsigned flags) {
  REAL(getrandom);
  static const char* seed = std::getenv("GOLDEN_SEED");
  static const pid_t first = getpid();
  // A process that was forked off must not draw what its parent draws.
  const bool as_given = seed != nullptr && is_salvor() && getpid() == first;
  if (!as_given || !is_own_code(__builtin_return_address(0))) {
    return real_function(bytes, size, flags);
  }
  static Numbers numbers(std::strtoull(seed, nullptr, 10));
  numbers.fill(bytes, size);
  return static_cast<ssize_t>(size);
}

int gethostname(char* name, std::size_t size) noexcept {
  REAL(gethostname);
  if (!is_salvor() || size <= std::strlen(kHost)) return real_function(name, size);
  std::strcpy(name, kHost);
  return 0;
}

int getpwuid_r(uid_t user, passwd* entry, char* buffer, std::size_t size, passwd** result) {
  REAL(getpwuid_r);
  const int error = real_function(user, entry, buffer, size, result);
  if (is_salvor() && error == 0 && *result != nullptr && size > std::strlen(kUser)) {
    std::strcpy(buffer, kUser);
    entry->pw_name = buffer;
  }
  return error;
}

int stat(const char* path, struct stat* status) noexcept {
  REAL(stat);
  return changed(real_function(path, status), status);
}

int lstat(const char* path, struct stat* status) noexcept {
  REAL(lstat);
  return changed(real_function(path, status), status);
}

int fstat(int fd, struct stat* status) noexcept {
  REAL(fstat);
  return changed(real_function(fd, status), status);
}

int fstatat(int directory, const char* path, struct stat* status, int flags) noexcept {
  REAL(fstatat);
  return changed(real_function(directory, path, status, flags), status);
}

int statx(int directory, const char* path, int flags, unsigned mask,
          struct statx* status) noexcept {
  REAL(statx);
  const int result = real_function(directory, path, flags, mask, status);
  if (result == 0 && is_salvor()) {
    status->stx_ino += kInodesFrom;
    status->stx_dev_major += kMajorsFrom;
  }
  return result;
}

int statvfs(const char* path, struct statvfs* status) noexcept {
  REAL(statvfs);
  return changed(real_function(path, status), status);
}

int fstatvfs(int fd, struct statvfs* status) noexcept {
  REAL(fstatvfs);
  return changed(real_function(fd, status), status);
}

int fsync(int fd) {
  REAL(fsync);
  return is_salvor() ? 0 : real_function(fd);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  return is_salvor() ? 0 : real_function(fd);
}

int syncfs(int fd) noexcept {
  REAL(syncfs);
  return is_salvor() ? 0 : real_function(fd);
}

}  // extern "C"
