#pragma once

#include <filesystem>
#include <string_view>

namespace salvor {

/// Removes a directory with all in it: of any depth and width, with names of any bytes, also
/// directories whose mode forbids writing. Symbolic links are removed, never followed. After a
/// crash the call can be repeated; where nothing is there, it does nothing.
/// Errors: refused, when another file system is mounted within: its content is not touched, but
///         other things may be gone already. failed, with a hint where something is immutable or
///         append-only.
/// Memory: bounded, and so are descriptors, whatever the size of the tree.
void remove_tree(const std::filesystem::path& root);

/// Removes everything in the directory but the name `kept`, and leaves the directory itself.
/// Errors: as remove_tree(); not_found, when the directory is not there.
void remove_tree_but(const std::filesystem::path& root, std::string_view kept);

}  // namespace salvor
