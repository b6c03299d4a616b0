// Disks for crash tests: a small tmpfs that can be filled, an ext4 on a loop file whose power can
// be cut. Both need root; where they cannot be had, `Available` says why and the tests skip with
// that message.
#pragma once

#include <string>

#include "support/server_process.h"

namespace alidade::testing {

class Tmpfs {
 public:
  explicit Tmpfs(int megabytes);
  ~Tmpfs();
  Tmpfs(const Tmpfs&) = delete;
  Tmpfs& operator=(const Tmpfs&) = delete;
  const std::string& problem() const { return problem_; }  // empty: mounted
  const std::string& path() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
  std::string problem_;
};

class PowerDisk {
 public:
  explicit PowerDisk(int megabytes);
  ~PowerDisk();
  PowerDisk(const PowerDisk&) = delete;
  PowerDisk& operator=(const PowerDisk&) = delete;
  const std::string& problem() const { return problem_; }
  std::string path() const { return directory_.path() + "/mnt"; }

  // What was not synced is gone from now on (EXT4_IOC_SHUTDOWN without flushing the log); every
  // later write fails. Returns what went wrong, or nothing.
  std::string CutPower();
  // Mounts again, as after the power is back. Nobody may have files open.
  std::string PowerOn();

 private:
  TemporaryDirectory directory_;
  std::string problem_;
  bool mounted_ = false;
};

// Runs a command without output; the exit code.
int RunCommand(const std::string& command);

}  // namespace alidade::testing
