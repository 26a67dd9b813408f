#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/caller.h"
#include "control/look_inside.h"

namespace salvor::cli {
namespace {

struct CatChoices {
  control::PointStore at;
  std::string path;
};

int cat(Invocation& invocation, const CatChoices& request) {
  Output& output = invocation.output();
  if (output.json()) {
    throw Error(ErrorCode::usage, "cat writes the content of a file, and has no JSON form",
                "leave out --json, or use `salvor ls --json`");
  }
  const control::Config config = invocation.load_config(control::Looks::at_repository);
  control::read_content(config, request.at, request.path, invocation.caller(),
                        [&](ByteView content) { output.stream(as_text(content)); });
  return 0;
}

}  // namespace

void add_cat(Verb root) {
  const auto request = std::make_shared<CatChoices>();
  root.add("cat", "Write a file of a recovery point to standard output",
           "salvor cat latest media logo.png > logo.png")
      .required("POINT", request->at.point, "latest, an id, or its beginning")
      .required("STORE", request->at.store, "the store")
      .required("PATH", request->path, "the file's path in the store")
      .option("--service", "SERVICE", request->at.service, "the service whose point `latest` means")
      .action([request](Invocation& invocation) { return cat(invocation, *request); });
}

}  // namespace salvor::cli
