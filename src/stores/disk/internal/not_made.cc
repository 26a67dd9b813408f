#include "stores/disk/internal/not_made.h"

#include "base/error.h"

namespace salvor::stores::disk {
namespace {

constexpr std::size_t kNamedMax = 1000;

}  // namespace

void NotMade::add(std::string_view path, EntryKind kind, int error) {
  const std::lock_guard lock(mutex_);
  any_ = true;
  paths_.emplace(path);
  if (paths_.size() > kNamedMax) return;
  std::string line = printable(path) + " (" + std::string(name_of(kind));
  if (kind == EntryKind::directory) line += ", and all that is in it";
  lines_.push_back(line + "): " + errno_text(error));
}

bool NotMade::has(std::string_view path) const {
  if (!any_) return false;
  const std::lock_guard lock(mutex_);
  return paths_.contains(path);
}

bool NotMade::has_above(std::string_view path) const {
  if (!any_) return false;
  const std::lock_guard lock(mutex_);
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (paths_.contains(path.substr(0, slash))) return true;
  }
  return false;
}

std::vector<std::string> NotMade::lines() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines = lines_;
  if (paths_.size() > lines.size()) {
    lines.push_back("and " + std::to_string(paths_.size() - lines.size()) + " more");
  }
  return lines;
}

}  // namespace salvor::stores::disk
