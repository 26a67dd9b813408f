#include "checks/canary.h"

#include <fmt/format.h>

#include <array>
#include <initializer_list>

#include "codec/hash.h"

namespace salvor::checks {
namespace {

using Planted = Canary::Planted;

constexpr std::size_t kNonceBytes = 16;

std::string_view text_of(Planted planted) {
  // In the order of the enumeration.
  constexpr std::array<std::string_view, 3> kTexts{"no", "yes", "failed"};
  return kTexts[static_cast<std::size_t>(planted)];
}

/// Each part with its length before it, so that no two lists of parts sign alike.
std::string sign(const Secret& key, std::initializer_list<std::string_view> parts) {
  std::string message;
  for (const std::string_view part : parts) {
    message += fmt::format("{}:{},", part.size(), part);
  }
  return to_hex(codec::Hmac(key.view()).digest(as_bytes(message)));
}

std::string signature_of(const Secret& key, const stores::Marker& marker) {
  return sign(key, {"marker", marker.service, marker.store, marker.nonce, marker.time});
}

std::string signature_of(const Secret& key, const Canary& canary) {
  return sign(key, {"canary", canary.service, canary.store, canary.root, canary.nonce, canary.time,
                    text_of(canary.planted)});
}

bool same(std::string_view a, std::string_view b) {
  return codec::equal_in_constant_time(as_bytes(a), as_bytes(b));
}

/// The value of "NAME=VALUE " in a statement.
std::string_view value_of(std::string_view text, std::string_view name) {
  const std::string start = fmt::format("{}=", name);
  const std::size_t at = text.starts_with(start) ? 0 : text.find(" " + start);
  if (at == std::string_view::npos) return {};
  const std::string_view value = text.substr(text.find('=', at) + 1);
  return value.substr(0, value.find(' '));
}

/// What the fact of a point says of its snapshot; empty when it is not authentic.
std::optional<Canary> read_canary(const Secret& key, const repo::Point& point,
                                  const repo::Snapshot& snapshot, std::string_view text) {
  Canary canary{point.service,
                snapshot.store,
                snapshot.root.hex(),
                std::string(value_of(text, "nonce")),
                std::string(value_of(text, "time")),
                Planted::no};
  for (const Planted planted : {Planted::yes, Planted::failed}) {
    if (value_of(text, "planted") == text_of(planted)) canary.planted = planted;
  }
  if (!same(signature_of(key, canary), value_of(text, "signature"))) return std::nullopt;
  return canary;
}

/// What is wrong with the marker of a copy; empty when nothing is.
std::string problem_of(const Secret& key, const Canary& canary,
                       const std::optional<stores::Marker>& found) {
  if (!found) return "missing: the copy has no canary";
  if (!same(signature_of(key, *found), found->signature)) {
    return "forged: its signature is not this repository's";
  }
  if (found->service != canary.service) {
    return fmt::format("the canary of another service: it was planted in store {} of service {}",
                       printable(found->store), printable(found->service));
  }
  if (found->store != canary.store) {
    return fmt::format("the canary of another store: it was planted in store {}",
                       printable(found->store));
  }
  if (found->nonce == canary.nonce) return {};
  return fmt::format("{} canary: it was planted at {}, and the canary of this point at {}",
                     found->time < canary.time ? "an older" : "a newer", printable(found->time),
                     printable(canary.time));
}

}  // namespace

std::string canary_fact(std::string_view store) {
  return fmt::format("canary.{}", store);
}

std::string canary_nonce(Rng& rng) {
  std::array<std::byte, kNonceBytes> bytes{};
  rng.fill(bytes);
  return to_hex(bytes);
}

stores::Marker make_marker(const Secret& key, const std::string& service, const std::string& store,
                           const std::string& nonce, Time time) {
  stores::Marker marker{service, store, nonce, format_time(time), {}};
  marker.signature = signature_of(key, marker);
  return marker;
}

bool is_marker_of(const Secret& key, const stores::Marker& marker, std::string_view service,
                  std::string_view store) {
  return marker.service == service && marker.store == store &&
         same(signature_of(key, marker), marker.signature);
}

std::string make_canary(const Secret& key, const Canary& canary) {
  return fmt::format("nonce={} time={} planted={} signature={}", canary.nonce, canary.time,
                     text_of(canary.planted), signature_of(key, canary));
}

CheckOutcome check_canary(const Secret& key, const repo::Point& point,
                          const repo::Snapshot& snapshot,
                          const std::function<std::optional<stores::Marker>()>& found) {
  CheckOutcome outcome;
  outcome.name = fmt::format("canary of {}", snapshot.store);
  outcome.kind = "built-in";
  outcome.store = snapshot.store;
  outcome.expected = "the canary of this point";
  const auto fact = point.facts.find(canary_fact(snapshot.store));
  if (fact == point.facts.end()) {
    outcome.verdict = Verdict::skipped;
    outcome.actual = "the recovery point has no canary";
    return outcome;
  }
  const auto canary = read_canary(key, point, snapshot, fact->second);
  if (!canary) {
    outcome.actual = "forged: the canary in the recovery point is not of this store, or not signed";
    return outcome;
  }
  if (canary->planted == Planted::failed) {
    outcome.verdict = Verdict::skipped;
    outcome.actual = "the backup could not plant a canary";
    return outcome;
  }
  if (canary->planted == Planted::no) {
    outcome.verdict = Verdict::skipped;
    outcome.actual = "no canary was planted (canary = true in the store plants one)";
    return outcome;
  }
  outcome.actual = problem_of(key, *canary, found());
  outcome.verdict = outcome.actual.empty() ? Verdict::passed : Verdict::failed;
  if (outcome.actual.empty()) outcome.actual = "found, planted at " + canary->time;
  return outcome;
}

}  // namespace salvor::checks
