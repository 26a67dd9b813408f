#include "control/init.h"

#include <filesystem>

#include "base/log.h"
#include "codec/sealed_box.h"
#include "config/key_file.h"
#include "config/silent_paths.h"
#include "control/caller.h"
#include "control/internal/opened.h"

namespace salvor::control {
namespace {

/// The public key of the configured key file, which is made when it is missing.
std::optional<Bytes> recipient_of(const config::Config& config, const Caller& caller,
                                  InitReport& report) {
  const auto& path = config.repository.key_file;
  if (!path) return std::nullopt;
  std::error_code error;
  if (!std::filesystem::exists(*path, error) && !error) {
    report.new_key_file = path->native();
    return config::make_key_file(*path);
  }
  return codec::box_public_key(config::read_key_file(*path, caller.stop).view());
}

repo::NewSlot passphrase_slot(const config::Config& config, const Caller& caller) {
  repo::NewSlot slot;
  slot.label = "passphrase";
  slot.passphrase = config::read_passphrase(config.repository.passphrase, caller.stop);
  return slot;
}

repo::NewSlot key_file_slot(const Bytes& recipient) {
  repo::NewSlot slot;
  slot.label = "key file";
  slot.recipient = recipient;
  return slot;
}

void refuse_existing(const config::Config& config) {
  std::error_code error;
  if (!std::filesystem::exists(config.repository.path / "salvor.json", error)) return;
  throw Error(ErrorCode::conflict,
              "there is a repository at " + printable(config.repository.path.native()) + " already",
              "choose another place, or use the one that is there");
}

/// A second one would take the backups, and be hidden once the first one is mounted.
void refuse_known(const config::Config& config) {
  const std::string known = internal::known_repository_at(config);
  if (known.empty()) return;
  throw Error(
      ErrorCode::refused,
      "no repository is at " + printable(config.repository.path.native()) + ", where one has been",
      internal::hint_on_known_repository(known));
}

}  // namespace

InitReport init(const config::Config& config, const InitRequest& request, const Caller& caller) {
  using Role = config::SilentPath::Role;
  config::require_answers(config, {Role::repository, Role::secret, Role::state});
  config::check_paths(config);
  // Check this before a key file is made in vain.
  refuse_existing(config);
  if (!request.replace_known) refuse_known(config);
  InitReport report;
  const bool has_passphrase =
      config.repository.passphrase.kind != config::SecretReference::Kind::none;
  std::optional<repo::NewSlot> first;
  if (has_passphrase) first = passphrase_slot(config, caller);
  const std::optional<Bytes> recipient = recipient_of(config, caller, report);
  if (!first) first = key_file_slot(recipient.value());
  {
    const auto backend = internal::create_backend(config);
    repo::Repository::create(*backend, *first, Clock::system(), Rng::system());
  }
  const repo::Access access =
      has_passphrase && recipient ? repo::Access::write : repo::Access::read;
  config::Config opening = config;
  // The new repository does not know the key file yet.
  if (access == repo::Access::write) opening.repository.key_file.reset();
  const internal::Opened opened = internal::open_repository(opening, access, caller.stop);
  if (access == repo::Access::write) opened.repository->add_slot(key_file_slot(*recipient));
  internal::Logbook logbook(config);
  logbook.note_location(*opened.repository);
  logbook.note_head(opened.repository->id().hex(), opened.repository->sequence());
  report.repository = opened.repository->id().hex();
  report.location = opened.repository->location();
  report.slots = opened.repository->slots();
  return report;
}

}  // namespace salvor::control
