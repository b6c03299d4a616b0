// RunServer: the life of a server process: configure, open, serve, drain, close.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "alidade/server/settings.h"

namespace alidade {

// Exit codes of `alidade serve` and `alidade check` (sysexits.h where it has one).
inline constexpr int kExitOk = 0;
inline constexpr int kExitRepairs = 1;  // check: damage that the next start repairs
inline constexpr int kExitUsage = 64;   // bad flags or configuration
inline constexpr int kExitDataLoss =
    65;  // acknowledged data is missing or damaged: the message says which
inline constexpr int kExitUnavailable = 69;  // the address or the directory is in use
inline constexpr int kExitSoftware =
    70;  // storage failed while serving (CommitGroup), or an internal error

struct RunOptions {
  ServerConfig config;
  std::optional<uint64_t> accept_loss_to;
  std::string port_file;  // gets {"grpc": port, "http": port, "pid": pid} when ready; empty: none
};

// Returns the exit code. SIGTERM and SIGINT stop gracefully, a second one at once.
int RunServer(const RunOptions& options);

// Exit code for a failed start.
int ExitCodeFor(const Status& status);

}  // namespace alidade
