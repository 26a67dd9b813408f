#include "repo/internal/keys.h"

#include "base/error.h"
#include "codec/kdf.h"
#include "codec/wire.h"

namespace salvor::repo {
namespace {
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kEpochsMax = 65536;
}  // namespace

Secret KeyRing::encode() const {
  codec::WireWriter writer;
  writer.field(1, repository.bytes());
  for (const Secret& root : roots) writer.field(2, root.view());
  writer.field(3, description);
  const Bytes plain = writer.take();
  Secret secret{ByteView(plain)};
  explicit_bzero(const_cast<std::byte*>(plain.data()), plain.size());
  return secret;
}

KeyRing KeyRing::decode(ByteView bytes) {
  constexpr std::string_view kWhat = "the key ring";
  KeyRing ring;
  codec::WireReader reader(bytes, kWhat);
  while (const auto field = reader.next_field()) {
    codec::WireReader content(field->content, kWhat);
    switch (field->number) {
      case 1:
        ring.repository = content.id<RepositoryId>();
        break;
      case 2:
        ring.roots.emplace_back(content.raw(kKeyBytes));
        break;
      case 3:
        ring.description = std::string(as_text(content.raw(content.left())));
        break;
      default:
        break;
    }
  }
  if (ring.repository.is_zero() || ring.roots.empty() || ring.roots.size() > kEpochsMax) {
    reader.fail("lacks its repository or its keys");
  }
  return ring;
}

Keys::Keys(KeyRing ring)
    : ring_(std::move(ring)),
      data_id_(derive(ring_.roots.front().view(), "salvor chunk id").view()),
      tree_id_(derive(ring_.roots.front().view(), "salvor tree id").view()),
      description_(derive(ring_.roots.front().view(), "salvor description").view()),
      slot_(derive(ring_.roots.front().view(), "salvor key slot").view()),
      record_chain_(derive(ring_.roots.front().view(), "salvor record chain").view()),
      chunker_(derive(ring_.roots.front().view(), "salvor chunker")),
      write_epoch_(static_cast<std::uint32_t>(ring_.roots.size() - 1)) {
  for (const Secret& root : ring_.roots) {
    epochs_.push_back({derive(root.view(), "salvor data"), derive(root.view(), "salvor metadata")});
  }
  const Secret boundary = derive(ring_.roots.front().view(), "salvor tree boundary");
  node_seed_ = codec::WireReader(boundary.view(), "the node boundary key").u64();
}

Secret Keys::derive(ByteView root, std::string_view info) const {
  return codec::hkdf(root, ring_.repository.bytes(), info, kKeyBytes);
}

const Keys::Epoch& Keys::epoch_keys(std::uint32_t epoch) const {
  if (epoch >= epochs_.size()) {
    throw Error(ErrorCode::corruption,
                "found an object of key epoch " + std::to_string(epoch) +
                    ", but the key ring ends at epoch " + std::to_string(epochs_.size() - 1),
                "the keys may have been rotated by another host: use its passphrase or key file");
  }
  return epochs_[epoch];
}

Secret Keys::pack_key(PackKind kind, std::uint32_t epoch, const PackId& pack) const {
  const Epoch& keys = epoch_keys(epoch);
  const Secret& from = kind == PackKind::data ? keys.data : keys.metadata;
  return codec::hkdf(from.view(), pack.bytes(), "salvor pack", kKeyBytes);
}

Secret Keys::object_key(std::uint32_t epoch, ByteView salt) const {
  return codec::hkdf(epoch_keys(epoch).metadata.view(), salt, "salvor object", kKeyBytes);
}

Secret Keys::secret_for(std::string_view purpose) const {
  return derive(ring_.roots.front().view(), "salvor secret " + std::string(purpose));
}

ChunkId Keys::chunk_id(FrameType type, ByteView chunk) const {
  const codec::Digest digest =
      type == FrameType::data ? data_id_.digest(chunk) : tree_id_.digest(chunk);
  return ChunkId(digest);
}

}  // namespace salvor::repo
