#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/id.h"

/// The encoding of everything that salvor stores: little-endian integers, LEB128 varints, byte
/// strings with their length in front, and messages of numbered fields (docs/format.md,
/// "Encoding").
///     WireWriter writer;                        WireReader reader(bytes, "a log entry");
///     writer.field(1, name);                    while (auto field = reader.next_field()) {
///     writer.field_number(2, count);              if (field->number == 1) name = …;
///     put(writer.view());                       }  // unknown fields are passed over
namespace salvor::codec {

/// Appends values to a buffer of its own.
/// Errors:  none.
/// Threads: one.
class WireWriter {
 public:
  void u8(std::uint8_t value) { out_.push_back(std::byte{value}); }
  void u32(std::uint32_t value) { little_endian(value, 4); }
  void u64(std::uint64_t value) { little_endian(value, 8); }
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<std::byte>(value | 0x80));
      value >>= 7U;
    }
    out_.push_back(static_cast<std::byte>(value));
  }
  /// Signed, with small magnitudes short: 0, -1, 1, -2 … are written as the varints 0, 1, 2, 3 …
  void zigzag(std::int64_t value) {
    varint((static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void raw(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void bytes(ByteView bytes) {
    varint(bytes.size());
    raw(bytes);
  }
  void text(std::string_view text) { bytes(as_bytes(text)); }
  template <class Tag, std::size_t Size>
  void id(const Id<Tag, Size>& value) {
    raw(value.bytes());
  }

  /// One field of a message: its number, then its content as a byte string. A number is never
  /// reused for another meaning, so that readers of every version may skip what they do not know.
  void field(std::uint32_t number, ByteView content) {
    varint(number);
    bytes(content);
  }
  void field(std::uint32_t number, std::string_view content) { field(number, as_bytes(content)); }
  /// A field whose content is one varint; number_of() reads it.
  void field_number(std::uint32_t number, std::uint64_t value);

  std::size_t size() const { return out_.size(); }
  ByteView view() const { return out_; }
  Bytes take() { return std::move(out_); }
  void clear() { out_.clear(); }

 private:
  void little_endian(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) {
      out_.push_back(static_cast<std::byte>(value));
      value >>= 8U;
    }
  }

  Bytes out_;
};

/// Takes values from the head of a view. It never reads past the end of the view, and never
/// allocates by a length that was not compared with what is there: the bytes may be hostile. Each
/// value has one encoding, and any other is refused.
/// Errors:   corruption, naming `what` and the offset.
/// Threads:  one.
/// Lifetime: the input, the text of `what`, and views that were returned belong to the caller; the
///           views look into the input.
class WireReader {
 public:
  WireReader(ByteView in, std::string_view what) : in_(in), what_(what) {}

  std::uint8_t u8() { return std::to_integer<std::uint8_t>(raw(1)[0]); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(little_endian(4)); }
  std::uint64_t u64() { return little_endian(8); }
  std::uint64_t varint() {
    if (at_ < in_.size() && std::to_integer<unsigned>(in_[at_]) < 0x80) {
      return std::to_integer<std::uint64_t>(in_[at_++]);
    }
    return long_varint();
  }
  std::int64_t zigzag() {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
  }
  /// A varint that must not be above `most`.
  std::uint64_t varint_max(std::uint64_t most);
  std::uint32_t varint32() { return static_cast<std::uint32_t>(varint_max(0xFFFFFFFFU)); }

  ByteView raw(std::size_t size) {
    if (size > in_.size() - at_) fail("ends too early");
    const ByteView taken = in_.subspan(at_, size);
    at_ += size;
    return taken;
  }
  /// A byte string. A length above `size_max`, or above what is left, is an error.
  ByteView bytes(std::uint64_t size_max = ~0ULL) {
    const std::uint64_t size = varint();
    if (size > size_max || size > in_.size() - at_) fail("has an impossible length");
    return raw(static_cast<std::size_t>(size));
  }
  std::string text(std::uint64_t size_max = ~0ULL) { return std::string(as_text(bytes(size_max))); }
  template <class SomeId>
  SomeId id() {
    return SomeId(std::span<const std::byte, SomeId::kSize>(raw(SomeId::kSize)));
  }

  /// One field of a message; its content looks into the input.
  struct Field {
    std::uint32_t number;
    ByteView content;
  };
  /// The next field of a message; empty at its end.
  std::optional<Field> next_field();

  std::size_t left() const { return in_.size() - at_; }
  std::size_t offset() const { return at_; }
  bool at_end() const { return at_ == in_.size(); }
  /// Throws unless everything was read.
  void expect_end() const;

  /// Throws `corruption`: "WHAT HOW (at byte N of M)". For callers that find a value impossible.
  [[noreturn]] void fail(std::string_view how) const;

 private:
  std::uint64_t little_endian(std::size_t count) {
    const ByteView taken = raw(count);
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8U | std::to_integer<unsigned>(taken[i]);
    return value;
  }
  std::uint64_t long_varint();

  ByteView in_;
  std::string_view what_;
  std::size_t at_ = 0;
};

/// The content of a field that field_number() wrote.
/// Errors: corruption, naming `what`.
std::uint64_t number_of(const WireReader::Field& field, std::string_view what);

}  // namespace salvor::codec
