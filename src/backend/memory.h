#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "backend/backend.h"

namespace salvor::backend {

/// A medium that lasts as long as the object, for tests and simulations. A test that wants damage
/// does it through objects().
/// Threads: any, as with all backends; but objects() only while no other call runs.
class MemoryBackend final : public Backend {
 public:
  using Objects = std::map<std::string, Bytes>;

  /// Begins with these objects.
  explicit MemoryBackend(Objects objects = {});

  std::string location() const override { return "memory"; }
  PutResult put_if_absent(const std::string& name, ByteView bytes) override;
  Bytes get(const std::string& name, std::uint64_t bytes_max) override;
  std::size_t get_range(const std::string& name, std::uint64_t offset,
                        MutableByteView out) override;
  std::optional<std::uint64_t> size(const std::string& name) override;
  void list(const std::string& prefix, const std::string& after, const Visit& visit) override;
  void remove(const std::string& name) override;

  /// Another medium with a copy of every object: the medium as a crash at this moment leaves it.
  std::unique_ptr<MemoryBackend> clone() const;

  /// The content itself: to flip a byte, to cut an object short, to take one away.
  Objects& objects() { return objects_; }

 private:
  const Bytes& find(const std::string& name) const;  ///< with mutex_ held

  mutable std::mutex mutex_;
  Objects objects_;  ///< guarded by mutex_
};

}  // namespace salvor::backend
