#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/report_json.h"

namespace salvor::cli {
namespace {

struct AddRequest {
  std::string label;
  std::string file;
  std::string variable;
  std::string command;
  std::string recipient;
};

int list(Invocation& invocation) {
  const auto keys = control::list_keys(invocation.load_config(), invocation.caller());
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(keys));
    return 0;
  }
  Table table({"KEY", "KIND", "CREATED", "IN USE", "LABEL"});
  for (const repo::SlotInfo& key : keys) {
    const auto created = parse_time(key.created);
    table.row({key.id.hex(), key.kind == repo::SlotKind::passphrase ? "passphrase" : "recipient",
               created ? local_time(*created) : printable(key.created), key.in_use ? "yes" : "",
               printable(key.label)});
  }
  output.write(table.text());
  return 0;
}

/// One text as the answer: a JSON member, or a line.
void answer(Invocation& invocation, const std::string& name, const std::string& value,
            const std::string& line) {
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::json_of_texts({{name, value}}));
  } else if (!invocation.quiet()) {
    output.line(line);
  }
}

int add(Invocation& invocation, const AddRequest& request) {
  using Kind = control::SecretReference::Kind;
  control::AddKeyRequest wanted;
  wanted.label = request.label;
  wanted.recipient = request.recipient;
  if (!request.file.empty()) wanted.passphrase = {Kind::file, request.file};
  if (!request.variable.empty()) wanted.passphrase = {Kind::environment, request.variable};
  if (!request.command.empty()) wanted.passphrase = {Kind::command, request.command};
  const std::string id = control::add_key(invocation.load_config(), wanted, invocation.caller());
  answer(invocation, "key", id, fmt::format("added key {}", id));
  return 0;
}

int remove(Invocation& invocation, const std::string& slot) {
  const std::string id = control::remove_key(invocation.load_config(), slot, invocation.caller());
  answer(invocation, "key", id, fmt::format("removed key {}", id));
  return 0;
}

int rotate(Invocation& invocation) {
  control::rotate_keys(invocation.load_config(), invocation.caller());
  answer(invocation, "rotated", "yes",
         "rotated: new data gets new keys; every key of `salvor keys list` opens them");
  return 0;
}

int generate(Invocation& invocation, const std::string& file) {
  const std::string recipient = control::generate_key_file(file);
  answer(invocation, "recipient", recipient, recipient);
  return 0;
}

void add_adding(CLI::App& keys, Action& action) {
  CLI::App* command = keys.add_subcommand("add", "Add a passphrase or a recipient");
  const auto request = std::make_shared<AddRequest>();
  CLI::Option_group* source = command->add_option_group("key");
  source->add_option("--passphrase-file", request->file, "a file with the new passphrase")
      ->type_name("FILE");
  source->add_option("--passphrase-env", request->variable, "a variable with the new passphrase")
      ->type_name("NAME");
  source->add_option("--passphrase-command", request->command, "a command that prints it")
      ->type_name("COMMAND");
  source->add_option("--recipient", request->recipient, "what `keys generate` printed")
      ->type_name("HEX");
  source->require_option(1);
  command->add_option("--label", request->label, "whose it is, for `keys list`")->type_name("TEXT");
  command->footer("Example: salvor keys add --passphrase-file new.txt --label \"on paper\"");
  command->callback([&action, request] {
    action = [request](Invocation& invocation) { return add(invocation, *request); };
  });
}

}  // namespace

void add_keys(CLI::App& app, Action& action) {
  CLI::App* keys = app.add_subcommand("keys", "Manage what opens the repository");
  keys->footer("Example: salvor keys list");
  CLI::App* listing = keys->add_subcommand("list", "List the keys");
  listing->footer("Example: salvor keys list");
  listing->callback([&action] { action = list; });
  add_adding(*keys, action);

  const auto slot = std::make_shared<std::string>();
  CLI::App* removing = keys->add_subcommand("remove", "Remove a key; never the last one");
  removing->add_option("KEY", *slot, "the key's id, or its beginning")->required();
  removing->footer("Example: salvor keys remove 5b2f");
  removing->callback([&action, slot] {
    action = [slot](Invocation& invocation) { return remove(invocation, *slot); };
  });

  CLI::App* rotating = keys->add_subcommand("rotate", "Encrypt new data under a new root key");
  rotating->footer("Example: salvor keys rotate");
  rotating->callback([&action] { action = rotate; });

  const auto file = std::make_shared<std::string>();
  CLI::App* generating =
      keys->add_subcommand("generate", "Make a key file, and print its recipient for `keys add`");
  generating->add_option("FILE", *file, "where to; it must not exist")->required();
  generating->footer("Example: salvor keys generate /etc/salvor/key");
  generating->callback([&action, file] {
    action = [file](Invocation& invocation) { return generate(invocation, *file); };
  });
}

}  // namespace salvor::cli
