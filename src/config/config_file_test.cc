#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <thread>

#include "base/error.h"
#include "base/fd.h"
#include "config/config.h"

namespace salvor::config {
namespace {

/// A directory of its own, as the current one, and no variables that lead elsewhere.
class ConfigFileTest : public ::testing::Test {
 protected:
  ConfigFileTest() : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(root());
    ::unsetenv("SALVOR_CONFIG");
  }
  ~ConfigFileTest() override {
    std::filesystem::current_path(before_);
    ::unsetenv("SALVOR_CONFIG");
  }

  std::filesystem::path root() const { return directory_.path(); }

  std::filesystem::path write(const std::string& name, const std::string& text) {
    write_file_atomically(root() / name, as_bytes(text));
    return root() / name;
  }

  Config with_paths(const std::string& repository, const std::string& store,
                    const std::string& more = "") {
    return parse_config_text("state_dir = \"/var/lib/salvor\"\n[repository]\nurl = \"" +
                                 repository + "\"\nkey_file = \"/etc/salvor/key\"\n" +
                                 "[service.shop.store.media]\ntype = \"files\"\npath = \"" + store +
                                 "\"\n" + more,
                             "f.toml", root());
  }

  TemporaryDirectory directory_{"/tmp"};
  std::filesystem::path before_;
};

Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "expected an error";
  return Error(ErrorCode::failed, "");
}

TEST_F(ConfigFileTest, SearchesInOrder) {
  if (!std::filesystem::exists("/etc/salvor/salvor.toml")) {
    const Error error = error_of([] { find_config(std::nullopt); });
    EXPECT_EQ(error.code(), ErrorCode::configuration);
    EXPECT_EQ(error.message(),
              "no configuration found: looked for ./salvor.toml and /etc/salvor/salvor.toml");
  }
  write("salvor.toml", "");
  EXPECT_EQ(find_config(std::nullopt), "salvor.toml");
  const std::filesystem::path other = write("other.toml", "");
  ::setenv("SALVOR_CONFIG", other.c_str(), 1);
  EXPECT_EQ(find_config(std::nullopt), other);
  EXPECT_EQ(find_config("salvor.toml"), "salvor.toml") << "the option comes first";
  ::setenv("SALVOR_CONFIG", "absent.toml", 1);
  EXPECT_EQ(error_of([] { find_config(std::nullopt); }).message(),
            "no configuration at absent.toml, which SALVOR_CONFIG names");
  EXPECT_EQ(error_of([] { find_config("gone.toml"); }).message(),
            "no configuration at gone.toml, which --config names");
}

TEST_F(ConfigFileTest, PathsAreRelativeToTheFile) {
  std::filesystem::create_directory(root() / "conf");
  write("conf/a.toml", "state_dir = \"state\"\n[repository]\nurl = \"../repo\"\nkey_file='k'\n");
  const Config config = load_config("conf/a.toml");
  EXPECT_EQ(config.file, root() / "conf/a.toml");
  EXPECT_EQ(config.state_directory, root() / "conf/state");
  EXPECT_EQ(config.repository.path, root() / "repo");
}

TEST_F(ConfigFileTest, RefusesWhatCannotBeRead) {
  EXPECT_EQ(error_of([&] { load_config(root() / "absent"); }).code(), ErrorCode::configuration);
  EXPECT_EQ(error_of([&] { load_config(root()); }).code(), ErrorCode::failed);
  const std::filesystem::path huge = write("huge.toml", std::string(2'000'000, '#'));
  EXPECT_EQ(error_of([&] { load_config(huge); }).code(), ErrorCode::configuration);
  EXPECT_EQ(error_of([] { load_config("/dev/zero"); }).code(), ErrorCode::configuration);
}

TEST_F(ConfigFileTest, ReadsAPipe) {
  const std::filesystem::path fifo = root() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const std::jthread writer([&] {
    const Fd fd = open_file(fifo, O_WRONLY);
    write_all(fd.get(), as_bytes("[repository]\nurl='/b'\nkey_file='/k'\n"), "a fifo");
  });
  EXPECT_EQ(load_config(fifo).repository.path, "/b");
}

TEST_F(ConfigFileTest, StateLiesWhereTheUserMayWrite) {
  if (::geteuid() == 0) {
    EXPECT_EQ(default_state_directory(), "/var/lib/salvor");
    return;
  }
  ::setenv("XDG_STATE_HOME", "/tmp/state", 1);
  EXPECT_EQ(default_state_directory(), "/tmp/state/salvor");
  ::setenv("XDG_STATE_HOME", "relative", 1);
  ::setenv("HOME", "/tmp/home", 1);
  EXPECT_EQ(default_state_directory(), "/tmp/home/.local/state/salvor");
}

TEST_F(ConfigFileTest, StoresAndRepositoriesStayApart) {
  EXPECT_NO_THROW(check_paths(with_paths("/srv/ab", "/srv/a")));
  EXPECT_NO_THROW(check_paths(with_paths("/srv/a", "/srv/ab")));
  EXPECT_EQ(error_of([&] { check_paths(with_paths("/srv/a", "/srv/a/b")); }).message(),
            "store media of service shop lies inside the repository: /srv/a/b is in /srv/a");
  EXPECT_EQ(error_of([&] { check_paths(with_paths("/srv/a", "/srv/a")); }).code(),
            ErrorCode::configuration);
  EXPECT_EQ(error_of([&] { check_paths(with_paths("/srv/a", "/srv")); }).message(),
            "the repository lies inside store media of service shop: /srv/a is in /srv");
  EXPECT_EQ(error_of([&] { check_paths(with_paths("/srv/a", "/")); }).code(),
            ErrorCode::configuration);
}

TEST_F(ConfigFileTest, AnExcludedRepositoryMayLieInAStore) {
  for (const std::string pattern : {"/b/a", "/b/", "a", "b/**", "**/a/"}) {
    EXPECT_NO_THROW(
        check_paths(with_paths("/srv/b/a", "/srv", "exclude = [\"" + pattern + "\"]\n")))
        << pattern;
  }
  for (const std::string pattern : {"/a", "c", "b/a/**", "*.tmp"}) {
    EXPECT_THROW(check_paths(with_paths("/srv/b/a", "/srv", "exclude = [\"" + pattern + "\"]\n")),
                 Error)
        << pattern;
  }
}

TEST_F(ConfigFileTest, LinksAreFollowed) {
  std::filesystem::create_directories(root() / "data" / "backups");
  std::filesystem::create_directory_symlink(root() / "data" / "backups", root() / "elsewhere");
  EXPECT_EQ(error_of([&] { check_paths(with_paths("elsewhere", "data")); }).code(),
            ErrorCode::configuration);
  std::filesystem::create_directory_symlink(root() / "loop", root() / "loop");
  EXPECT_NO_THROW(check_paths(with_paths("loop", "data")));
}

TEST_F(ConfigFileTest, SecretsAndStateStayOutOfTheRepository) {
  EXPECT_EQ(error_of([&] { check_paths(with_paths("/etc/salvor", "/srv")); }).message(),
            "key_file lies inside the repository that it opens: /etc/salvor/key");
  EXPECT_EQ(error_of([&] { check_paths(with_paths("/var/lib", "/srv")); }).message(),
            "state_dir lies inside the repository: /var/lib/salvor");
}

}  // namespace
}  // namespace salvor::config
