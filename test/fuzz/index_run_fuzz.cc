#include "base/error.h"
#include "fixed_keys.h"
#include "repo/internal/index.h"

/// Any bytes as the content of an index run: decoded to something that means the same when it is
/// encoded, or refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace salvor;
  std::vector<repo::PackDirectory> packs;
  try {
    packs = repo::decode_index_run(fuzz::input(data, size), "index/fuzz");
  } catch (const Error&) {
    return 0;
  }
  for (const repo::PackDirectory& directory : packs) {
    for (const repo::FrameInfo& frame : directory.frames) {
      SALVOR_ASSERT(std::uint64_t{frame.offset} + frame.stored <= directory.pack.size);
      std::uint64_t content = 0;
      for (const repo::ChunkInfo& chunk : frame.chunks) content += chunk.length;
      SALVOR_ASSERT(content == frame.content);
    }
  }
  const auto again = repo::decode_index_run(repo::encode_index_run(packs), "index/fuzz");
  SALVOR_ASSERT(again.size() == packs.size());
  for (std::size_t i = 0; i < packs.size(); ++i) {
    SALVOR_ASSERT(again[i].pack.id == packs[i].pack.id);
    SALVOR_ASSERT(again[i].frames.size() == packs[i].frames.size());
    for (std::size_t j = 0; j < packs[i].frames.size(); ++j) {
      SALVOR_ASSERT(again[i].frames[j].chunks.size() == packs[i].frames[j].chunks.size());
    }
  }
  return 0;
}
