#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace salvor::testing {

/// What a tree looks like to its user, one line for each path (relative; "." is the root): kind,
/// mode, owner, modification time in ns, size, a hash of the content, where its data and holes lie,
/// symlink targets, device numbers, extended attributes, and which names are the same file.
/// Not: inode numbers, ctime, atime. Two trees are equal for their users when the maps are equal.
/// Written on its own, with none of the code that it is there to check. Any depth.
/// Errors: failed, for whatever can't be read.
std::map<std::string, std::string> describe_tree(const std::filesystem::path& root);

/// The differences of two descriptions, one a line; empty when there are none.
std::string tree_difference(const std::map<std::string, std::string>& expected,
                            const std::map<std::string, std::string>& found);

/// Removes everything in a directory, of any depth. The directory itself stays.
void empty_tree(const std::filesystem::path& root);

}  // namespace salvor::testing
