#include "backend/retry.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/log.h"

namespace salvor::backend {
namespace {

/// The tries of one call.   Threads: one.
class Tries {
 public:
  Tries(const RetryOptions& options, std::string what)
      : options_(options), what_(std::move(what)) {}

  /// Call it after each failure. It waits, or throws when there were enough tries.
  void failed(const Error& error) {
    ++failures_;
    if (!error.retryable()) throw error;
    if (failures_ >= options_.tries_max) {
      throw error.with_context("gave up after " + std::to_string(failures_) + " tries");
    }
    const std::int64_t delay_ms = draw_delay_ms();
    log::warning("{}: {}; trying again in {} ms (failure {} of {})", what_, error.message(),
                 delay_ms, failures_, options_.tries_max);
    if (!options_.sleeper->sleep(delay_ms, options_.stop)) {
      throw Error(ErrorCode::cancelled,
                  what_ + ": stopped while waiting to try again after: " + error.message(),
                  error.hint());
    }
  }

  void made_progress() { failures_ = 0; }

 private:
  std::int64_t draw_delay_ms() const {
    std::int64_t limit_ms = std::max<std::int64_t>(options_.first_delay_ms, 0);
    for (int i = 1; i < failures_ && limit_ms < options_.delay_max_ms; ++i) limit_ms *= 2;
    limit_ms = std::clamp<std::int64_t>(limit_ms, 0, options_.delay_max_ms);
    return static_cast<std::int64_t>(options_.rng->next_u64() %
                                     (static_cast<std::uint64_t>(limit_ms) + 1));
  }

  const RetryOptions& options_;
  const std::string what_;
  int failures_ = 0;
};

class RetryBackend final : public Backend {
 public:
  RetryBackend(std::unique_ptr<Backend> inner, RetryOptions options)
      : inner_(std::move(inner)), options_(std::move(options)) {
    SALVOR_ASSERT(options_.tries_max >= 1 && options_.delay_max_ms >= 0);
    SALVOR_ASSERT(options_.delay_max_ms <= std::numeric_limits<std::int64_t>::max() / 2);
  }

  std::string location() const override { return inner_->location(); }

  PutResult put_if_absent(const std::string& name, ByteView bytes) override;
  void list(const std::string& prefix, const std::string& after, const Visit& visit) override;

  Bytes get(const std::string& name, std::uint64_t bytes_max) override {
    return retried("get", name, [&] { return inner_->get(name, bytes_max); });
  }
  std::size_t get_range(const std::string& name, std::uint64_t offset,
                        MutableByteView out) override {
    return retried("get", name, [&] { return inner_->get_range(name, offset, out); });
  }
  std::optional<std::uint64_t> size(const std::string& name) override {
    return retried("size", name, [&] { return inner_->size(name); });
  }
  void remove(const std::string& name) override {
    retried("remove", name, [&] { inner_->remove(name); });
  }
  std::optional<Error> why_unwritable() override { return inner_->why_unwritable(); }
  std::optional<std::uint64_t> free_bytes() override {
    return retried("free space", "", [&] { return inner_->free_bytes(); });
  }

 private:
  enum class Found { ours, others, nothing };

  std::string describe(std::string_view action, const std::string& name) const {
    return std::string(action) + " " + printable(name) + " in " + inner_->location();
  }

  template <class Call>
  std::invoke_result_t<Call&> retried(std::string_view action, const std::string& name,
                                      Call&& call) {
    Tries tries(options_, describe(action, name));
    while (true) {
      try {
        return call();
      } catch (const Error& error) {
        tries.failed(error);
      }
    }
  }

  Found compare(const std::string& name, ByteView bytes);

  const std::unique_ptr<Backend> inner_;
  const RetryOptions options_;
};

RetryBackend::Found RetryBackend::compare(const std::string& name, ByteView bytes) {
  const auto found_bytes = size(name);
  if (!found_bytes) return Found::nothing;
  if (*found_bytes != bytes.size()) return Found::others;
  try {
    const Bytes found = get(name, bytes.size());
    return std::equal(found.begin(), found.end(), bytes.begin(), bytes.end()) ? Found::ours
                                                                              : Found::others;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    return Found::nothing;
  }
}

PutResult RetryBackend::put_if_absent(const std::string& name, ByteView bytes) {
  Tries tries(options_, describe("put", name));
  bool may_be_ours = false;
  while (true) {
    try {
      const PutResult result = inner_->put_if_absent(name, bytes);
      if (result == PutResult::created || !may_be_ours) return result;
    } catch (const Error& error) {
      tries.failed(error);
      may_be_ours = true;
      continue;
    }
    switch (compare(name, bytes)) {
      case Found::ours:
        return PutResult::created;
      case Found::others:
        return PutResult::exists;
      case Found::nothing:
        // It was removed between the two calls; the name is free again.
        break;
    }
  }
}

void RetryBackend::list(const std::string& prefix, const std::string& after, const Visit& visit) {
  Tries tries(options_, describe("list", prefix));
  std::string last = after;
  bool visitor_threw = false;
  const Visit remember = [&](const Object& object) {
    visitor_threw = true;
    visit(object);
    visitor_threw = false;
    last = object.name;
    tries.made_progress();
  };
  while (true) {
    try {
      return inner_->list(prefix, last, remember);
    } catch (const Error& error) {
      if (visitor_threw) throw;
      tries.failed(error);
    }
  }
}

}  // namespace

std::unique_ptr<Backend> with_retry(std::unique_ptr<Backend> inner, RetryOptions options) {
  return std::make_unique<RetryBackend>(std::move(inner), std::move(options));
}

}  // namespace salvor::backend
