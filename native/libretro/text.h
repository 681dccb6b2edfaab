// A few words on text.
#pragma once

#include <string>
#include <vector>

namespace copain {

// The text, or "" for nullptr.
std::string text_of(const char* text);

// The parts between separators that are not empty.
std::vector<std::string> split(const std::string& text, char separator);

// The words with ", " between them.
std::string join(const std::vector<std::string>& words);

// The text without blanks at both ends.
std::string trim(const std::string& text);

// Letters A to Z made small.
std::string lower_case(std::string text);

}  // namespace copain
