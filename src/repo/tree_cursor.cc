#include <algorithm>

#include "base/error.h"
#include "repo/tree.h"

namespace salvor::repo {
namespace {

[[noreturn]] void throw_contradiction(const ChunkId& id, std::string_view how) {
  throw Error(ErrorCode::corruption, "tree node " + id.hex() + " " + std::string(how));
}

}  // namespace

TreeCursor::TreeCursor(NodeReader read, const ChunkId& root) : read_(std::move(read)), root_(root) {
  enter(root, -1);
  leave_finished();
}

void TreeCursor::enter(const ChunkId& id, int level) {
  std::shared_ptr<const Node> node = read_(id);
  if (level >= 0 && node->level != level) throw_contradiction(id, "is at another level than said");
  if (level >= 0 && node->size() == 0) throw_contradiction(id, "is empty");
  stack_.push_back({std::move(node), 0});
}

void TreeCursor::leave_finished() {
  while (!stack_.empty() && stack_.back().at == stack_.back().node->size()) {
    stack_.pop_back();
    if (!stack_.empty()) ++stack_.back().at;
  }
}

const Record& TreeCursor::record() const {
  SALVOR_ASSERT(at_record());
  return stack_.back().node->records[stack_.back().at];
}

const Child& TreeCursor::subtree() const {
  SALVOR_ASSERT(!at_end() && !at_record());
  return stack_.back().node->children[stack_.back().at];
}

ByteView TreeCursor::key() const {
  return at_record() ? record().key : subtree().first_key;
}

std::uint64_t TreeCursor::offset() const {
  return at_record() ? record().offset : subtree().first_offset;
}

void TreeCursor::expand() {
  const Child& child = subtree();
  enter(child.id, level() - 1);
  if (compare(key(), offset(), child.first_key, child.first_offset) != 0) {
    throw_contradiction(child.id, "does not begin where its parent says");
  }
}

void TreeCursor::advance() {
  ++stack_.back().at;
  leave_finished();
}

const Record* TreeCursor::find_record() {
  while (!at_end() && !at_record()) expand();
  return at_end() ? nullptr : &record();
}

void TreeCursor::seek(ByteView key, std::uint64_t offset) {
  stack_.clear();
  enter(root_, -1);
  while (!stack_.empty() && stack_.back().node->level != 0) {
    const std::vector<Child>& children = stack_.back().node->children;
    const auto after = std::partition_point(children.begin(), children.end(), [&](const Child& c) {
      return compare(c.first_key, c.first_offset, key, offset) <= 0;
    });
    const auto at = after == children.begin() ? after : after - 1;
    stack_.back().at = static_cast<std::size_t>(at - children.begin());
    expand();
  }
  const std::vector<Record>& records = stack_.back().node->records;
  const auto at = std::partition_point(records.begin(), records.end(), [&](const Record& r) {
    return compare(r.key, r.offset, key, offset) < 0;
  });
  stack_.back().at = static_cast<std::size_t>(at - records.begin());
  leave_finished();
}

void diff_trees(const NodeReader& read, const ChunkId& a, const ChunkId& b,
                const std::function<void(const Record*, const Record*)>& visit) {
  if (a == b) return;
  TreeCursor left(read, a);
  TreeCursor right(read, b);
  while (!left.at_end() || !right.at_end()) {
    const bool both = !left.at_end() && !right.at_end();
    if (both && !left.at_record() && !right.at_record()) {
      if (left.subtree().id == right.subtree().id) {
        left.advance();
        right.advance();
        continue;
      }
      // The higher one first, so that they meet at the same level.
      if (left.level() >= right.level()) left.expand();
      if (!right.at_record() && right.level() > left.level()) right.expand();
      continue;
    }
    if (!left.at_end() && !left.at_record()) {
      left.expand();
      continue;
    }
    if (!right.at_end() && !right.at_record()) {
      right.expand();
      continue;
    }
    const int order = left.at_end() ? 1
                      : right.at_end()
                          ? -1
                          : compare(left.key(), left.offset(), right.key(), right.offset());
    if (order < 0) {
      visit(&left.record(), nullptr);
      left.advance();
    } else if (order > 0) {
      visit(nullptr, &right.record());
      right.advance();
    } else {
      if (left.record() != right.record()) visit(&left.record(), &right.record());
      left.advance();
      right.advance();
    }
  }
}

}  // namespace salvor::repo
