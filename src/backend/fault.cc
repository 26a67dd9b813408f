#include "backend/fault.h"

#include <type_traits>
#include <utility>

namespace salvor::backend {
namespace {

std::string describe(const Call& call) {
  return printable(call.name) + " (call " + std::to_string(call.number) + ")";
}

}  // namespace

Fault Fault::unreachable_after_visits(std::uint64_t visits) {
  Fault fault(Kind::unreachable, When::while_listing);
  fault.visits_ = visits;
  return fault;
}

Fault Fault::kill_before(Action action) {
  Fault fault(Kind::kill, When::before);
  fault.action_ = std::move(action);
  return fault;
}

Fault Fault::kill_after(Action action) {
  Fault fault(Kind::kill, When::after);
  fault.action_ = std::move(action);
  return fault;
}

void FaultBackend::at(std::uint64_t number, Fault fault) {
  const std::lock_guard lock(mutex_);
  by_number_.insert_or_assign(number, std::move(fault));
}

void FaultBackend::on(Chooser chooser) {
  auto shared = chooser ? std::make_shared<const Chooser>(std::move(chooser)) : nullptr;
  const std::lock_guard lock(mutex_);
  chooser_ = std::move(shared);
}

void FaultBackend::throw_if_dead() const {
  if (dead_) throw Killed();
}

Call FaultBackend::begin(Operation operation, const std::string& name) {
  Call call{operation, name, ++calls_};
  throw_if_dead();
  return call;
}

std::optional<Fault> FaultBackend::choose(const Call& call) {
  std::shared_ptr<const Chooser> chooser;
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_number_.find(call.number);
    if (found != by_number_.end()) return found->second;
    chooser = chooser_;
  }
  return chooser ? (*chooser)(call) : std::nullopt;
}

void FaultBackend::strike(const std::optional<Fault>& fault, Fault::When when, const Call& call) {
  if (!fault || fault->when_ != when) return;
  switch (fault->kind_) {
    case Fault::Kind::unreachable:
      throw Error(ErrorCode::unreachable, "no answer for " + describe(call)).as_retryable();
    case Fault::Kind::no_space:
      throw Error(ErrorCode::no_space, "no space for " + describe(call)).as_unwritable();
    case Fault::Kind::read_only:
      throw Error(ErrorCode::failed, "read-only, at " + describe(call)).as_unwritable();
    case Fault::Kind::kill:
      dead_ = true;
      if (fault->action_) fault->action_();
      throw Killed();
  }
}

template <class Do>
auto FaultBackend::run(const Call& call, const std::optional<Fault>& fault, Do&& make_call) {
  strike(fault, Fault::When::before, call);
  if (call.operation != Operation::list) strike(fault, Fault::When::while_listing, call);
  if constexpr (std::is_void_v<decltype(make_call())>) {
    make_call();
    strike(fault, Fault::When::after, call);
    throw_if_dead();
  } else {
    auto result = make_call();
    strike(fault, Fault::When::after, call);
    // Another thread has simulated the death of the process meanwhile, so nobody learns the result.
    throw_if_dead();
    return result;
  }
}

PutResult FaultBackend::replace(const std::string& name, ByteView bytes) {
  while (inner_.put_if_absent(name, bytes) == PutResult::exists) inner_.remove(name);
  return PutResult::created;
}

PutResult FaultBackend::put_if_absent(const std::string& name, ByteView bytes) {
  const Call call = begin(Operation::put, name);
  return run(call, choose(call), [&] {
    return ignores_condition_ ? replace(name, bytes) : inner_.put_if_absent(name, bytes);
  });
}

Bytes FaultBackend::get(const std::string& name, std::uint64_t bytes_max) {
  const Call call = begin(Operation::get, name);
  return run(call, choose(call), [&] { return inner_.get(name, bytes_max); });
}

std::size_t FaultBackend::get_range(const std::string& name, std::uint64_t offset,
                                    MutableByteView out) {
  const Call call = begin(Operation::get_range, name);
  return run(call, choose(call), [&] { return inner_.get_range(name, offset, out); });
}

std::optional<std::uint64_t> FaultBackend::size(const std::string& name) {
  const Call call = begin(Operation::size, name);
  return run(call, choose(call), [&] { return inner_.size(name); });
}

void FaultBackend::list(const std::string& prefix, const std::string& after, const Visit& visit) {
  const Call call = begin(Operation::list, prefix);
  const std::optional<Fault> fault = choose(call);
  std::uint64_t visits = 0;
  const Visit counted = [&](const Object& object) {
    throw_if_dead();
    if (fault && visits++ == fault->visits_) strike(fault, Fault::When::while_listing, call);
    visit(object);
  };
  run(call, fault, [&] { inner_.list(prefix, after, counted); });
}

void FaultBackend::remove(const std::string& name) {
  const Call call = begin(Operation::remove, name);
  run(call, choose(call), [&] { inner_.remove(name); });
}

std::optional<std::uint64_t> FaultBackend::free_bytes() {
  throw_if_dead();
  return inner_.free_bytes();
}

}  // namespace salvor::backend
