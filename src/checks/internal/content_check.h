#pragma once

#include <memory>
#include <span>
#include <string>

#include "checks/internal/judge.h"
#include "repo/repository.h"
#include "stores/source.h"

namespace salvor::checks {

/// Compares the content of one file with the chunks that it should consist of, front to back.
/// Threads: one.   Lifetime: shorter than what it refers to.
class ContentCheck {
 public:
  ContentCheck(const repo::Repository& repository, stores::Source& copy, const stores::Item& item);

  /// The next chunks and holes. After the first difference nothing more is read.
  /// Errors: cancelled, by the deadline.
  void expect(std::span<const repo::Ref> refs, const Deadline& deadline);

  /// What differs, as the end of a sentence about the file; empty when nothing does.
  std::string finish();

  /// Whether that is because it can't be read; the source may report it as well.
  bool unreadable() const { return unreadable_; }

 private:
  void give_up(const std::string& why);
  void compare(const repo::Ref& ref, const Deadline& deadline);
  std::size_t read(MutableByteView out);
  bool skip_zeros(std::uint64_t length, const Deadline& deadline);

  const repo::Repository& repository_;
  std::unique_ptr<stores::ContentReader> reader_;
  std::uint64_t offset_ = 0;
  std::uint64_t hole_left_ = 0;  ///< of the hole that the reader has told of
  std::string difference_;
  bool unreadable_ = false;
};

}  // namespace salvor::checks
