#include "testing/call_faults.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "base/error.h"

namespace salvor::testing {
namespace {

std::atomic<bool> armed{false};
Call meant{};
int error_number = 0;
unsigned first_failing = 0;
unsigned failing = 0;
std::atomic<unsigned> seen{0};
std::atomic<unsigned> failed{0};

/// The error that the call is to fail with; 0 for none.
int fault_of(Call call) {
  if (!armed || call != meant) return 0;
  const unsigned number = ++seen;
  if (number < first_failing || number - first_failing >= failing) return 0;
  ++failed;
  return error_number;
}

/// Sets errno, unless the call goes on; `size` becomes less where it is to move less.
bool fails(Call call, std::size_t* size = nullptr) {
  const int error = fault_of(call);
  if (error == kMovesLess && size != nullptr && *size > 1) *size /= 2;
  if (error <= 0) return false;
  errno = error;
  return true;
}

}  // namespace

CallFault::CallFault(Call call, int error, unsigned first, unsigned count) {
  SALVOR_ASSERT(!armed);
  meant = call;
  error_number = error;
  first_failing = first;
  failing = count;
  seen = 0;
  failed = 0;
  armed = true;
}

CallFault::~CallFault() {
  armed = false;
}

unsigned CallFault::met() const {
  return failed;
}

}  // namespace salvor::testing

using salvor::testing::Call;
using salvor::testing::fails;

extern "C" {

ssize_t pread(int fd, void* out, std::size_t size, off_t at) {
  if (fails(Call::pread, &size)) return -1;
  return syscall(SYS_pread64, fd, out, size, at);
}

ssize_t pwrite(int fd, const void* in, std::size_t size, off_t at) {
  if (fails(Call::pwrite, &size)) return -1;
  return syscall(SYS_pwrite64, fd, in, size, at);
}

off_t lseek(int fd, off_t at, int whence) noexcept {
  if (fails(Call::lseek)) return -1;
  return syscall(SYS_lseek, fd, at, whence);
}

int linkat(int from, const char* old_name, int to, const char* name, int flags) noexcept {
  if (fails(Call::linkat)) return -1;
  return static_cast<int>(syscall(SYS_linkat, from, old_name, to, name, flags));
}

int symlinkat(const char* target, int parent, const char* name) noexcept {
  if (fails(Call::symlinkat)) return -1;
  return static_cast<int>(syscall(SYS_symlinkat, target, parent, name));
}

int mknodat(int parent, const char* name, mode_t mode, dev_t device) noexcept {
  if (fails(Call::mknodat)) return -1;
  return static_cast<int>(syscall(SYS_mknodat, parent, name, mode, static_cast<unsigned>(device)));
}

}  // extern "C"
