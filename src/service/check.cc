#include "service/check.h"

#include "service/hooks.h"

namespace salvor::service {

const TestKind& kind_of(const Check& check) {
  return std::visit([](const auto& test) -> const TestKind& { return test.kKind; }, check.test);
}

const std::string& asked_by(const Check& check) {
  return std::visit([](const auto& test) -> const std::string& { return test.asked(); },
                    check.test);
}

std::vector<std::string> texts_of(const Check& check, Form form) {
  std::vector<std::string> texts;
  const auto add = [&]<class Kind>(const Kind& test) {
    for_each_key<Kind>([&](const auto& key) {
      if constexpr (std::is_same_v<std::string Kind::*, decltype(key.member)>) {
        if (key.form == form) texts.push_back(test.*key.member);
      }
    });
  };
  std::visit(add, check.test);
  return texts;
}

bool knows_of_copy(const Check& check) {
  if (check.isolated) return true;
  const Asks asks = kind_of(check).asks;
  return asks == Asks::command ? mentions_copy(asked_by(check)) : asks == Asks::copy;
}

}  // namespace salvor::service
