// GrpcServer: the public API alidade.v1 over gRPC, with health and reflection.
//
// Threads:  thread-safe after Start. gRPC runs the calls on its own, bounded pool.
// Owns:     sockets, services, gRPC's threads; borrows the engine, which must outlive it.
// Stop:     SetServing(false), Shutdown(deadline), then Engine::Stop(): refuse new, drain, flush,
// close.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "alidade/collection/requests.h"
#include "alidade/common/status.h"
#include "alidade/engine/engine.h"

namespace alidade {

class RequestMetrics;

// Limits of single requests are those of the engine (EngineOptions::limits).
struct GrpcServerOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;  // 0: any free port, see GrpcServer::port
  size_t transport_memory_bytes =
      size_t{1} << 30;  // for messages and connections; past it gRPC stops reading
  int threads_max = 0;  // 0: as many as calls may run at once
  std::chrono::milliseconds slow_after{1'000};  // calls that take longer are logged; 0: none
  std::chrono::milliseconds deadline_max{
      60'000};  // for calls with a later deadline or none; 0: no cap
  Durability default_durability = Durability::kDurable;
  bool reflection = true;
  // For GetServerInfo.
  std::string version;
  std::string revision;
  std::string instruction_set;
};

class GrpcServer {
 public:
  // Listens and serves. Health is NOT_SERVING until SetServing(true); calls work at once.
  // Errors: FAILED_PRECONDITION if the address is taken, INVALID_ARGUMENT for an unknown host.
  static StatusOr<std::unique_ptr<GrpcServer>> Start(const GrpcServerOptions& options,
                                                     Engine& engine);
  // Shuts down without patience if Shutdown was not called.
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  // The port that is really listened on.
  uint16_t port() const;

  // What grpc.health.v1 says, for the server ("") and for each service by name.
  void SetServing(bool serving);
  bool serving() const;

  // Accepts no more connections or calls, waits for running calls until `deadline`, then cancels
  // them and waits for their ends. Idempotent.
  void Shutdown(std::chrono::system_clock::time_point deadline);

  // For metrics.
  const RequestMetrics& request_metrics() const;
  uint32_t calls_in_flight() const;
  uint64_t calls_refused() const;
  uint32_t connections() const;
  uint64_t connections_refused() const;
  const GrpcServerOptions& options() const;

 private:
  struct Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace alidade
