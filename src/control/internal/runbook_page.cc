#include "control/internal/runbook_page.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/written_time.h"
#include "control/internal/markdown.h"

namespace salvor::control::internal {
namespace {

using markdown::block;
using markdown::cell_code;
using markdown::code;
using markdown::row;
using markdown::shell_word;
using markdown::text;

std::string seconds_text(const std::optional<double>& seconds) {
  return seconds ? human_duration(*seconds) : "not known";
}

std::string objective_text(const std::optional<std::int64_t>& seconds) {
  return seconds ? human_duration(static_cast<double>(*seconds)) : "none set";
}

std::string or_not_set(const std::string& value) {
  return value.empty() ? "not set" : text(value);
}

/// "salvor -c FILE ARGUMENTS".
std::string command(const RunbookData& data, std::string_view arguments) {
  return fmt::format("salvor -c {} {}\n", shell_word(data.config_file), arguments);
}

std::string one_line_command(const RunbookData& data, std::string_view arguments) {
  std::string line = command(data, arguments);
  line.pop_back();
  return code(line);
}

std::string header(const RunbookData& data) {
  std::string out = fmt::format("# Restore runbook: {}\n\n", text(data.service.name));
  out += row({"Last Updated", "Owner", "Severity"});
  out += row({"---", "---", "---"});
  out += row({local_time(data.updated).substr(0, 10), or_not_set(data.service.owner),
              or_not_set(data.service.severity)});
  out += fmt::format(
      "\nWritten by salvor {} on {} from the configuration {} and the last drill. It is written "
      "anew by each drill: do not edit it.\n",
      text(data.version), text(data.host), code(data.config_file));
  return out;
}

std::string when_to_use(const RunbookData& data) {
  return fmt::format(
      "\n## When to use it\n\n"
      "Data of {} is lost, damaged or wrong: a dropped table, deleted files, a failed migration, a "
      "bad mass update, a lost disk. When the service is down but its data is good, this is not "
      "the "
      "page: a restore returns every store to one moment, and sets aside what was written since.\n",
      text(data.service.name));
}

std::string verdict(const std::optional<double>& value,
                    const std::optional<std::int64_t>& objective) {
  if (!objective) return "no objective";
  if (!value) return "not proved";
  return *value <= static_cast<double>(*objective) ? "met" : "**missed**";
}

std::string numbers(const RunbookData& data) {
  const ServiceStatus& status = data.status;
  std::string out = "\n## What to expect\n\n";
  out += row({"", "Objective", "Measured", ""});
  out += row({"---", "---", "---", "---"});
  out += row({"Data lost (RPO): age of the newest recovery point", objective_text(status.rpo_s),
              seconds_text(status.achieved_rpo_s), verdict(status.achieved_rpo_s, status.rpo_s)});
  out += row({"Time to restore (RTO): proven by the newest drill", objective_text(status.rto_s),
              seconds_text(status.proven_rto_s), verdict(status.proven_rto_s, status.rto_s)});
  if (status.newest) {
    out += fmt::format("\nThe newest recovery point was {}, of {}. Later ones: {}.\n",
                       code(status.newest->id.hex()), local_time(status.newest->time),
                       one_line_command(data, "points " + data.service.name));
  } else if (status.points_known) {
    out += "\n**There is no recovery point.** Nothing can be restored.\n";
  } else {
    out +=
        "\n**The repository could not be opened when this was written**, so the recovery points in "
        "it are not known.\n";
  }
  return out;
}

/// On another host the same commands mean that host's points.
std::string where_it_holds(const RunbookData& data) {
  if (data.points_host.empty()) {
    return "On any host with this configuration: the service is shared. ";
  }
  std::string out = fmt::format("For host {}, whose recovery points these commands restore. ",
                                code(data.points_host));
  const std::string service = shell_word(data.service.name);
  const std::string newest = data.status.newest ? data.status.newest->id.hex() : "POINT";
  return out +
         fmt::format(
             "On a machine with another host name they refuse, or mean that machine's "
             "points: there, first write {} as the first line of the configuration, and the "
             "same commands hold; or name the point by its id: {}, then {}.\n\n",
             code("host = " + markdown::toml_string(data.points_host)),
             one_line_command(data, fmt::format("restore {} --at {} --plan", service, newest)),
             one_line_command(data,
                              fmt::format("restore {0} --at {1} --confirm {0}", service, newest)));
}

std::string restore_steps(const RunbookData& data) {
  const std::string service = shell_word(data.service.name);
  std::string out = "\n## Restore\n\n" + where_it_holds(data) +
                    "Each command says what it will do, or refuses and says why.\n";
  const auto step = [&](std::string_view title, const std::string& arguments) {
    out += fmt::format("\n### {}\n\n{}", title, block("sh", command(data, arguments)));
  };
  step("1. See what there is", "status " + service);
  step("2. See what a restore would do; this changes nothing", "restore " + service + " --plan");
  out += fmt::format(
      "\nAnother moment: `--at \"2026-02-03 04:05\"` takes the newest point at or before it; {} "
      "lists all.\n",
      one_line_command(data, "points " + data.service.name));
  step("3. Restore", fmt::format("restore {0} --confirm {0}", service));
  out +=
      "\nIt locks writes, takes a safety snapshot, restores beside the live data, checks the copy, "
      "and only then exchanges the two. It prints its run (`RUN` below).\n";
  step("4. Resume a restore that was interrupted, or that failed, once the cause is removed",
       "restore --resume RUN");
  step("5. Undo the restore: the service is as it was before",
       "restore --undo RUN --confirm " + service);
  step("6. Close the restore, when all is right: this deletes the old data",
       "restore --close RUN --confirm " + service);
  step("Rehearse it all, without touching anything live", "drill " + service);
  return out;
}

std::string stores_table(const RunbookData& data) {
  std::string out = "\n## What is restored\n\n";
  out += row({"Store", "Type", "Path"});
  out += row({"---", "---", "---"});
  for (const service::Store& store : data.service.stores) {
    out += row({text(store.name), text(store.type->name()), cell_code(store.location().text)});
  }
  return out;
}

/// A command, and what it is for.
std::string command_of(std::string_view purpose, const service::Command& command) {
  return fmt::format("\n{}:\n\n{}", text(purpose), block("sh", command.run));
}

/// What is run after the stores are restored, in order.
std::string commands_on_copy(const service::Service& service) {
  std::string out;
  if (service.migrate && service.migrate->needed) {
    out += command_of("Does the schema need a migration? (exit status 0: yes)",
                      *service.migrate->needed);
  }
  if (service.migrate) out += command_of("Migrate", service.migrate->run);
  for (const service::Rebuild& rebuild : service.rebuilds) {
    out += command_of("Rebuild " + rebuild.name, rebuild.run);
  }
  if (service.return_to_service) {
    out += command_of("Return to service, after the exchange", *service.return_to_service);
  }
  return out;
}

std::string locking(const RunbookData& data) {
  std::string out = "\n## What is locked, and how\n\n";
  if (const auto& writes = data.service.writes) {
    out += "Databases are locked by salvor itself, and the application by its own commands:\n";
    out += command_of("Lock writes", writes->lock) + command_of("Unlock writes", writes->unlock);
    if (writes->locked) {
      out += command_of("Are writes locked? (exit status 0: yes)", *writes->locked);
    }
  } else {
    out +=
        "The configuration names no command that locks the application's writes. Databases are "
        "locked by salvor itself; **stop whatever writes files before step 3.**\n";
  }
  const std::string commands = commands_on_copy(data.service);
  return out + (commands.empty() ? "" : "\n## What is run on the restored data\n" + commands);
}

/// "sql, store db".
std::string title_of(const service::Check& check) {
  std::string title(service::kind_of(check).title);
  for (const service::Form form : {service::Form::sql_store, service::Form::path_store}) {
    for (const std::string& store : service::texts_of(check, form)) title += ", store " + store;
  }
  return title;
}

std::string checks(const RunbookData& data) {
  std::string out = "\n## What is checked\n\n";
  out +=
      "Names, sizes and numbers against the recovery point (data that was read from the repository "
      "is compared byte by byte; in a drill, all data), each store by its own means";
  const service::Service& service = data.service;
  if (service.checks.empty() && service.references.empty()) return out + ".\n";
  out += ", and:\n\n";
  const auto add = [&out](const std::string& name, const std::string& title,
                          const std::string& asked) {
    out += fmt::format("- {} ({}): {}\n", text(name), text(title), code(asked));
  };
  for (const service::Check& check : service.checks) {
    add(check.name, title_of(check), service::asked_by(check));
  }
  for (const service::Reference& reference : service.references) {
    add(reference.name, fmt::format("reference, from {} to {}", reference.from, reference.in),
        reference.sql);
  }
  return out;
}

std::string last_drill(const RunbookData& data) {
  std::string out = "\n## The last drill\n\n";
  if (!data.status.last_drill)
    return out + "**There was none: this procedure was never rehearsed.**\n";
  const DrillSummary& drill = *data.status.last_drill;
  out += fmt::format("Run {} of {}: **{}** after {}.\n", code(drill.run), local_time(drill.time),
                     name_of(drill.state), human_duration(drill.seconds));
  if (!drill.failed_checks.empty()) {
    out += "\nFailed checks:\n\n";
    for (const std::string& check : drill.failed_checks) out += fmt::format("- {}\n", text(check));
  }
  if (drill.phases.empty()) return out;
  out += "\n" + row({"Step", "Result", "Took"}) + row({"---", "---", "---:"});
  for (const recovery::StepOutcome& phase : drill.phases) {
    out +=
        row({text(name_of(phase.id)), text(name_of(phase.result)), human_duration(phase.seconds)});
  }
  return out;
}

std::string gaps(const RunbookData& data) {
  std::string out = "\n## Known gaps\n\n";
  if (data.gaps.empty()) return out + "None is known.\n";
  for (const std::string& gap : data.gaps) out += fmt::format("- {}\n", text(gap));
  return out;
}

std::string place_of(const config::RepositoryConfig& repository) {
  return repository.url.starts_with("s3://") ? repository.url : repository.path.native();
}

/// What opens the repository: in words, and as a line of a minimal salvor.toml.
std::vector<std::pair<std::string, std::string>> keys_of(
    const config::RepositoryConfig& repository) {
  using Kind = config::SecretReference::Kind;
  std::vector<std::pair<std::string, std::string>> keys;
  const auto add = [&keys](std::string_view where, std::string_view after, std::string_view key,
                           const std::string& value) {
    keys.emplace_back(fmt::format("the {}{}{}", where, value, after),
                      fmt::format("{} = {}", key, markdown::toml_string(value)));
  };
  const std::string& value = repository.passphrase.value;
  if (repository.passphrase.kind == Kind::file) {
    add("passphrase: on this host it is in ", " (mode 0600)", "passphrase_file", value);
  } else if (repository.passphrase.kind == Kind::environment) {
    add("passphrase: on this host it is in the environment variable ", "", "passphrase_env", value);
  } else if (repository.passphrase.kind == Kind::command) {
    add("passphrase: on this host it is printed by ", "", "passphrase_command", value);
  }
  if (repository.key_file) {
    add("key file: on this host it is ", "", "key_file", repository.key_file->native());
  }
  return keys;
}

std::string minimal_config(const RunbookData& data) {
  std::string toml = "state_dir = \"state\"\n";
  // Else the newest point of the new machine is meant, which has none.
  if (!data.points_host.empty()) {
    toml += fmt::format("host = {}\n", markdown::toml_string(data.points_host));
  }
  toml +=
      fmt::format("\n[repository]\nurl = {}\n", markdown::toml_string(place_of(data.repository)));
  for (const auto& [where, line] : keys_of(data.repository)) toml += line + "\n";
  return toml;
}

/// What `restore --into DIR` makes of a store, relative to DIR.
std::string restored_as(const service::Store& store) {
  const std::string name = store.location().path.filename().native();
  return store.type->copy_within(store.name, [&name] { return stores::key_of_path(name); }).text;
}

std::string bare_machine(const RunbookData& data) {
  std::string out =
      "\n## When this host is gone: from repository and key alone\n\n"
      "On any machine with Debian 12. Nothing of the configuration is needed, and nothing of this "
      "host's state.\n\n"
      "1. Install salvor: its package, or from its source tree with `./dev build`, which leaves "
      "the "
      "program at `build/salvor`.\n";
  out += fmt::format("2. Bring the repository there, or mount it: it was at {}.\n",
                     code(place_of(data.repository)));
  out += "3. Get the passphrase or the key file; one of these is enough:\n";
  for (const auto& [where, line] : keys_of(data.repository)) {
    out += fmt::format("   - {}\n", text(where));
  }
  out +=
      "4. Write a file `salvor.toml` with these lines, with the paths as they are there, and with "
      "what you have of the keys:\n\n";
  out += block("toml", minimal_config(data));
  out += "\n5. See what there is, and restore into an empty directory:\n\n";
  const std::string service = shell_word(data.service.name);
  out += block("sh", fmt::format("salvor -c salvor.toml points {0}\n"
                                 "salvor -c salvor.toml restore {0} --into restored\n",
                                 service));
  out += "\n6. Put each store in its place, with the service stopped:\n\n";
  for (const service::Store& store : data.service.stores) {
    out += fmt::format("   - {} belongs to {}\n", code("restored/" + restored_as(store)),
                       code(store.location().text));
  }
  return out;
}

std::string people(const RunbookData& data) {
  std::string out = "\n## Whom to call, and where to read on\n\n";
  if (data.service.contacts.empty() && data.service.links.empty())
    return out + "Nobody is named.\n";
  for (const std::string& contact : data.service.contacts)
    out += fmt::format("- {}\n", text(contact));
  for (const std::string& link : data.service.links)
    out += fmt::format("- {}\n", markdown::link(link));
  return out;
}

}  // namespace

std::string render_runbook(const RunbookData& data) {
  return header(data) + when_to_use(data) + numbers(data) + restore_steps(data) +
         stores_table(data) + locking(data) + checks(data) + last_drill(data) + gaps(data) +
         bare_machine(data) + people(data);
}

}  // namespace salvor::control::internal
