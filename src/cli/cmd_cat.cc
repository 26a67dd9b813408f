#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/invocation.h"

namespace salvor::cli {
namespace {

struct Request {
  std::string point;
  std::string store;
  std::string path;
};

int cat(Invocation& invocation, const Request& request) {
  Output& output = invocation.output();
  if (output.json()) {
    throw Error(ErrorCode::usage, "cat writes the content of a file, and has no JSON form",
                "leave out --json, or use `salvor ls --json`");
  }
  const control::Config config = invocation.load_config();
  control::read_content(config, request.point, request.store, request.path, invocation.caller(),
                        [&](ByteView content) { output.write(as_text(content)); });
  return 0;
}

}  // namespace

void add_cat(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("cat", "Write a file of a recovery point to standard output");
  const auto request = std::make_shared<Request>();
  command->add_option("POINT", request->point, "latest, an id, or its beginning")->required();
  command->add_option("STORE", request->store, "the store")->required();
  command->add_option("PATH", request->path, "the file's path in the store")->required();
  command->footer("Example: salvor cat latest media logo.png > logo.png");
  command->callback([&action, request] {
    action = [request](Invocation& invocation) { return cat(invocation, *request); };
  });
}

}  // namespace salvor::cli
