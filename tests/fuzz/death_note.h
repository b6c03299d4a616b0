// DeathNote: prints the input under test if the process dies of it.
#pragma once

#include <string>
#include <string_view>

namespace alidade::fuzz {

// While it lives, a fatal signal, or `seconds` by the clock without an end, prints the name and the
// input to standard error and then ends the process by that signal. Under the address sanitizer
// only the clock does: it has its own report of the rest. Borrows both; one at a time.
class DeathNote {
 public:
  DeathNote(const std::string& name, std::string_view input, int seconds);
  ~DeathNote();
  DeathNote(const DeathNote&) = delete;
  DeathNote& operator=(const DeathNote&) = delete;
};

}  // namespace alidade::fuzz
