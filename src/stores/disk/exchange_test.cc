#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "stores/files/files.h"
#include "stores/replacement.h"

namespace salvor::stores::disk {
namespace {

namespace fs = std::filesystem;

// A service that is gone with all its directories: its user must come through those made anew.
TEST(ExchangeTest, ParentsThatAreMadeHaveOwnerAndModeOfTheNearestOneThatIsThere) {
  const TemporaryDirectory home("/tmp", "salvor-exchange-");
  const fs::path service = home.path() / "srv";
  fs::create_directory(service);
  const uid_t user = geteuid() == 0 ? 1234 : geteuid();
  const gid_t group = geteuid() == 0 ? 4321 : getegid();
  ASSERT_EQ(chown(service.c_str(), user, group), 0);
  fs::permissions(service, fs::perms(0750));
  FilesTargetOptions options;
  options.root = service / "shop/media/live";
  make_files_target(std::move(options))->replacement("r1", "media")->provision();
  for (const fs::path& made : {service / "shop", service / "shop/media"}) {
    struct stat status {};
    ASSERT_EQ(lstat(made.c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, user) << made;
    EXPECT_EQ(status.st_gid, group) << made;
    EXPECT_EQ(status.st_mode & 07777U, 0750U) << made;
  }
}

}  // namespace
}  // namespace salvor::stores::disk
