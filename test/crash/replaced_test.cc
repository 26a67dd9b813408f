#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "backend/memory.h"
#include "scratch.h"
#include "stores/disk/tree.h"

/// What happens to a directory tree between the walk and the read.
namespace salvor::testing {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

/// The real source; somebody replaces one file just before it is opened for the first time.
class ReplacingSource final : public stores::Source {
 public:
  ReplacingSource(const fs::path& root, std::string name, std::string content)
      : root_(root), name_(std::move(name)), content_(std::move(content)) {
    stores::disk::TreeSourceOptions from;
    from.root = root;
    from.reading_threads = 1;
    inner_ = stores::disk::make_tree_source(from);
  }

  stores::SourceCapabilities capabilities() const override { return inner_->capabilities(); }
  void mark() override { inner_->mark(); }
  void examine(const std::stop_token& stop) override { inner_->examine(stop); }
  std::optional<stores::Item> next() override { return inner_->next(); }
  std::unique_ptr<stores::ContentReader> open(const stores::Item& item) override {
    if (stores::path_of_key(item.key) == name_ && !replaced_.exchange(true)) {
      const fs::file_time_type before = fs::last_write_time(root_);
      write(root_ / "new", content_);
      fs::rename(root_ / "new", root_ / name_);
      // The directory has been read already: only the file's part is of interest.
      fs::last_write_time(root_, before);
    }
    return inner_->open(item);
  }
  bool unchanged(const stores::Entry& then, const stores::Entry& now) const override {
    return inner_->unchanged(then, now);
  }
  stores::SourceReport report() const override { return inner_->report(); }

  bool replaced() const { return replaced_; }

 private:
  const fs::path root_;
  const std::string name_;
  const std::string content_;
  std::unique_ptr<stores::Source> inner_;
  std::atomic<bool> replaced_{false};
};

class ReplacedTest : public ::testing::Test {
 protected:
  ReplacedTest() {
    create_repository(memory_);
    fs::create_directories(tree());
    write(tree() / "a", "the first content");
    for (const char* name : {"b", "c"}) fs::create_hard_link(tree() / "a", tree() / name);
    write(tree() / "d", "another file");
  }

  fs::path tree() const { return directory_.path() / "tree"; }

  void back_up_replacing(const std::string& name, const std::string& content) {
    ReplacingSource source(tree(), name, content);
    backup::Options options;
    options.service = "service";
    options.threads = 2;
    backup::run(*open_repository(memory_, repo::Access::write),
                {{"files", "files", &source, false}}, options);
    ASSERT_TRUE(source.replaced());
  }

  const TemporaryDirectory directory_{"/tmp"};
  backend::MemoryBackend memory_;
};

// The other names of the old inode were restored as links to the file that had taken its place.
TEST_F(ReplacedTest, the_other_names_of_a_first_name_that_was_replaced_keep_their_content) {
  for (const std::string& content : {std::string("new"), std::string(3U << 20U, 'n')}) {
    SCOPED_TRACE(content.size());
    back_up_replacing("a", content);
    EXPECT_EQ(restore_differences(memory_, {describe_tree(tree())}, directory_.path()), "");
    // As before, for the next turn.
    fs::rename(tree() / "b", tree() / "a");
    fs::create_hard_link(tree() / "a", tree() / "b");
    memory_.objects().clear();
    create_repository(memory_);
  }
}

TEST_F(ReplacedTest, an_unchanged_second_point_keeps_them_as_well) {
  back_up(memory_, tree());
  const TreeDescription before = describe_tree(tree());
  // Touched, so that it is read again, and then replaced at that moment.
  write(tree() / "a", "the second content");
  back_up_replacing("a", "new");
  EXPECT_EQ(restore_differences(memory_, {before, describe_tree(tree())}, directory_.path()), "");
}

}  // namespace
}  // namespace salvor::testing
