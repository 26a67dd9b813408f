#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "codec/wire.h"
#include "repo/internal/log_keys.h"
#include "repo/internal/vault_state.h"
#include "testing/vault_authors.h"

/// The log of a vault without a medium, for tests of its rules.
namespace salvor::testing {

/// A point of that host, in which nothing is.
inline repo::Point point_of(const std::string& host, std::uint64_t number) {
  repo::Point point;
  std::memcpy(point.id.mutable_bytes().data(), &number, sizeof number);
  point.service = "shop";
  point.time = {static_cast<std::int64_t>(number) * 1'000'000'000};
  point.version = "1";
  point.facts = {{"host", host}};
  return point;
}

/// Appends entries to a state, as their authors sign them.
class VaultHistory {
 public:
  explicit VaultHistory(const VaultAuthors& authors) : state(authors.empty()) {}

  repo::VaultState state;

  /// Whether the entry was right.
  bool append(const repo::LogKeys& author, repo::EntryBody body, Time label = {}) {
    return state.fold(signed_bytes(author, std::move(body), label));
  }

  /// The same with the bytes of a body, as another version may write it.
  bool append_body(const repo::LogKeys& author, std::uint64_t kind, ByteView body) {
    const std::uint32_t epoch = signs_in(author);
    codec::WireWriter writer;
    writer.field(1, random_id<repo::EntryNonce>(rng_).bytes());
    writer.field_number(3, epoch);
    writer.field(4, state.head());
    writer.field(5, author.author(epoch).bytes());
    writer.field_number(6, kind);
    writer.field(7, body);
    return state.fold(
        repo::sign_part(state.log(), state.number() + 1, writer.view(), author.signing_key(epoch)));
  }

  /// The bytes of such an entry as the next one.
  Bytes signed_bytes(const repo::LogKeys& author, repo::EntryBody body, Time label = {}) {
    repo::SignedEntry entry;
    const auto* change = std::get_if<repo::EpochChange>(&body);
    entry.nonce = random_id<repo::EntryNonce>(rng_);
    entry.label = label;
    entry.epoch = change != nullptr ? change->epoch : signs_in(author);
    entry.before = state.head();
    entry.author = author.author(signs_in(author));
    entry.body = std::move(body);
    return repo::sign_entry(state.log(), state.number() + 1, entry,
                            author.signing_key(signs_in(author)));
  }

  /// Commits a point in a session of its own, with data packs 0 to `packs` - 1.
  repo::SessionNumber commit(const repo::LogKeys& author, const repo::Point& point,
                             std::uint32_t packs = 1) {
    append(author, repo::Begin{point.host(), ""});
    const repo::SessionNumber session = state.number();
    append(author,
           repo::End{session, {{session, repo::PackKind::data, 0, packs - 1}}, {}, point, {}, {}});
    return session;
  }

 private:
  /// The epoch in force, or the newest that the author knows.
  std::uint32_t signs_in(const repo::LogKeys& author) const {
    return std::min(state.epoch(), author.epoch());
  }

  SeededRng rng_{5};
};

}  // namespace salvor::testing
