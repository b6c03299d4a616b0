#include "server_child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>
#include <spawn.h>

#include "alidade/common/file.h"

#include "load.h"

namespace alidade {
namespace {

// A line of /proc/<pid>/status in bytes.
uint64_t ProcessBytes(pid_t pid, const std::string& key) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with(key + ":")) {
      return std::stoull(line.substr(key.size() + 1)) * 1'024;
    }
  }
  return 0;
}

StatusOr<pid_t> Spawn(const std::vector<std::string>& arguments, const std::string& log_file) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(
      &actions, STDERR_FILENO, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return ErrnoStatus(error, "cannot start a server");
  }
  return pid;
}

}  // namespace

StatusOr<std::unique_ptr<ServerChild>> ServerChild::Start(const std::string& data_dir,
                                                          const std::vector<std::string>& settings,
                                                          double seconds_max) {
  // Beside the directory: the server refuses a new one that is not empty.
  const std::string port_file = data_dir + ".bench.port";
  const std::string log_file = data_dir + ".bench.log";
  ALIDADE_RETURN_IF_ERROR(RemoveTree(port_file));
  std::vector<std::string> arguments = {"alidade",
                                        "serve",
                                        "--data-dir",
                                        data_dir,
                                        "--listen",
                                        "127.0.0.1:0",
                                        "--http-listen",
                                        "127.0.0.1:0",
                                        "--port-file",
                                        port_file};
  for (const std::string& setting : settings) {
    arguments.insert(arguments.end(), {"--set", setting});
  }
  std::unique_ptr<ServerChild> child(new ServerChild());
  const double start = NowSeconds();
  ALIDADE_ASSIGN_OR_RETURN(child->pid_, Spawn(arguments, log_file));
  // The file appears when the server is ready to answer.
  while (!PathExists(port_file)) {
    if (NowSeconds() - start > seconds_max ||
        ::waitpid(child->pid_, nullptr, WNOHANG) == child->pid_) {
      return Unavailable("the server did not become ready, see {}", log_file);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  child->ready_seconds_ = NowSeconds() - start;
  ALIDADE_ASSIGN_OR_RETURN(const std::string ports, ReadWholeFile(port_file));
  const auto json = nlohmann::json::parse(ports, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return Internal("{} is no JSON", port_file);
  }
  child->address_ = "127.0.0.1:" + std::to_string(json.value("grpc", 0));
  return child;
}

ServerChild::~ServerChild() { static_cast<void>(Stop()); }

Status ServerChild::Stop() {
  if (pid_ < 0) {
    return OkStatus();
  }
  int wait_status = 0;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, &wait_status, 0);
  pid_ = -1;
  return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0
             ? OkStatus()
             : Internal("the server ended with status {}", wait_status);
}

uint64_t ServerChild::PeakResidentBytes() const { return ProcessBytes(pid_, "VmHWM"); }
uint64_t ServerChild::AnonymousBytes() const { return ProcessBytes(pid_, "RssAnon"); }

}  // namespace alidade
