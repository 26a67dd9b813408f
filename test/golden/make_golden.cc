#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include "backend/local.h"
#include "backup/backup.h"
#include "base/error.h"
#include "base/fd.h"
#include "codec/sealed_box.h"
#include "manifest.h"
#include "repo/session.h"
#include "stores/disk/tree.h"
#include "stores/sqlite/sqlite.h"
#include "testing/seeded_rng.h"

/// Makes the golden repository of a format version, once: `make_golden DIRECTORY`. What is made is
/// committed, and restored by every later version.
namespace salvor::golden {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTime_s = 1'767'323'045;

void write(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

/// Times that do not depend on when it was made; directories after what is in them.
void stamp(const fs::path& root) {
  std::vector<fs::path> paths{root};
  for (const auto& found : fs::recursive_directory_iterator(root)) paths.push_back(found.path());
  std::sort(paths.rbegin(), paths.rend());
  std::int64_t count = 0;
  for (const fs::path& path : paths) {
    const timespec time{kTime_s + ++count, 123'456'789};
    const timespec times[2] = {time, time};
    if (utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
      throw_system_error("cannot set the time of", path.native(), errno);
    }
  }
}

void make_files(const fs::path& root) {
  testing::SeededRng rng(1);
  fs::create_directories(root / "directory" / "below");
  fs::create_directory(root / "empty directory");
  write(root / "empty", "");
  write(root / "hello.txt", "Hello, whoever restores this.\n");
  write(root / "several chunks", as_text(rng.bytes(40'000)));
  write(root / "compressible", std::string(30'000, 'z'));
  write(root / "directory" / "below" / "odd \xff\n name", "the name has a newline");
  write(root / "directory" / "tool", "#!/bin/sh\nexit 0\n");
  fs::permissions(root / "directory" / "tool", fs::perms(0755));
  fs::permissions(root / "hello.txt", fs::perms(0640));
  write(root / "sparse", "begin");
  fs::resize_file(root / "sparse", 200'000);
  fs::create_symlink("../hello.txt", root / "directory" / "link");
  fs::create_hard_link(root / "hello.txt", root / "directory" / "same inode");
  stamp(root);
}

void make_database(const fs::path& path) {
  sqlite3* database = nullptr;
  const char* sql =
      "CREATE TABLE uploads(id INTEGER PRIMARY KEY, file TEXT NOT NULL);"
      "INSERT INTO uploads(file) VALUES ('hello.txt'), ('several chunks'), ('compressible');";
  const bool made = sqlite3_open(path.c_str(), &database) == SQLITE_OK &&
                    sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  sqlite3_close(database);
  if (!made) throw Error(ErrorCode::failed, "cannot make the database");
}

void add_key_file(repo::Repository& repository, const fs::path& path) {
  const codec::BoxKeyPair pair = codec::make_box_key_pair();
  repo::NewSlot slot;
  slot.label = "golden.key";
  slot.recipient = pair.public_key;
  repository.add_slot(slot);
  write(path, "salvor-private-1:" + to_hex(pair.private_key.view()) + "\n");
}

void back_up(repo::Repository& repository, const fs::path& files, const fs::path& database,
             const fs::path& spool) {
  stores::disk::TreeSourceOptions from;
  from.root = files;
  const auto media = stores::disk::make_tree_source(from);
  stores::SqliteSourceOptions copied;
  copied.database = database;
  copied.spool_directory = spool;
  const auto db = stores::make_sqlite_source(copied);
  backup::Options options;
  options.service = "golden";
  options.version = "golden";
  backup::run(repository,
              {{"db", "sqlite", db.get(), false}, {"media", "files", media.get(), false}}, options);
}

void make(const fs::path& place) {
  constexpr codec::ChunkerLimits kLimits{4096, 8192, 16384};
  constexpr std::uint32_t kMemory_kib = 8 * 1024;
  fs::create_directories(place);
  const TemporaryDirectory scratch(fs::temp_directory_path());
  const fs::path files = scratch.path() / "media";
  fs::create_directory(files);
  make_files(files);
  make_database(scratch.path() / "golden.db");
  const auto medium = backend::create_local(place / "repository");
  const auto passphrase = [] {
    repo::Credentials credentials;
    credentials.passphrase = Secret(as_bytes("golden"));
    return credentials;
  };
  repo::NewSlot slot;
  slot.label = "golden";
  slot.passphrase = Secret(as_bytes("golden"));
  slot.cost = {1, kMemory_kib};
  repo::Repository::create(*medium, slot, Clock::system(), Rng::system(), kLimits);
  const auto open = [&] {
    return repo::Repository::open(*medium, passphrase(), repo::Access::write, Clock::system(),
                                  Rng::system());
  };
  add_key_file(*open(), place / "golden.key");
  // Six points, so that there is a checkpoint; and two epochs of keys.
  for (int i = 0; i < 6; ++i) {
    write(files / "hello.txt", "Hello, whoever restores point " + std::to_string(i) + ".\n");
    stamp(files);
    if (i == 3) open()->rotate();
    back_up(*open(), files, scratch.path() / "golden.db", scratch.path() / "spool");
  }
  write(place / "media.manifest", manifest_of(files));
}

}  // namespace
}  // namespace salvor::golden

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_golden DIRECTORY\n");
    return 2;
  }
  try {
    salvor::golden::make(argv[1]);
    return 0;
  } catch (const salvor::Error& error) {
    std::fprintf(stderr, "make_golden: %s\n", error.what());
    return salvor::exit_status(error.code());
  }
}
