#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/internal/toml_reader.h"

/// Reads the tables of a configuration, key by key, and collects what is wrong with them.
///     Findings findings(file, directory);
///     TableReader reader(document, "", findings);
///     const auto wait_s = reader.duration_s("holders_wait");
///     reader.finish();              // unknown keys
///     findings.throw_first();       // after all tables were read
namespace salvor::config {

/// Collects what is wrong with a configuration file, so that the problem that is reported is the
/// first one in the file, in whatever order its parts were read.
/// Threads:  one.
/// Lifetime: longer than that of every TableReader that was given it.
class Findings {
 public:
  Findings(std::string file, std::filesystem::path directory)
      : file_(std::move(file)), directory_(std::move(directory)) {}

  /// Notes a problem, and what to write instead. Only the first one in the file is kept.
  void add(Position position, std::string message, std::string hint);

  /// Throws when anything was added.
  /// Errors: configuration: "FILE:LINE:COLUMN: message".
  void throw_first() const;

  /// The directory that relative paths of the file begin at.
  const std::filesystem::path& directory() const { return directory_; }

 private:
  struct Mistake {
    Position position;
    std::string message;
    std::string hint;
  };

  std::string file_;
  std::filesystem::path directory_;
  std::optional<Mistake> first_;
};

/// Reads one table key by key. A key that nobody has asked for by the time of finish() is unknown.
/// A key that is absent, or has a wrong value, reads as empty; a wrong value is added to the
/// findings, so the caller need not look at it again.
/// Threads:  one.
/// Lifetime: shorter than that of the value and the findings. Every `key` is a literal.
class TableReader {
 public:
  /// `path` names the table in messages: "service.shop"; empty: the whole file.
  TableReader(const TomlValue& table, std::string path, Findings& findings);

  /// A string. An empty one, or one with a zero byte in it, is wrong.
  std::optional<std::string> text(std::string_view key);
  /// The same, and it is wrong when the key is absent.
  std::string required_text(std::string_view key);

  /// A path. A relative one is completed with the directory of the file; it has no "." and ".."
  /// then.
  std::optional<std::filesystem::path> path(std::string_view key);
  std::filesystem::path required_path(std::string_view key);

  /// A whole number from `least` to `most`.
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  std::optional<bool> boolean(std::string_view key);

  /// A duration, from "15m" and the like; 0 is wrong.
  /// Units: seconds.
  std::optional<std::int64_t> duration_s(std::string_view key);

  /// An array of strings, or of paths.
  std::vector<std::string> texts(std::string_view key);
  std::vector<std::filesystem::path> paths(std::string_view key);

  /// The tables in the table of a key, each with a name: [store.NAME]. What is none, or has no name
  /// that can be, is added to the findings.
  std::vector<const TomlMember*> named_tables(std::string_view key);

  /// One of the words in `allowed`, by its index.
  std::optional<std::size_t> choice(std::string_view key,
                                    const std::vector<std::string_view>& allowed);

  /// A table, null when it is absent; and each table of an array of tables ([[key]]).
  const TomlValue* table(std::string_view key);
  std::vector<const TomlValue*> tables(std::string_view key);

  /// Whether the key is there, whatever its value.
  bool has(std::string_view key);

  /// Adds a problem at the value of `key`, or at the table when the key is absent or empty.
  void complain(std::string_view key, std::string message, std::string hint);
  /// Adds the problem that a key is missing, at the table.
  void complain_missing(std::string_view key,
                        std::string hint = "docs/configuration.md lists what each table needs");

  /// Runs `parse`, which reads the value of `key`. An Error that it throws becomes a problem at
  /// that value. For parsers that know nothing of files, such as Cron::parse().
  void locate(std::string_view key, const std::function<void()>& parse);

  /// Adds the first key that nobody asked for. To be called once, at the end.
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
