#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/caller.h"
#include "control/look_inside.h"
#include "control/report_json.h"

namespace salvor::cli {
namespace {

struct LsChoices {
  control::PointStore at;
  std::string path;
  bool recursive = false;
};

/// As `ls -l` writes it: kind and permissions.
std::string mode_text(const control::Entry& entry) {
  constexpr std::string_view kBits = "rwxrwxrwx";
  constexpr std::string_view kKinds = "?-dlpcb-";
  std::string text(1, kKinds[static_cast<std::size_t>(entry.kind) % kKinds.size()]);
  for (std::size_t i = 0; i < kBits.size(); ++i) {
    const bool set = (entry.mode >> (8 - i) & 1U) != 0;
    text += set ? kBits[i] : '-';
  }
  const auto special = [&](std::uint32_t bit, std::size_t at, char with_x, char without_x) {
    if ((entry.mode & bit) != 0) text[at] = text[at] == 'x' ? with_x : without_x;
  };
  special(04000, 3, 's', 'S');
  special(02000, 6, 's', 'S');
  special(01000, 9, 't', 'T');
  return text;
}

std::string line_of(const control::ListedEntry& listed) {
  const control::Entry& entry = listed.entry;
  std::string line =
      fmt::format("{} {:>5} {:>5} {:>12} {} {}", mode_text(entry), entry.uid, entry.gid, entry.size,
                  local_time(entry.mtime), printable(control::path_of_key(listed.key)));
  if (entry.kind == control::EntryKind::symlink) line += " -> " + printable(as_text(entry.target));
  if (entry.kind == control::EntryKind::hard_link) {
    line += " = " + printable(control::path_of_key(entry.target));
  }
  return line;
}

int list(Invocation& invocation, const LsChoices& request) {
  const control::Config config = invocation.load_config(control::Looks::at_repository);
  const control::Caller caller = invocation.caller();
  List entries(invocation.output(), "entries");
  control::list_entries(config, request.at, request.path, request.recursive, caller,
                        [&](const control::ListedEntry& entry) {
                          entries.add([&] { return control::to_json(entry); },
                                      [&] { return line_of(entry); });
                        });
  entries.end();
  return 0;
}

}  // namespace

void add_ls(Verb root) {
  const auto request = std::make_shared<LsChoices>();
  root.add("ls", "List what a recovery point holds", "salvor ls latest media 2026/02")
      .required("POINT", request->at.point, "latest, an id, or its beginning")
      .required("STORE", request->at.store, "the store")
      .optional("PATH", request->path, "a path in the store (default: its root)")
      .option("--service", "SERVICE", request->at.service, "the service whose point `latest` means")
      .flag("-R,--recursive", request->recursive, "also list what lies in directories")
      .action([request](Invocation& invocation) { return list(invocation, *request); });
}

}  // namespace salvor::cli
