#include "scratch.h"

#include <fstream>

#include "base/error.h"
#include "recovery/restore.h"
#include "stores/disk/tree.h"

namespace salvor::testing {

namespace fs = std::filesystem;

void make_tree(const fs::path& root, std::size_t files, std::size_t file_bytes_max,
               std::uint64_t seed) {
  SeededRng rng(seed);
  fs::create_directories(root / "directory" / "below");
  fs::create_directories(root / "empty directory");
  for (std::size_t i = 0; i < files; ++i) {
    const fs::path folder =
        i % 3 == 0 ? root : root / (i % 3 == 1 ? "directory" : "directory/below");
    std::ofstream(folder / ("file " + std::to_string(i)), std::ios::binary)
        << as_text(rng.bytes(rng.below(file_bytes_max + 1)));
  }
  fs::create_symlink("file 0", root / "link");
  fs::create_hard_link(root / "file 0", root / "directory" / "file 0 too");
}

repo::PointId back_up(backend::Backend& backend, const fs::path& root, const std::string& service) {
  const auto repository = open_repository(backend, repo::Access::write);
  stores::disk::TreeSourceOptions from;
  from.root = root;
  from.reading_threads = 2;
  const auto source = stores::disk::make_tree_source(from);
  backup::Options options;
  options.service = service;
  options.threads = 2;
  return backup::run(*repository, {{"files", "files", source.get(), false}}, options).point.id;
}

TreeDescription restored(repo::Repository& repository, const repo::Point& point,
                         const fs::path& scratch) {
  const TemporaryDirectory target(scratch);
  stores::disk::TreeSinkOptions to;
  to.target = target.path() / "restored";
  const auto sink = stores::disk::make_tree_sink(to);
  recovery::RestoreOptions options;
  options.threads = 2;
  recovery::restore(repository, point.snapshots.at(0), *sink, options);
  return describe_tree(to.target);
}

std::string restore_differences(backend::Backend& backend,
                                const std::vector<TreeDescription>& expected,
                                const fs::path& scratch) {
  const auto repository = open_repository(backend);
  if (repository->points().size() != expected.size()) {
    return "found " + std::to_string(repository->points().size()) + " points, expected " +
           std::to_string(expected.size());
  }
  std::string differences;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    differences +=
        tree_difference(expected[i], restored(*repository, repository->points()[i], scratch));
  }
  return differences;
}

}  // namespace salvor::testing
