// HttpServer: /metrics for Prometheus, /healthz and /readyz for orchestrators. Nothing else, on a
// port of its own.
//
// Threads:  thread-safe after Start; a fixed number of own threads answers.
// Owns:     its socket and threads; borrows the engine and the gRPC server, which must outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "alidade/common/status.h"

namespace alidade {

class Engine;
class GrpcServer;

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;  // 0: any free port, see HttpServer::port
  int threads = 2;
};

class HttpServer {
 public:
  // Listens and serves: GET /metrics (text format 0.0.4), GET /healthz (200 while the process
  // lives), GET /readyz (200 while GrpcServer::serving, else 503). Everything else is 404. Errors:
  // FAILED_PRECONDITION if the address cannot be listened on.
  static StatusOr<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                     const Engine& engine,
                                                     const GrpcServer& grpc);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // The port that is really listened on.
  uint16_t port() const;
  // Closes the socket and joins the threads. Idempotent.
  void Stop();

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What /metrics answers.
std::string RenderMetrics(const Engine& engine, const GrpcServer& grpc);

}  // namespace alidade
