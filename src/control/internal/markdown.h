#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Pieces of Markdown (CommonMark with GitHub's tables) from any bytes.
/// Threads: plain functions.   Errors: none.
namespace salvor::control::internal::markdown {

/// Text that means itself: no link, no markup, no line break.
std::string text(std::string_view raw);

/// An address as a link, when it is a plain one of http or https; else text().
std::string link(std::string_view raw);

/// The same as code within a line; not in a table, which is cut into cells before.
std::string code(std::string_view raw);

/// The same for a cell of a table.
std::string cell_code(std::string_view raw);

/// A block of code of its own; what is in it may have line breaks.
std::string block(std::string_view language, std::string_view content);

/// A row of a table; cells are Markdown already.
std::string row(const std::vector<std::string>& cells);

/// One word for a POSIX shell; bytes that are not printable as $'\ooo' (bash).
std::string shell_word(std::string_view raw);

/// A basic string of TOML.
std::string toml_string(std::string_view raw);

}  // namespace salvor::control::internal::markdown
