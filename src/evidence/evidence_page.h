#pragma once

#include <string>
#include <string_view>

namespace salvor::evidence {

/// An export of evidence as an HTML page for people: for the screen and for paper, without scripts,
/// and without anything that would have to be fetched. It shows what the file says, and proves
/// nothing: verify the file first.
/// Shape:  `exported`: a document that verifies; `file`: its name, which the page shows.
/// Errors: corruption: it is no such document.
std::string evidence_page(std::string_view exported, std::string_view file);

}  // namespace salvor::evidence
