#include "base/error.h"
#include "fixed_keys.h"
#include "repo/internal/node.h"

namespace {

salvor::Bytes encoded(const salvor::repo::Node& node) {
  salvor::repo::NodeEncoder encoder(node.level);
  for (const auto& record : node.records) encoder.add(record);
  for (const auto& child : node.children) encoder.add(child);
  return encoder.finish();
}

}  // namespace

/// Any bytes as a tree node: decoded to something that means the same when it is encoded, or
/// refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace salvor;
  const auto id = fuzz::id_of<repo::ChunkId>(1);
  repo::Node node;
  try {
    node = repo::decode_node(fuzz::input(data, size), id);
  } catch (const Error&) {
    return 0;
  }
  const Bytes once = encoded(node);
  const repo::Node again = repo::decode_node(once, id);
  SALVOR_ASSERT(again.records == node.records && again.size() == node.size());
  SALVOR_ASSERT(encoded(again) == once);
  return 0;
}
