#pragma once

#include <filesystem>
#include <string_view>

namespace salvor {

/// Removes a directory with all in it: of any depth, of any width, with names of any bytes, also
/// directories that nobody may write to. Symlinks are removed, never followed. Can be repeated
/// after a crash. Memory and descriptors are bounded.
/// Errors: refused, when another file system is mounted within, of which nothing is touched;
/// failed.
void remove_tree(const std::filesystem::path& root);

/// The same for everything in it but the name `kept`.
void remove_tree_but(const std::filesystem::path& root, std::string_view kept);

}  // namespace salvor
