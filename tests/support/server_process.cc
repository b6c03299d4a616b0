#include "support/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

#include "alidade/common/check.h"
#include "alidade/common/file.h"

namespace alidade::testing {
namespace {

std::string Binary() {
  const char* given = std::getenv("ALIDADE_BINARY");
  return given != nullptr ? given : ALIDADE_BINARY_PATH;
}

std::string ReadText(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  const char* base = std::getenv("TMPDIR");
  std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/alidade-test-XXXXXX";
  ALIDADE_CHECK(::mkdtemp(pattern.data()) != nullptr, "mkdtemp {}", pattern);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() { RemoveTree(path_).IgnoreError(); }

ServerProcess::ServerProcess(const ServerOptions& options) {
  const std::string port_file = scratch_.path() + "/ports.json";
  const std::string log_file = scratch_.path() + "/log";
  std::vector<std::string> words = {Binary(),
                                    "serve",
                                    "--data-dir",
                                    options.data_dir,
                                    "--listen",
                                    "127.0.0.1:0",
                                    "--http-listen",
                                    "127.0.0.1:0",
                                    "--port-file",
                                    port_file,
                                    // Tests wait for builds, and run beside each other.
                                    "--set",
                                    "background.build_nice=0"};
  for (const std::string& setting : options.settings) {
    words.push_back("--set");
    words.push_back(setting);
  }
  words.insert(words.end(), options.flags.begin(), options.flags.end());
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);

  const auto start = std::chrono::steady_clock::now();
  pid_ = ::fork();
  ALIDADE_CHECK(pid_ >= 0, "fork");
  if (pid_ == 0) {
    // No server outlives its test, even a killed one.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int log = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0640);
    ::dup2(log, STDERR_FILENO);
    ::dup2(log, STDOUT_FILENO);
    for (const auto& [name, value] : options.environment) {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  const auto give_up = start + std::chrono::seconds(options.ready_seconds_max);
  while (std::chrono::steady_clock::now() < give_up && Running()) {
    int grpc = 0;
    int http = 0;
    if (std::sscanf(ReadText(port_file).c_str(), "{\"grpc\": %d, \"http\": %d", &grpc, &http) ==
        2) {
      port_ = grpc;
      http_port_ = http;
      ready_seconds_ =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

ServerProcess::~ServerProcess() { Kill(); }

void ServerProcess::Reap(bool block) {
  if (reaped_) {
    return;
  }
  int status = 0;
  if (::waitpid(pid_, &status, block ? 0 : WNOHANG) == pid_) {
    reaped_ = true;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
}

bool ServerProcess::Running() {
  Reap(/*block=*/false);
  return !reaped_;
}

bool ServerProcess::WaitForExit(double seconds_max) {
  const auto give_up =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds_max);
  while (Running() && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return !Running();
}

bool ServerProcess::Freeze() {
  if (!Running() || ::kill(pid_, SIGSTOP) != 0) {
    return false;
  }
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < give_up) {
    bool all = true;
    std::error_code gone;
    const std::string tasks = "/proc/" + std::to_string(pid_) + "/task";
    for (auto task = std::filesystem::directory_iterator(tasks, gone); !gone && task != end(task);
         task.increment(gone)) {
      // "<id> (<name>) <state> ..."
      const std::string stat = ReadText(task->path().string() + "/stat");
      const size_t name_end = stat.rfind(") ");
      all = all && name_end != std::string::npos && stat[name_end + 2] == 'T';
    }
    if (all && !gone) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

void ServerProcess::Kill() {
  if (Running()) {
    ::kill(pid_, SIGKILL);
    Reap(/*block=*/true);
  }
}

int ServerProcess::Stop() {
  if (Running()) {
    ::kill(pid_, SIGTERM);
    Reap(/*block=*/true);
  }
  return exit_code_;
}

std::string ServerProcess::Log() const { return ReadText(scratch_.path() + "/log"); }

}  // namespace alidade::testing
