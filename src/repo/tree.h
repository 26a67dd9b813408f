#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "repo/ids.h"

/// The sorted map that a snapshot is: a prolly tree, whose node boundaries follow from its content
/// (docs/format.md, section 9). Same content, same root; what two trees share is found by its id.
namespace salvor::repo {

/// A stretch of content: a chunk, or a hole (id zero). Units: bytes.
struct Ref {
  ChunkId id;
  std::uint64_t length = 0;

  bool is_hole() const { return id.is_zero(); }
  bool operator==(const Ref&) const = default;
};

/// What lies under one (key, offset). To the repository `meta` means nothing.
struct Record {
  Bytes key;
  std::uint64_t offset = 0;
  Bytes meta;
  std::vector<Ref> refs;
  bool operator==(const Record&) const = default;
};

/// Negative, zero or positive, as (key, offset) of a is before, at or after that of b.
int compare(ByteView key_a, std::uint64_t offset_a, ByteView key_b, std::uint64_t offset_b);

struct Child {
  Bytes first_key;
  std::uint64_t first_offset = 0;
  ChunkId id;
  std::uint64_t records = 0;
  std::uint64_t content_bytes = 0;
};

/// One node, decoded: records at level 0, children above.
struct Node {
  std::uint8_t level = 0;
  std::vector<Record> records;
  std::vector<Child> children;

  std::size_t size() const { return level == 0 ? records.size() : children.size(); }
};

/// Errors: corruption, naming the node's id.
Node decode_node(ByteView bytes, const ChunkId& id);

using NodeReader = std::function<std::shared_ptr<const Node>(const ChunkId&)>;
using NodeWriter = std::function<ChunkId(ByteView)>;

struct TreeRoot {
  ChunkId id;
  std::uint64_t records = 0;
  std::uint64_t content_bytes = 0;
};

/// Builds a tree from records in ascending order, in memory of one node a level.
/// Threads: one.   Lifetime: destruction abandons.
class TreeBuilder {
 public:
  /// `seed`: of the node boundaries at level 0 (each level adds one).
  TreeBuilder(NodeWriter write, std::uint64_t seed);
  ~TreeBuilder();

  void add(const Record& record);
  TreeRoot finish();

 private:
  struct Level;
  void close(std::size_t level);
  void add_child(std::size_t level, const Child& child);
  bool ends_node(Level& level, ByteView key, std::uint64_t offset, std::size_t size) const;

  NodeWriter write_;
  std::uint64_t seed_;
  std::vector<std::unique_ptr<Level>> levels_;
};

/// Walks a tree in order, loading what it needs. A position is a record, or a subtree that is not
/// loaded yet.
/// Threads: one.   Errors: corruption, when the nodes contradict each other.
class TreeCursor {
 public:
  TreeCursor(NodeReader read, const ChunkId& root);

  bool at_end() const { return stack_.empty(); }
  bool at_record() const { return !at_end() && stack_.back().node->level == 0; }
  const Record& record() const;  ///< only at_record()
  const Child& subtree() const;  ///< only when neither at_end() nor at_record()
  std::uint8_t level() const { return stack_.back().node->level; }

  /// The first (key, offset) of what lies at the position.
  ByteView key() const;
  std::uint64_t offset() const;

  void expand();   ///< loads the subtree at the position, and goes to its start
  void advance();  ///< past the record, or past the whole subtree

  /// The next record, or null at the end: expands to it. advance() goes on.
  const Record* find_record();

  /// To the first record that is not before (key, offset).
  void seek(ByteView key, std::uint64_t offset = 0);

 private:
  struct Place {
    std::shared_ptr<const Node> node;
    std::size_t at;
  };
  void enter(const ChunkId& id, int level);
  void leave_finished();

  NodeReader read_;
  ChunkId root_;
  std::vector<Place> stack_;
};

/// Calls `visit(a, b)` for every (key, offset) at which the trees differ, in order; the side that
/// has no such record is null. Takes time in proportion to the difference.
void diff_trees(const NodeReader& read, const ChunkId& a, const ChunkId& b,
                const std::function<void(const Record* a, const Record* b)>& visit);

}  // namespace salvor::repo
