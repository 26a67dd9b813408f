#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "backend/backend.h"
#include "base/random.h"
#include "base/sleeper.h"

namespace salvor::backend {

/// How often, and after which pauses, a failed call is made again. The pause after failure n is
/// random between 0 and min(delay_max_ms, first_delay_ms * 2^(n-1)) ("full jitter"), so that many
/// writers that were cut off together do not come back together.
/// Lifetime: sleeper and rng outlive the backend.
struct RetryOptions {
  int tries_max = 10;
  std::int64_t first_delay_ms = 200;
  std::int64_t delay_max_ms = 30'000;
  Sleeper* sleeper = &Sleeper::system();
  Rng* rng = &Rng::system();
  std::stop_token stop = {};  ///< ends a pause; the call then throws (cancelled)
};

/// The same medium, but a call that fails with a retryable error is made again, and each failure is
/// logged. After tries_max failures the last error is thrown; a list begins to count anew with each
/// object that it shows.
/// A list that breaks off continues behind the last object that it showed; what `visit` throws is
/// passed on at once.
/// A put_if_absent that is repeated and finds `exists` reads the object. When its bytes are those
/// that were to be put, an earlier try had succeeded, and the result is `created`. That is right
/// only for objects that nobody else can have made with the same bytes: all that salvor writes are
/// sealed under a nonce.
/// Threads: as `inner`.
std::unique_ptr<Backend> with_retry(std::unique_ptr<Backend> inner, RetryOptions options = {});

}  // namespace salvor::backend
