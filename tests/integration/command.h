// Command: a run of the `alidade` binary, as from a shell.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "support/server_process.h"

namespace alidade::testing {

class Command {
 public:
  // Starts `alidade <arguments>` with `environment` added to ours.
  explicit Command(const std::vector<std::string>& arguments,
                   const std::map<std::string, std::string>& environment = {});
  // Kills it if it still runs.
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  void Kill();  // SIGKILL, and waits
  // Waits; the exit code, 128 + signal if it was killed. One that runs for a minute is killed.
  int Wait();
  // What it has written so far.
  std::string Out() const;
  std::string Err() const;

 private:
  bool Reap(int options);

  TemporaryDirectory scratch_;
  pid_t pid_ = -1;
  bool reaped_ = false;
  int exit_code_ = -1;
};

struct CommandResult {
  int exit_code = -1;
  std::string out;
  std::string err;
};

CommandResult RunCommand(const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& environment = {});

}  // namespace alidade::testing
