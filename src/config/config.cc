#include "config/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>

#include "base/answers.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/nearest_name.h"
#include "base/process_identity.h"
#include "config/internal/service_parser.h"
#include "config/internal/table_reader.h"
#include "config/own_places.h"
#include "config/silent_paths.h"

namespace salvor::config {
namespace {

constexpr std::string_view kUsualFile = "salvor.toml";
constexpr std::string_view kSystemFile = "/etc/salvor/salvor.toml";

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

/// "user@host:/srv/repo", "host:repo", as ssh, rsync and restic take them.
bool is_place_on_another_host(std::string_view url) {
  const std::size_t colon = url.find(':');
  return colon != std::string_view::npos &&
         url.substr(0, colon).find('/') == std::string_view::npos;
}

void parse_url(TableReader& reader, RepositoryConfig& repository) {
  constexpr std::string_view kFileScheme = "file://";
  repository.url = reader.required_text("url");
  for (const std::string_view key : {"endpoint", "region"}) {
    if (reader.text(key) && !repository.url.starts_with("s3://")) {
      reader.complain(key, fmt::format("key \"{}\" needs a url that begins with s3://", key),
                      "leave the key out for a repository in a local directory");
    }
  }
  if (repository.url.starts_with("s3://")) {
    reader.complain("url", "repositories on S3 are not supported by this version",
                    "use a local directory");
  } else if (repository.url.starts_with(kFileScheme)) {
    repository.path = repository.url.substr(kFileScheme.size());
    if (!repository.path.is_absolute()) {
      reader.complain("url", "a file:// url needs an absolute path", "write file:///path");
    }
    repository.path = repository.path.lexically_normal();
    if (!repository.path.has_filename()) repository.path = repository.path.parent_path();
  } else if (repository.url.find("://") != std::string::npos) {
    reader.complain("url", fmt::format("unknown kind of url \"{}\"", printable(repository.url)),
                    "use a local directory, as a path or as file:///path");
  } else if (is_place_on_another_host(repository.url)) {
    reader.complain("url",
                    fmt::format("\"{}\" is a place on another host, and this version reaches "
                                "repositories in local directories only",
                                printable(repository.url)),
                    fmt::format("mount it, and name the directory; for a local path with a colon "
                                "write \"./{}\"",
                                printable(repository.url)));
  } else {
    repository.path = reader.path("url").value_or(std::filesystem::path());
  }
}

void parse_secrets(TableReader& reader, RepositoryConfig& repository) {
  using Kind = SecretReference::Kind;
  const auto file = reader.path("passphrase_file");
  const auto variable = reader.text("passphrase_env");
  const auto command = reader.text("passphrase_command");
  repository.key_file = reader.path("key_file");
  if (file) repository.passphrase = {Kind::file, file->native()};
  std::string_view given = file ? "passphrase_file" : "";
  const auto take = [&](std::string_view key, Kind kind, const std::optional<std::string>& value) {
    if (!value) return;
    if (!given.empty()) {
      reader.complain(key, fmt::format("both {} and {} are given", given, key), "keep one of them");
    }
    given = key;
    repository.passphrase = {kind, *value};
  };
  take("passphrase_env", Kind::environment, variable);
  take("passphrase_command", Kind::command, command);
  const bool written = reader.has("passphrase_file") || reader.has("passphrase_env") ||
                       reader.has("passphrase_command") || reader.has("key_file");
  if (!written) {
    reader.complain("", "missing in [repository]: a passphrase or a key file",
                    "add passphrase_file, passphrase_env, passphrase_command or key_file");
  }
}

RepositoryConfig parse_repository(TableReader& file) {
  RepositoryConfig repository;
  const TomlValue* value = file.table("repository");
  if (value == nullptr) {
    if (!file.has("repository")) file.complain_missing("repository");
    return repository;
  }
  TableReader reader(*value, "repository", file.findings());
  parse_url(reader, repository);
  parse_secrets(reader, repository);
  for (const std::string_view key : {"passphrase", "password"}) {
    const bool inline_secret =
        std::any_of(value->members.begin(), value->members.end(),
                    [&](const TomlMember& member) { return member.key == key; });
    if (inline_secret) {
      reader.complain(key, "a passphrase does not belong in this file",
                      "put it into a file of mode 0600, and name that with passphrase_file");
    }
  }
  reader.finish();
  return repository;
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

void parse_listen(TableReader& reader, ServeConfig& serve) {
  const std::optional<std::string> listen = reader.text("listen");
  if (!listen) return;
  const std::size_t colon = listen->rfind(':');
  std::string_view host = std::string_view(*listen).substr(0, colon);
  const std::string_view port_text =
      colon == std::string::npos ? "" : std::string_view(*listen).substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  int port = 0;
  const auto [end, error] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  const bool whole = error == std::errc{} && end == port_text.data() + port_text.size();
  if (host.empty() || !whole || port < 1 || port > 65535) {
    reader.complain(
        "listen",
        fmt::format("key \"listen\": found \"{}\", expected HOST:PORT", printable(*listen)),
        "write for instance \"127.0.0.1:8423\" or \"[::1]:8423\"");
    return;
  }
  serve.host = host;
  serve.port = port;
}

ServeConfig parse_serve(TableReader& file) {
  ServeConfig serve;
  const TomlValue* value = file.table("serve");
  if (value == nullptr) return serve;
  TableReader reader(*value, "serve", file.findings());
  serve.given = true;
  parse_listen(reader, serve);
  serve.open = reader.boolean("open").value_or(false);
  if (serve.open && !is_loopback(serve.host)) {
    reader.complain("open", "open = true is for a server that listens on loopback only",
                    "listen on 127.0.0.1, or leave open = false and use the token");
  }
  reader.finish();
  return serve;
}

std::vector<service::Service> parse_services(TableReader& file) {
  std::vector<service::Service> services;
  for (const TomlMember* member : file.named_tables("service")) {
    services.push_back(internal::parse_service(member->key, member->value, file.findings()));
  }
  return services;
}

/// Whose recovery points these are.
std::string parse_host(TableReader& file) {
  constexpr std::size_t kHostBytesMax = 253;
  const auto host = file.text("host");
  if (!host) return host_name();
  const bool fits = !host->empty() && host->size() <= kHostBytesMax &&
                    std::all_of(host->begin(), host->end(),
                                [](unsigned char byte) { return std::isgraph(byte) != 0; });
  if (!fits) {
    file.complain("host", fmt::format("\"{}\" can't name a host", printable(*host)),
                  "write a name without blanks, such as \"web-1\"");
  }
  return *host;
}

/// The file says how long paths have to answer, so for itself that is not known yet.
void require_config_answers(const std::vector<std::filesystem::path>& paths) {
  std::vector<NamedPath> named;
  for (const std::filesystem::path& path : paths) named.push_back({path, "the configuration"});
  require_answers_of(named, kAnswersWait_ms / 1000, {});
}

/// `path` again; throws when nothing is there.
std::filesystem::path existing(const std::filesystem::path& path, const std::string& named_by) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) return path;
  throw Error(ErrorCode::configuration,
              fmt::format("no configuration at {}{}", printable(path.native()), named_by),
              "correct the path, or create the file (examples/minimal.toml is a start)");
}

}  // namespace

const service::Service* Config::find_service(std::string_view name) const {
  const auto found = std::ranges::find(services, name, &service::Service::name);
  return found == services.end() ? nullptr : &*found;
}

const service::Service& Config::service(std::string_view name) const {
  if (const service::Service* found = find_service(name)) return *found;
  std::vector<std::string_view> names;
  for (const service::Service& each : services) names.push_back(each.name);
  throw Error(ErrorCode::not_found,
              fmt::format("no service \"{}\" in {}", printable(name), printable(file.native())),
              names.empty() ? "add a [service.NAME] to it" : suggest(name, names));
}

std::filesystem::path default_state_directory() {
  if (::geteuid() == 0) return "/var/lib/salvor";
  const auto state_home = environment("XDG_STATE_HOME");
  // The XDG specification: a relative path there is to be ignored.
  if (state_home && state_home->starts_with('/')) return *state_home + "/salvor";
  const auto home = environment("HOME");
  if (home && home->starts_with('/')) return *home + "/.local/state/salvor";
  return fmt::format("/var/tmp/salvor-{}", ::geteuid());
}

std::filesystem::path find_config(const std::optional<std::filesystem::path>& from_option) {
  if (from_option) {
    require_config_answers({*from_option});
    return existing(*from_option, ", which --config names");
  }
  if (const auto variable = environment("SALVOR_CONFIG")) {
    require_config_answers({*variable});
    return existing(*variable, ", which SALVOR_CONFIG names");
  }
  require_config_answers({kUsualFile, kSystemFile});
  for (const std::string_view usual : {kUsualFile, kSystemFile}) {
    std::error_code error;
    if (std::filesystem::exists(usual, error)) return usual;
  }
  throw Error(
      ErrorCode::configuration,
      fmt::format("no configuration found: looked for ./{} and {}", kUsualFile, kSystemFile),
      "name one with --config or SALVOR_CONFIG, or create one "
      "(examples/minimal.toml is a start)");
}

void require_state_answers(const Config& config) {
  require_answers(config, {SilentPath::Role::state});
}

namespace {

/// Looks at no path.
Config parse_file(std::string_view text, const std::string& name,
                  const std::filesystem::path& directory) {
  const TomlValue document = parse_toml(text, name);
  Findings findings(name, directory);
  TableReader reader(document, "", findings);
  Config config;
  config.file = name;
  config.host = parse_host(reader);
  config.repository = parse_repository(reader);
  config.state_directory = reader.path("state_dir").value_or(default_state_directory());
  config.holders_wait_s = reader.duration_s("holders_wait").value_or(config.holders_wait_s);
  config.answers_wait_s = reader.duration_s("answers_wait").value_or(config.answers_wait_s);
  config.services = parse_services(reader);
  config.serve = parse_serve(reader);
  reader.finish();
  findings.throw_first();
  return config;
}

}  // namespace

Config parse_config_text(std::string_view text, const std::string& name,
                         const std::filesystem::path& directory) {
  Config config = parse_file(text, name, directory);
  leave_out_own_places(config);
  return config;
}

Config load_config(const std::filesystem::path& path, Looks looks) {
  const Fd fd = open_file(existing(path, ""), O_RDONLY);
  // Not by its size: a pipe (<(…) of a shell) has none.
  Bytes bytes(kTomlBytesMax + 1);
  bytes.resize(read_some(fd.get(), bytes, path.native()));
  const std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  Config config = parse_file(as_text(bytes), path.native(), whole.parent_path());
  config.file = whole;
  ask_configured_paths(config, looks);
  if (looks == Looks::everywhere) leave_out_own_places(config);
  return config;
}

}  // namespace salvor::config
