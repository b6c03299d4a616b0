#include "alidade/api/grpc_server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "alidade/common/log.h"

#include "admin_service.h"
#include "call_pool.h"
#include "call_runner.h"
#include "collection_service.h"
#include "connection_acceptor.h"
#include "point_service.h"
#include "search_service.h"
#include "service_context.h"

namespace alidade {
namespace {

// Transport limits; the reasons are in the reliability notes on gRPC 1.51 (rapid reset, idle and
// stuck clients).
constexpr int kConcurrentStreamsMax = 128;
constexpr int kMetadataBytesMax = 16 << 10;
constexpr int kHandshakeTimeoutMs = 10'000;
constexpr int kKeepaliveTimeMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
// Widely used clients ping every 10 s even without calls; a stricter bound would cut them off.
constexpr int kClientPingIntervalMinMs = 10'000;
constexpr int kClientPingStrikesMax = 2;
constexpr int kConnectionIdleMaxMs = 10 * 60 * 1000;
// At a stop: a connection without calls is not waited for any longer.
constexpr std::chrono::milliseconds kQuietAtStop(1'000);
constexpr int kConnectionAgeMaxMs = 60 * 60 * 1000;  // without a grace limit: running calls finish
// Only reflection uses gRPC's synchronous threads: as few as there can be. More would take turns in
// polling the sockets, and every turn costs a switch of threads.
constexpr int kSyncQueues = 1;
constexpr int kPollersMin = 1;
constexpr int kPollersMax = 1;
// gRPC's own threads (reflection); those that do the work of calls are ours (CallPool).
constexpr int kTransportThreads = 32;

constexpr std::array<const char*, 4> kServiceNames = {
    "alidade.v1.CollectionService",
    "alidade.v1.PointService",
    "alidade.v1.SearchService",
    "alidade.v1.AdminService",
};

// gRPC's own messages go where ours go. Its errors are about single connections, so they are
// warnings to us.
void LogFromGrpc(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_ERROR) {
    ALIDADE_LOG_WARN("grpc: {}", args->message);
  } else {
    ALIDADE_LOG_DEBUG("grpc: {}", args->message);
  }
}

// Protobuf complains about malformed requests; the caller is told, the log need not be filled by
// it.
void LogFromProtobuf(google::protobuf::LogLevel, const char*, int, const std::string& message) {
  ALIDADE_LOG_DEBUG("protobuf: {}", message);
}

// The reflection plugin registers itself for every server of the process; this takes it out again.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins,
                  [](const auto& plugin) { return plugin->name() == "proto_server_reflection"; });
  }
};

CallRunnerOptions RunnerOptions(const GrpcServerOptions& options, const Limits& limits) {
  return {.in_flight_max = limits.in_flight_requests_max,
          .slow_after = options.slow_after,
          .deadline_max = options.deadline_max,
          .reply_bytes_max = limits.message_bytes_max};
}

CallPoolOptions PoolOptions(const GrpcServerOptions& options, const Limits& limits) {
  const uint32_t calls_max = limits.in_flight_requests_max + kReservedCalls + kWaitingCalls;
  return {.computing_max = std::max(1U, std::thread::hardware_concurrency()),
          .threads_max =
              options.threads_max > 0 ? static_cast<uint32_t>(options.threads_max) : calls_max};
}

void SetTransportLimits(const GrpcServerOptions& options,
                        const Limits& limits,
                        grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits.message_bytes_max));
  builder.SetMaxSendMessageSize(static_cast<int>(limits.message_bytes_max));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kConcurrentStreamsMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kClientPingIntervalMinMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, kClientPingStrikesMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kConnectionIdleMaxMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kConnectionAgeMaxMs);

  grpc::ResourceQuota quota("alidade");
  quota.Resize(options.transport_memory_bytes);
  quota.SetMaxThreads(kTransportThreads);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, kSyncQueues);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, kPollersMin);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, kPollersMax);
}

}  // namespace

struct GrpcServer::Impl {
  Impl(const GrpcServerOptions& given, Engine& engine)
      : options(given),
        pool(PoolOptions(given, engine.options().limits)),
        runner(RunnerOptions(given, engine.options().limits), pool),
        context{.engine = engine,
                .runner = runner,
                .default_durability = given.default_durability,
                .version = given.version,
                .revision = given.revision,
                .instruction_set = given.instruction_set,
                .start_time = std::chrono::system_clock::now()},
        collections(context),
        points(context),
        search(context),
        admin(context) {}

  const GrpcServerOptions options;
  CallPool pool;
  CallRunner runner;
  const ServiceContext context;
  CollectionService collections;
  PointService points;
  SearchService search;
  AdminService admin;
  std::unique_ptr<ConnectionAcceptor> acceptor;
  std::unique_ptr<grpc::Server> server;
  std::atomic<bool> serving{false};
  std::atomic<bool> shut_down{false};
};

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

GrpcServer::~GrpcServer() { Shutdown(std::chrono::system_clock::now()); }

StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcServerOptions& options,
                                                        Engine& engine) {
  DisableForeignLockChecks();
  gpr_set_log_function(&LogFromGrpc);
  google::protobuf::SetLogHandler(&LogFromProtobuf);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  auto impl = std::make_unique<Impl>(options, engine);
  const Limits& limits = engine.options().limits;
  ALIDADE_ASSIGN_OR_RETURN(
      impl->acceptor,
      ConnectionAcceptor::Listen(
          {.host = options.host, .port = options.port, .connections_max = limits.connections_max}));

  grpc::ServerBuilder builder;
  SetTransportLimits(options, limits, builder);
  if (!options.reflection) {
    builder.SetOption(std::make_unique<WithoutReflection>());
  }
  auto target = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::InsecureServerCredentials());
  for (grpc::Service* service : std::initializer_list<grpc::Service*>{
           &impl->collections, &impl->points, &impl->search, &impl->admin}) {
    builder.RegisterService(service);
  }
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr) {
    return Internal("gRPC could not start its server");
  }
  auto server = std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
  server->SetServing(false);
  server->impl_->acceptor->Run(std::move(target));
  return server;
}

uint16_t GrpcServer::port() const { return impl_->acceptor->port(); }

void GrpcServer::SetServing(bool serving) {
  impl_->serving.store(serving);
  if (auto* health = impl_->server->GetHealthCheckService(); health != nullptr) {
    health->SetServingStatus(serving);
    for (const char* name : kServiceNames) {
      health->SetServingStatus(name, serving);
    }
  }
}

bool GrpcServer::serving() const { return impl_->serving.load(); }

void GrpcServer::Shutdown(std::chrono::system_clock::time_point deadline) {
  if (impl_->shut_down.exchange(true)) {
    return;
  }
  SetServing(false);
  impl_->acceptor->Stop();
  std::atomic<bool> drained{false};
  // gRPC cancels calls at the deadline, but a call that waits inside the engine notices only our
  // own flag. And it waits for connections as it does for calls.
  std::thread canceller([this, deadline, &drained] {
    while (!drained.load() && std::chrono::system_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      if (impl_->runner.in_flight() == 0) {
        impl_->acceptor->EndQuiet(kQuietAtStop);
      }
    }
    impl_->runner.CancelAll();
  });
  impl_->server->Shutdown(deadline);
  drained.store(true);
  canceller.join();
}

const RequestMetrics& GrpcServer::request_metrics() const { return impl_->runner.metrics(); }
uint32_t GrpcServer::calls_in_flight() const { return impl_->runner.in_flight(); }
uint64_t GrpcServer::calls_refused() const { return impl_->runner.refused(); }
uint32_t GrpcServer::connections() const { return impl_->acceptor->connections(); }
uint64_t GrpcServer::connections_refused() const { return impl_->acceptor->refused(); }
const GrpcServerOptions& GrpcServer::options() const { return impl_->options; }

}  // namespace alidade
