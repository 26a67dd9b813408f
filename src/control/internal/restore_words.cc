#include "control/internal/restore_words.h"

#include "control/internal/markdown.h"

namespace salvor::control::internal {
namespace {

std::string repeated(const std::string& option, const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += " " + option + " " + markdown::shell_word(value);
  return text;
}

}  // namespace

std::string options_of(const PlanRequest& request) {
  std::string text = repeated("--only", request.stores);
  if (!request.safety_snapshot) text += " --without-safety-snapshot";
  text += repeated("--without-safety-snapshot-of", request.unsaved);
  if (request.in_place_delta) text += " --in-place-delta";
  if (request.compare_content) text += " --compare-content";
  if (request.without_lock) text += " --without-lock";
  return text;
}

std::string options_of(const RestoreRequest& request) {
  return repeated("--into", {request.into}) + repeated("--only", request.stores) +
         (request.delta ? " --delta" : "");
}

std::string at_of(const std::string& at) {
  return at == PlanRequest{}.at ? "" : " --at " + markdown::shell_word(at);
}

}  // namespace salvor::control::internal
