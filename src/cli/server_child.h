// ServerChild: `alidade serve` started by the benchmark itself, so that start-up time and memory
// can be measured.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "alidade/common/status.h"

namespace alidade {

class ServerChild {
 public:
  // Starts this same program as a server on free loopback ports and waits until it answers, at most
  // `seconds_max`. `settings` are section.key=value.
  static StatusOr<std::unique_ptr<ServerChild>> Start(const std::string& data_dir,
                                                      const std::vector<std::string>& settings,
                                                      double seconds_max);
  // Stops it gracefully.
  ~ServerChild();
  ServerChild(const ServerChild&) = delete;
  ServerChild& operator=(const ServerChild&) = delete;

  Status Stop();
  const std::string& address() const { return address_; }
  int pid() const { return pid_; }
  // From the start of the process to its first "serving" answer.
  double ready_seconds() const { return ready_seconds_; }
  // The most resident memory so far (VmHWM), bytes; mapped files count as far as they were touched.
  uint64_t PeakResidentBytes() const;
  // Anonymous memory now (RssAnon), bytes: what the kernel cannot take back by dropping file pages.
  uint64_t AnonymousBytes() const;

 private:
  ServerChild() = default;
  pid_t pid_ = -1;
  std::string address_;
  double ready_seconds_ = 0;
};

}  // namespace alidade
