#pragma once

#include <string>
#include <string_view>

namespace salvor::evidence {

/// What an export of evidence says, as a page for people: for the screen and for paper, without
/// scripts, and without anything that would have to be fetched. It is the reading of the file, and
/// proves nothing: the file does.
/// Shape:  exported: a document that verifies; file: what it is called.
/// Errors: corruption: it is no such document.
std::string evidence_page(std::string_view exported, std::string_view file);

}  // namespace salvor::evidence
