#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/toml_reader.h"

namespace salvor::config {

/// Collects what is wrong with a configuration file, so that the problem reported is the first in
/// the file, in whatever order its parts were read.
/// Threads: one.   Lifetime: longer than that of every TableReader that was given it.
class Findings {
 public:
  Findings(std::string file, std::filesystem::path directory)
      : file_(std::move(file)), directory_(std::move(directory)) {}

  void add(Position position, std::string message, std::string hint);

  /// Errors: configuration: "FILE:LINE:COLUMN: message", when anything was added.
  void throw_first() const;

  /// What relative paths are relative to.
  const std::filesystem::path& directory() const { return directory_; }

 private:
  struct Finding {
    Position position;
    std::string message;
    std::string hint;
  };

  std::string file_;
  std::filesystem::path directory_;
  std::optional<Finding> first_;
};

/// Reads one table key by key. A key that nobody has asked for by the time of finish() is unknown.
/// A key that is absent, or has a wrong value, reads as empty; the latter is added to the findings.
/// Threads: one.   Lifetime: shorter than that of the value and the findings; `key` is a literal.
class TableReader {
 public:
  /// `path` names the table in messages: "service.shop".
  TableReader(const TomlValue& table, std::string path, Findings& findings);

  /// A string; an empty one, or one with a zero byte in it, is wrong.
  std::optional<std::string> text(std::string_view key);
  std::string required_text(std::string_view key);

  /// Relative paths are completed with the directory of the file; without "." and "..".
  std::optional<std::filesystem::path> path(std::string_view key);
  std::filesystem::path required_path(std::string_view key);

  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  std::optional<bool> boolean(std::string_view key);

  /// Seconds, from "15m"; 0 is wrong.
  std::optional<std::int64_t> duration_s(std::string_view key);

  std::vector<std::string> texts(std::string_view key);
  std::vector<std::filesystem::path> paths(std::string_view key);

  /// One of `allowed`; the index of the one found.
  std::optional<std::size_t> choice(std::string_view key,
                                    const std::vector<std::string_view>& allowed);

  const TomlValue* table(std::string_view key);
  std::vector<const TomlValue*> tables(std::string_view key);  ///< [[key]]

  bool has(std::string_view key);

  /// Puts a problem at the value of `key`, or at the table when the key is absent or empty.
  void complain(std::string_view key, std::string message, std::string hint = {});
  void complain_missing(std::string_view key);

  /// Runs `parse` on the value of `key`; an Error of it is put at that value. For parsers that know
  /// nothing of files.
  void locate(std::string_view key, const std::function<void()>& parse);

  /// Adds the first key that nobody asked for.
  void finish();

  const std::string& path() const { return path_; }
  Findings& findings() { return findings_; }

 private:
  const TomlMember* find(std::string_view key);
  const TomlValue* find(std::string_view key, TomlValue::Kind kind);
  bool plain(const TomlValue& value, std::string_view key);
  std::optional<std::filesystem::path> resolved(const TomlValue& value);

  const TomlValue& table_;
  std::string path_;
  Findings& findings_;
  std::vector<std::string_view> known_;
};

/// Whether `name` may name a service or a store: [a-z0-9][a-z0-9_-]{0,62}.
bool is_name(std::string_view name);
inline constexpr std::string_view kNameHint =
    "use lower-case letters, digits, - and _, at most 63, beginning with a letter or digit";

}  // namespace salvor::config
