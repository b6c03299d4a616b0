#include "death_note.h"

#include <signal.h>
#include <unistd.h>

#include <array>

namespace alidade::fuzz {
namespace {

// Read by the signal handler.
const std::string* current_name = nullptr;
std::string_view current_input;

void Put(std::string_view text) {
  // There is nobody to tell of a failure.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

// Only what a signal handler may do.
void Print(int number) {
  if (current_name != nullptr) {
    Put(number == SIGALRM ? "fuzz: it hangs: " : "fuzz: it dies: ");
    Put(*current_name);
    Put("\ninput: ");
    for (const char c : current_input) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      const std::array<char, 2> pair = {kDigits[byte >> 4], kDigits[byte & 0xF]};
      Put({pair.data(), pair.size()});
    }
    Put("\n");
  }
  // The handler was reset when it was called: this ends the process.
  ::raise(number);
}

void InstallOnce() {
  static const bool installed = [] {
    // An overflow of the stack leaves none for the handler.
    static std::array<char, 64 << 10> stack;
    stack_t alternative{};
    alternative.ss_sp = stack.data();
    alternative.ss_size = stack.size();
    ::sigaltstack(&alternative, nullptr);
    struct sigaction action {};
    action.sa_handler = Print;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_ONSTACK | SA_NODEFER);
    ::sigaction(SIGALRM, &action, nullptr);
#ifndef __SANITIZE_ADDRESS__
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
      ::sigaction(number, &action, nullptr);
    }
#endif
    return true;
  }();
  static_cast<void>(installed);
}

}  // namespace

DeathNote::DeathNote(const std::string& name, std::string_view input, int seconds) {
  InstallOnce();
  current_name = &name;
  current_input = input;
  ::alarm(static_cast<unsigned>(seconds));
}

DeathNote::~DeathNote() {
  ::alarm(0);
  current_name = nullptr;
  current_input = {};
}

}  // namespace alidade::fuzz
