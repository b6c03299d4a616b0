#include "integration/command.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "alidade/common/check.h"

namespace alidade::testing {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void SendTo(const std::string& path, int descriptor) {
  ::dup2(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0640), descriptor);
}

}  // namespace

Command::Command(const std::vector<std::string>& arguments,
                 const std::map<std::string, std::string>& environment) {
  const char* given = std::getenv("ALIDADE_BINARY");
  std::vector<std::string> words = {given != nullptr ? given : ALIDADE_BINARY_PATH};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  const std::string out = scratch_.path() + "/out";
  const std::string err = scratch_.path() + "/err";
  pid_ = ::fork();
  ALIDADE_CHECK(pid_ >= 0, "fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    SendTo(out, STDOUT_FILENO);
    SendTo(err, STDERR_FILENO);
    for (const auto& [name, value] : environment) {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
}

Command::~Command() { Kill(); }

bool Command::Reap(int options) {
  int status = 0;
  if (!reaped_ && ::waitpid(pid_, &status, options) == pid_) {
    reaped_ = true;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return reaped_;
}

void Command::Kill() {
  if (!Reap(WNOHANG)) {
    ::kill(pid_, SIGKILL);
    Reap(0);
  }
}

int Command::Wait() {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!Reap(WNOHANG)) {
    if (std::chrono::steady_clock::now() > give_up) {
      Kill();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return exit_code_;
}

std::string Command::Out() const { return ReadText(scratch_.path() + "/out"); }
std::string Command::Err() const { return ReadText(scratch_.path() + "/err"); }

CommandResult RunCommand(const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& environment) {
  Command command(arguments, environment);
  CommandResult result;
  result.exit_code = command.Wait();
  result.out = command.Out();
  result.err = command.Err();
  return result;
}

}  // namespace alidade::testing
