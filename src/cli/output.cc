#include "cli/output.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <regex>

#include "control/report_json.h"
#include "control/restore_in_place.h"
#include "control/whole_commands.h"

namespace salvor::cli {
namespace {

constexpr std::size_t kColumnsMin = 80;
constexpr std::string_view kContinued = "    ";

bool has_value(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

}  // namespace

Look Look::of(int fd) {
  Look look;
  if (::isatty(fd) != 1) return look;
  winsize size{};
  const bool known = ::ioctl(fd, TIOCGWINSZ, &size) == 0;
  look.columns = std::max<std::size_t>(known ? size.ws_col : 0, kColumnsMin);
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  look.colour = !dumb && !has_value("NO_COLOR");
  return look;
}

void tell(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void tell_line(std::string_view text) {
  tell(laid_out(control::whole_commands(text), Look::of(STDERR_FILENO).columns) + '\n');
}

void tell(const Error& error) {
  constexpr std::string_view kHead = "salvor: error:";
  const Look look = Look::of(STDERR_FILENO);
  std::string words = std::string(kHead) + ' ' + error.message();
  if (!error.hint().empty()) words += "\nhint: " + error.hint();
  words = laid_out(control::whole_commands(words), look.columns) + '\n';
  if (look.colour) words = fmt::format("\x1b[31m{}\x1b[0m{}", kHead, words.substr(kHead.size()));
  tell(words);
}

std::string laid_out(std::string_view text, std::optional<std::size_t> columns) {
  if (!columns) return std::string(text);
  std::string lines;
  while (true) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    std::vector<std::string> parts = wrapped(line, *columns);
    if (parts.size() > 1) parts = wrapped(line, *columns - kContinued.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i > 0) lines += '\n' + std::string(kContinued);
      lines += parts[i];
    }
    if (end == text.size()) return lines;
    lines += '\n';
    text.remove_prefix(end + 1);
  }
}

Output::Output(bool json) : json_(json), look_(json ? Look{} : Look::of(STDOUT_FILENO)) {}

void Output::fail() {
  const int error = errno;
  broken_ = true;
  reader_is_gone_ = error == EPIPE;
  if (!reader_is_gone_) throw_system_error("cannot write to", "standard output", error);
}

void Output::write(std::string_view bytes) {
  if (broken_ || std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size()) return;
  fail();
}

void Output::stream(std::string_view bytes) {
  write(bytes);
  if (reader_is_gone_) throw ReaderGone();
}

void Output::line(std::string_view text) {
  write(laid_out(control::whole_commands(text), look_.columns) + "\n");
}

void Output::table(const Table& table) {
  write(table.text(look_));
}

void Output::document(std::string_view json) {
  write(json);
  write("\n");
}

void Output::begin_list(std::string_view name) {
  in_list_ = true;
  list_is_empty_ = true;
  write("{\n\"");
  write(name);
  write("\": [");
}

void Output::item(std::string_view json) {
  write(list_is_empty_ ? "\n" : ",\n");
  list_is_empty_ = false;
  stream(json);
}

void Output::end_list() {
  in_list_ = false;
  write("\n]}\n");
}

void Output::failure(const Error& error) {
  if (!json_ || broken_) return;
  const std::string document = control::to_json(error);
  if (in_list_) {
    // The list stays readable; the error is one more member beside it.
    write("\n]," + document.substr(1) + "\n");
  } else {
    write(document + "\n");
  }
}

void Output::flush() {
  if (broken_ || std::fflush(stdout) == 0) return;
  fail();
}

void List::begin() {
  if (!begun_) output_.begin_list(name_);
  begun_ = true;
}

void List::end() {
  if (!output_.json()) return;
  begin();
  output_.end_list();
}

std::string in_words(std::string_view name) {
  std::string words(name);
  std::ranges::replace(words, '_', ' ');
  return words;
}

std::string in_local_times(const std::string& text) {
  static const std::regex kUtc(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)");
  std::string local;
  auto done = text.begin();
  for (std::sregex_iterator found(text.begin(), text.end(), kUtc), end; found != end; ++found) {
    const auto time = parse_time(found->str());
    local.append(done, (*found)[0].first);
    local += time ? local_time(*time) : found->str();
    done = (*found)[0].second;
  }
  return local.append(done, text.end());
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

}  // namespace salvor::cli
