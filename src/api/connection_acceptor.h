// ConnectionAcceptor: our own listening socket, accept loop and connection cap in front of gRPC.
//
// Why:      gRPC 1.51 never accepts again after it ran out of file descriptors once
// (CVE-2023-4785), and lets two
//           servers share a port silently (SO_REUSEPORT).
// Threads:  one accept thread; the public functions are thread-safe.
// Owns:     the listening socket; accepted ones belong to gRPC as soon as they are handed over.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/server_builder.h>

#include "alidade/common/mutex.h"
#include "alidade/common/status.h"

namespace alidade {

struct AcceptorOptions {
  std::string host;
  uint16_t port = 0;  // 0: any free port
  uint32_t connections_max = 1024;
};

class ConnectionAcceptor {
 public:
  using Target = grpc::experimental::ExternalConnectionAcceptor;

  // Binds and listens; connections wait in the kernel until Run.
  // Errors: FAILED_PRECONDITION if the address is in use, INVALID_ARGUMENT if the host is unknown.
  static StatusOr<std::unique_ptr<ConnectionAcceptor>> Listen(const AcceptorOptions& options);
  ~ConnectionAcceptor();
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

  uint16_t port() const { return port_; }
  // Starts the accept thread. A connection past the cap is closed at once.
  void Run(std::unique_ptr<Target> target);
  // Closes the listening socket and joins the thread. Idempotent.
  void Stop();
  // Ends the connections that sent and got nothing for so long: clients that do not hang up when
  // they are told that the server stops. After Stop.
  void EndQuiet(std::chrono::milliseconds quiet);

  // Connections handed to gRPC that are still open.
  uint32_t connections() const;
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  // A socket's inode tells whether a descriptor number still means the connection that was handed
  // over.
  struct Connection {
    int fd;
    ino_t inode;
  };

  ConnectionAcceptor(const AcceptorOptions& options, int listen_fd, int wake_fd, uint16_t port)
      : options_(options), listen_fd_(listen_fd), wake_fd_(wake_fd), port_(port) {}
  void Loop();
  void Accept();
  bool Register(int fd);
  void Sweep() const ALIDADE_REQUIRES(mutex_);

  const AcceptorOptions options_;
  const int listen_fd_;
  const int wake_fd_;  // eventfd: wakes the loop for Stop
  const uint16_t port_;
  std::unique_ptr<Target> target_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> refused_{0};
  mutable Mutex mutex_;
  mutable std::vector<Connection> open_ ALIDADE_GUARDED_BY(mutex_);
};

}  // namespace alidade
