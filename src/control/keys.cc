#include "control/keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/answers.h"
#include "base/log.h"
#include "codec/sealed_box.h"
#include "config/key_file.h"
#include "config/silent_paths.h"
#include "control/caller.h"
#include "control/internal/opened.h"

namespace salvor::control {
namespace {

/// A change of keys: opens for writing, and remembers how far the log then reaches.
template <class Change>
auto change_keys(const config::Config& config, const Caller& caller, const Change& change) {
  const internal::Opened opened =
      internal::open_repository(config, repo::Access::write, caller.stop);
  internal::Logbook logbook(config);
  internal::compare_head(*opened.repository, logbook, internal::ShorterLog::refuse);
  const auto result = change(*opened.repository);
  logbook.note_head(opened.repository->id().hex(), opened.repository->sequence());
  return result;
}

Bytes parse_recipient(const std::string& hex) {
  Bytes key(codec::kBoxKeyBytes);
  if (from_hex(hex, key)) return key;
  throw Error(ErrorCode::usage,
              fmt::format("\"{}\" is no recipient: expected {} hexadecimal digits", printable(hex),
                          2 * codec::kBoxKeyBytes),
              "`salvor keys generate FILE` prints the recipient of the key that it makes");
}

repo::SlotId find_slot(repo::Repository& repository, const std::string& name) {
  std::optional<repo::SlotId> found;
  for (const repo::SlotInfo& slot : repository.slots()) {
    if (name.empty() || !slot.id.hex().starts_with(name)) continue;
    if (found) {
      throw Error(
          ErrorCode::usage,
          fmt::format("several keys begin with {}: {}, {}", name, found->hex(), slot.id.hex()),
          "write more of the id");
    }
    found = slot.id;
  }
  if (found) return *found;
  throw Error(ErrorCode::not_found, "there is no key " + printable(name),
              "`salvor keys list` lists the keys");
}

}  // namespace

std::vector<repo::SlotInfo> list_keys(const config::Config& config, const Caller& caller) {
  return internal::open_repository(config, repo::Access::read, caller.stop).repository->slots();
}

std::string add_key(const config::Config& config, const AddKeyRequest& request,
                    const Caller& caller) {
  if (request.passphrase.has_value() == !request.recipient.empty()) {
    throw Error(ErrorCode::usage, "expected either a new passphrase or a recipient",
                "give one of --passphrase-file, --passphrase-env, --passphrase-command, "
                "--recipient");
  }
  repo::NewSlot slot;
  slot.label = request.label;
  if (request.passphrase) {
    if (request.passphrase->kind == config::SecretReference::Kind::file) {
      config::require_answers_of({{request.passphrase->value, "the file of the new passphrase"}},
                                 config, caller.stop);
    }
    slot.passphrase = config::read_passphrase(*request.passphrase, caller.stop);
  } else {
    slot.recipient = parse_recipient(request.recipient);
  }
  return change_keys(config, caller,
                     [&](repo::Repository& repository) { return repository.add_slot(slot).hex(); });
}

std::string remove_key(const config::Config& config, const std::string& slot,
                       const Caller& caller) {
  return change_keys(config, caller, [&](repo::Repository& repository) {
    const repo::SlotId id = find_slot(repository, slot);
    const std::vector<repo::SlotInfo> slots = repository.slots();
    repository.remove_slot(id);
    const bool was_used = std::ranges::any_of(
        slots, [&](const repo::SlotInfo& info) { return info.id == id && info.in_use; });
    if (was_used) {
      log::warning(
          "key {} was the one that this configuration opens the repository with: "
          "configure another one",
          id.hex());
    }
    return id.hex();
  });
}

void rotate_keys(const config::Config& config, const Caller& caller) {
  change_keys(config, caller, [](repo::Repository& repository) {
    repository.rotate();
    return 0;
  });
}

std::string generate_key_file(const std::filesystem::path& file) {
  config::require_answers_of({{file, "the place of the key file"}}, kAnswersWait_ms / 1000, {});
  return to_hex(config::make_key_file(file));
}

}  // namespace salvor::control
