#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/io.h"

namespace salvor {
namespace {

class SystemRng final : public Rng {
 public:
  void fill(MutableByteView out) override {
    while (!out.empty()) {
      const ssize_t count = retried([&] { return getrandom(out.data(), out.size(), 0); });
      if (count < 0) throw_system_error("cannot read from", "the kernel's random generator", errno);
      out = out.subspan(static_cast<std::size_t>(count));
    }
  }
};

}  // namespace

std::uint64_t Rng::next_u64() {
  std::uint64_t value = 0;
  fill(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

Rng& Rng::system() {
  static SystemRng rng;
  return rng;
}

}  // namespace salvor
