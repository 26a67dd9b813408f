#include "backend/memory.h"

#include <gtest/gtest.h>

namespace salvor::backend {
namespace {

TEST(MemoryBackend, a_clone_shares_nothing) {
  MemoryBackend original;
  original.put_if_absent("a", as_bytes("one"));
  const auto copy = original.clone();
  original.put_if_absent("b", as_bytes("two"));
  copy->remove("a");
  EXPECT_EQ(original.get("a", 10), to_bytes("one"));
  EXPECT_EQ(copy->size("a"), std::nullopt);
  EXPECT_EQ(copy->size("b"), std::nullopt);
}

TEST(MemoryBackend, tests_can_damage_objects) {
  MemoryBackend backend;
  backend.put_if_absent("a", as_bytes("abc"));
  backend.objects().at("a")[1] = std::byte{'X'};
  EXPECT_EQ(backend.get("a", 10), to_bytes("aXc"));
  backend.objects().at("a").resize(1);
  EXPECT_EQ(backend.size("a"), 1U);
  backend.objects().erase("a");
  EXPECT_EQ(backend.size("a"), std::nullopt);
}

}  // namespace
}  // namespace salvor::backend
