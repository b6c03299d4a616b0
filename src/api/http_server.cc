#include "alidade/api/http_server.h"

#include <atomic>
#include <exception>
#include <functional>
#include <thread>
#include <utility>

#include <httplib.h>

#include "alidade/api/grpc_server.h"
#include "alidade/common/log.h"
#include "alidade/common/thread_pool.h"

namespace alidade {
namespace {

// No request of ours has a body.
constexpr size_t kBodyBytesMax = 1024;
constexpr time_t kTimeoutSeconds = 5;
constexpr size_t kQueuedConnectionsMax = 64;
constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr char kTextType[] = "text/plain; charset=utf-8";

// httplib's own pool has no bound. When this one is full, the accepting thread works itself, so
// that further connections wait in the kernel.
class BoundedQueue final : public httplib::TaskQueue {
 public:
  explicit BoundedQueue(int threads)
      : pool_({.name = "http", .threads = threads, .queue_max = kQueuedConnectionsMax}) {}
  void enqueue(std::function<void()> task) override {
    if (!pool_.TrySubmit(task)) {
      task();
    }
  }
  void shutdown() override { pool_.Stop(); }

 private:
  ThreadPool pool_;
};

}  // namespace

struct HttpServer::Impl {
  httplib::Server server;
  std::thread thread;
  uint16_t port = 0;
  std::atomic<bool> stopped{false};
  std::atomic<bool> ended{false};  // the loop is over, whoever ended it
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() { Stop(); }

StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                        const Engine& engine,
                                                        const GrpcServer& grpc) {
  auto impl = std::make_unique<Impl>();
  httplib::Server& server = impl->server;
  const int threads = options.threads;
  server.new_task_queue = [threads] { return new BoundedQueue(threads); };
  server.set_payload_max_length(kBodyBytesMax);
  server.set_read_timeout(kTimeoutSeconds);
  server.set_write_timeout(kTimeoutSeconds);
  // One request per connection: an idle client holds no thread.
  server.set_keep_alive_max_count(1);
  // httplib's default would share the port with another server.
  server.set_socket_options([](int fd) {
    const int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  server.Get("/metrics", [&engine, &grpc](const httplib::Request&, httplib::Response& response) {
    response.set_content(RenderMetrics(engine, grpc), kMetricsType);
  });
  server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("ok\n", kTextType);
  });
  server.Get("/readyz", [&grpc](const httplib::Request&, httplib::Response& response) {
    response.status = grpc.serving() ? 200 : 503;
    response.set_content(grpc.serving() ? "ready\n" : "not ready\n", kTextType);
  });
  server.set_exception_handler(
      [](const httplib::Request&, httplib::Response& response, std::exception_ptr error) {
        try {
          std::rethrow_exception(std::move(error));
        } catch (const std::exception& e) {
          ALIDADE_LOG_ERROR("http: {}", e.what());
        } catch (...) {
          ALIDADE_LOG_ERROR("http: exception of an unknown type");
        }
        response.status = 500;
      });

  const int bound = options.port == 0 ? server.bind_to_any_port(options.host)
                    : server.bind_to_port(options.host, options.port) ? int{options.port}
                                                                      : -1;
  if (bound <= 0) {
    return FailedPrecondition(
        "cannot listen on {}:{} for HTTP (is another server running?)", options.host, options.port);
  }
  impl->port = static_cast<uint16_t>(bound);
  impl->thread = std::thread([raw = impl.get()] {
    if (!raw->server.listen_after_bind() && !raw->stopped.load()) {
      ALIDADE_LOG_ERROR("the HTTP server stopped accepting");
    }
    raw->ended.store(true);
  });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

uint16_t HttpServer::port() const { return impl_->port; }

void HttpServer::Stop() {
  if (impl_->stopped.exchange(true)) {
    return;
  }
  // stop() before the loop runs would be lost.
  while (!impl_->server.is_running() && !impl_->ended.load()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  impl_->server.stop();
  impl_->thread.join();
}

}  // namespace alidade
