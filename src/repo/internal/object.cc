#include "repo/internal/object.h"

#include <algorithm>

#include "base/error.h"
#include "codec/aead.h"
#include "codec/compress.h"
#include "codec/wire.h"

namespace salvor::repo {
namespace {

constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kChecksumBytes = 16;
constexpr std::size_t kHeaderBytes = 8 + 4 + 4 + kSaltBytes;
constexpr int kLevel = 3;

Bytes associated_data(const ObjectKeys& keys, ObjectType type, const std::string& name) {
  codec::WireWriter writer;
  writer.raw(keys.owner());
  writer.u8(static_cast<std::uint8_t>(type));
  writer.raw(as_bytes(name));
  return writer.take();
}

/// What a sealed object is made of.
struct Parts {
  std::uint8_t type;
  std::uint32_t epoch;
  ByteView salt;
  ByteView sealed;  // with its tag
};

[[noreturn]] void throw_other_kind(const std::string& name) {
  throw_damaged(name, "it is another kind of object");
}

/// Errors: corruption, when the bytes are not as they were written.
Parts take_apart(const std::string& name, ByteView stored) {
  if (stored.size() < kHeaderBytes + codec::kAeadTagBytes + kChecksumBytes) {
    throw_damaged(name, "it is too short");
  }
  const ByteView body = stored.first(stored.size() - kChecksumBytes);
  const codec::Checksum sum = codec::checksum(body);
  if (!std::equal(sum.begin(), sum.end(), stored.end() - kChecksumBytes)) {
    throw_damaged(name, "its checksum does not match");
  }
  codec::WireReader reader(body, name);
  if (as_text(reader.raw(kSealMagic.size())) != kSealMagic) throw_other_kind(name);
  Parts parts;
  parts.type = reader.u8();
  reader.raw(3);
  parts.epoch = reader.u32();
  parts.salt = reader.raw(kSaltBytes);
  parts.sealed = reader.raw(reader.left());
  return parts;
}

}  // namespace

void throw_damaged(const std::string& name, std::string_view how) {
  throw Error(ErrorCode::corruption, name + " is damaged: " + std::string(how),
              "run `salvor verify --data` to see what is affected");
}

Bytes read_object(backend::Backend& backend, const std::string& name, std::uint64_t bytes_max) {
  try {
    return backend.get(name, bytes_max);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::failed || backend.size(name).value_or(0) <= bytes_max) throw;
    throw_damaged(name, "it is too long");
  }
}

Bytes squeeze(ByteView plain) {
  codec::WireWriter writer;
  writer.u32(static_cast<std::uint32_t>(plain.size()));
  Bytes compressed(codec::compressed_bytes_max(plain.size()));
  if (const auto size = codec::compress(plain, compressed, kLevel)) {
    writer.raw(ByteView(compressed).first(*size));
  } else {
    writer.raw(plain);
  }
  return writer.take();
}

Bytes unsqueeze(ByteView squeezed, std::size_t plain_bytes_max, std::string_view what) {
  codec::WireReader reader(squeezed, what);
  const std::size_t plain_bytes = reader.u32();
  if (plain_bytes > plain_bytes_max) reader.fail("has an impossible length");
  const ByteView stored = reader.raw(reader.left());
  if (stored.size() == plain_bytes) return to_bytes(stored);
  Bytes plain(plain_bytes);
  if (!codec::decompress(stored, plain)) reader.fail("does not decompress");
  return plain;
}

Bytes seal_object(const ObjectKeys& keys, ObjectType type, const std::string& name,
                  ByteView content, Rng& rng, std::optional<std::uint32_t> epoch) {
  if (content.size() > kObjectBytesMax) {
    throw Error(ErrorCode::failed, name + " would have " + std::to_string(content.size()) +
                                       " bytes, expected at most " +
                                       std::to_string(kObjectBytesMax));
  }
  const std::uint32_t of_epoch = epoch.value_or(keys.epoch());
  Bytes salt(kSaltBytes);
  rng.fill(salt);
  codec::WireWriter writer;
  writer.raw(as_bytes(kSealMagic));
  writer.u8(static_cast<std::uint8_t>(type));
  writer.raw(Bytes(3));
  writer.u32(of_epoch);
  writer.raw(salt);
  Bytes object = writer.take();
  const Bytes squeezed = squeeze(content);
  object.resize(kHeaderBytes + squeezed.size() + codec::kAeadTagBytes);
  const codec::Aead aead(keys.object_key(of_epoch, salt).view());
  aead.seal(squeezed, associated_data(keys, type, name), codec::counter_nonce(0),
            MutableByteView(object).subspan(kHeaderBytes));
  const codec::Checksum sum = codec::checksum(object);
  object.insert(object.end(), sum.begin(), sum.end());
  return object;
}

std::uint32_t epoch_of_object(const std::string& name, ByteView stored) {
  return take_apart(name, stored).epoch;
}

Bytes open_object(const ObjectKeys& keys, ObjectType type, const std::string& name,
                  ByteView stored) {
  const Parts parts = take_apart(name, stored);
  if (parts.type != static_cast<std::uint8_t>(type)) throw_other_kind(name);
  Bytes squeezed(parts.sealed.size() - codec::kAeadTagBytes);
  const codec::Aead aead(keys.object_key(parts.epoch, parts.salt).view());
  if (!aead.open(parts.sealed, associated_data(keys, type, name), codec::counter_nonce(0),
                 squeezed)) {
    throw_damaged(name, "it does not authenticate");
  }
  return unsqueeze(squeezed, kObjectBytesMax, name);
}

bool is_damage(const Error& error) {
  return error.code() == ErrorCode::corruption || error.code() == ErrorCode::not_found;
}

}  // namespace salvor::repo
