#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/caller.h"
#include "control/keys.h"
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

int list_keys(Invocation& invocation) {
  const auto keys = control::list_keys(invocation.load_config(control::Looks::at_repository),
                                       invocation.caller());
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(keys));
    return 0;
  }
  Table table({"KEY", "KIND", "CREATED", "IN USE", "LABEL"});
  for (const control::SlotInfo& key : keys) {
    const auto created = parse_time(key.created);
    table.row({key.id.hex(), key.kind == control::SlotKind::passphrase ? "passphrase" : "recipient",
               created ? local_time(*created) : printable(key.created), key.in_use ? "yes" : "",
               printable(key.label)});
  }
  output.table(table);
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
  const auto given = {request.file, request.variable, request.command, request.recipient};
  if (std::count(given.begin(), given.end(), "") + 1 != std::ssize(given)) {
    throw Error(ErrorCode::usage, "expected one new key",
                "give one of --passphrase-file, --passphrase-env, --passphrase-command, "
                "--recipient");
  }
  control::AddKeyRequest wanted;
  wanted.label = request.label;
  wanted.recipient = request.recipient;
  if (!request.file.empty()) wanted.passphrase = {Kind::file, request.file};
  if (!request.variable.empty()) wanted.passphrase = {Kind::environment, request.variable};
  if (!request.command.empty()) wanted.passphrase = {Kind::command, request.command};
  const std::string id = control::add_key(invocation.load_config(control::Looks::at_repository),
                                          wanted, invocation.caller());
  answer(invocation, "key", id, fmt::format("added key {}", id));
  return 0;
}

int remove(Invocation& invocation, const std::string& slot) {
  const std::string id = control::remove_key(invocation.load_config(control::Looks::at_repository),
                                             slot, invocation.caller());
  answer(invocation, "key", id, fmt::format("removed key {}", id));
  return 0;
}

int rotate(Invocation& invocation) {
  control::rotate_keys(invocation.load_config(control::Looks::at_repository), invocation.caller());
  answer(invocation, "rotated", "yes",
         "rotated: new data is encrypted under a new root key; every key of `salvor keys list` "
         "opens the repository");
  return 0;
}

int generate(Invocation& invocation, const std::string& file) {
  const std::string recipient = control::generate_key_file(file);
  answer(invocation, "recipient", recipient, recipient);
  return 0;
}

void add_adding(Verb keys) {
  const auto request = std::make_shared<AddRequest>();
  keys.add("add", "Add a passphrase or a recipient",
           "salvor keys add --passphrase-file new.txt --label \"on paper\"")
      .option("--passphrase-file", "FILE", request->file, "a file with the new passphrase")
      .option("--passphrase-env", "NAME", request->variable, "a variable with the new passphrase")
      .option("--passphrase-command", "COMMAND", request->command,
              "a command that prints the new passphrase")
      .option("--recipient", "HEX", request->recipient,
              "the recipient that `keys generate` printed")
      .option("--label", "TEXT", request->label, "the holder of the key, which `keys list` shows")
      .action([request](Invocation& invocation) { return add(invocation, *request); });
}

}  // namespace

void add_keys(Verb root) {
  Verb keys = root.add("keys", "Manage the keys of the repository", "salvor keys list");
  keys.add("list", "List the keys", "salvor keys list").action(list_keys);
  add_adding(keys);
  const auto slot = std::make_shared<std::string>();
  keys.add("remove", "Remove a key; never the last one", "salvor keys remove 5b2f")
      .required("KEY", *slot, "the key's id, or its beginning")
      .action([slot](Invocation& invocation) { return remove(invocation, *slot); });
  keys.add("rotate", "Encrypt new data under a new root key", "salvor keys rotate").action(rotate);
  const auto file = std::make_shared<std::string>();
  keys.add("generate", "Make a key file, and print its recipient for `keys add`",
           "salvor keys generate /etc/salvor/key")
      .required("FILE", *file, "the file to make; it must not exist")
      .action([file](Invocation& invocation) { return generate(invocation, *file); });
}

}  // namespace salvor::cli
