// ServerProcess: a real `alidade serve` in a process of its own, on free loopback ports.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "alidade/common/status.h"

namespace alidade::testing {

struct ServerOptions {
  std::string data_dir;
  std::vector<std::string> settings;               // section.key=value
  std::map<std::string, std::string> environment;  // added to ours
  std::vector<std::string> flags;
  int ready_seconds_max = 30;
};

// A fresh directory below the system's temporary one, removed with its contents when destroyed.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class ServerProcess {
 public:
  // Starts and waits until the ports are written. If the process ends before, exit_code() says how,
  // and ready() is false.
  explicit ServerProcess(const ServerOptions& options);
  // Kills it if it still runs.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  bool ready() const { return port_ != 0; }
  int port() const { return port_; }
  int http_port() const { return http_port_; }
  pid_t pid() const { return pid_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // Seconds from the start of the process to ready.
  double ready_seconds() const { return ready_seconds_; }

  // Whether it is still running; false also if it ended by itself.
  bool Running();
  // Waits until it has ended by itself (a killed process takes a moment to be gone).
  bool WaitForExit(double seconds_max);
  // Stops every thread where it is (SIGSTOP) and waits until none is inside a system call any more;
  // false if that takes more than ten seconds. Only Kill makes sense afterwards.
  bool Freeze();
  void Kill();  // SIGKILL, and waits
  int Stop();   // SIGTERM, waits, gives the exit code (128 + signal if it was killed)
  int exit_code() const { return exit_code_; }
  // What it has written to standard error.
  std::string Log() const;

 private:
  void Reap(bool block);

  pid_t pid_ = -1;
  bool reaped_ = false;
  int exit_code_ = -1;
  int port_ = 0;
  int http_port_ = 0;
  double ready_seconds_ = 0;
  TemporaryDirectory scratch_;
};

}  // namespace alidade::testing
