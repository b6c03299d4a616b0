// grpc_ceiling: what gRPC itself costs on this machine. A server whose searches answer ten fixed
// hits without any work, and the load generator of `alidade bench`, in two processes.
//
// Handlers: `sync` and `callback` are gRPC's two ways to write one, with nothing of ours around
// them; `api` is our own GrpcServer, limits, codecs and all, over an engine that does nothing. What
// `api` costs more than the better of the other two is what our front end costs.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include <CLI/CLI.hpp>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include "alidade/api/grpc_server.h"
#include "alidade/common/zeroed_memory.h"

#include "bench_report.h"
#include "exit_code.h"
#include "fake_engine.h"
#include "search_load.h"
#include "spread.h"
#include "visible_calls.h"

namespace alidade {

// The stand-in for the engine shows TSan an order by it; here nobody looks, and a lock would be
// measured.
void VisibleOrder::PassThrough() {}

namespace {

using Json = nlohmann::json;

struct Options {
  std::vector<std::string> handlers = {"sync", "callback", "api"};
  std::vector<CallStyle> styles = {CallStyle::kQueue};
  bool our_transport = false;
  int pollers_min = 0;  // 0: gRPC's default
  int pollers_max = 0;
  int queues = 0;
  int in_flight = 8;
  int connections = 0;
  uint32_t dim = 384;
  uint32_t hits = 10;
  uint32_t queries_per_call = 1;
  int work_us = 0;
  uint64_t work_bytes = 0;
  double seconds = 3;
  int rounds = 3;
  std::string json;
};

const std::map<std::string, CallStyle> kCallStyles = {{"queue", CallStyle::kQueue},
                                                      {"threads", CallStyle::kThreads},
                                                      {"callback", CallStyle::kCallback}};

const char* StyleName(CallStyle style) {
  for (const auto& [name, value] : kCallStyles) {
    if (value == style) {
      return name.c_str();
    }
  }
  return "";
}

// A chain of multiplications: nothing but the processor.
void Spin(uint64_t steps) {
  uint64_t value = steps;
  for (uint64_t i = 0; i < steps; ++i) {
    value = value * 6'364'136'223'846'793'005 + 1;
    asm volatile("" : "+r"(value));
  }
}

// Of Spin, in a microsecond: by the least disturbed of some tries.
uint64_t StepsPerUs() {
  constexpr uint64_t kSteps = 200'000;
  constexpr int kTries = 20;
  double least = std::numeric_limits<double>::max();
  for (int i = 0; i < kTries; ++i) {
    const double start = NowSeconds();
    Spin(kSteps);
    least = std::min(least, NowSeconds() - start);
  }
  return static_cast<uint64_t>(static_cast<double>(kSteps) / (least * 1e6));
}

// Reads records of four lines at random, eight of them under way at a time, as a walk of a graph
// does: of an area that no cache holds.
void ReadRecords(uint64_t bytes) {
  constexpr uint64_t kRecordBytes = 256;
  constexpr uint64_t kLineBytes = 64;
  constexpr uint64_t kTogether = 8;
  constexpr size_t kAreaBytes = size_t{256} << 20;
  static const ZeroedMemory area = [] {
    ZeroedMemory made(kAreaBytes, ZeroedMemory::Pages::kHuge);
    std::memset(made.as<char>(), 1, made.bytes());  // zeros that nobody wrote are all one page
    return made;
  }();
  thread_local std::minstd_rand random;
  uint64_t sum = 0;
  for (uint64_t done = 0; done < bytes; done += kTogether * kRecordBytes) {
    std::array<const char*, kTogether> records{};
    for (const char*& record : records) {
      record = area.as<char>() + random() % (kAreaBytes / kRecordBytes) * kRecordBytes;
      for (uint64_t at = 0; at < kRecordBytes; at += kLineBytes) {
        __builtin_prefetch(record + at);
      }
    }
    for (const char* record : records) {
      for (uint64_t at = 0; at < kRecordBytes; at += sizeof(uint64_t)) {
        uint64_t value = 0;
        std::memcpy(&value, record + at, sizeof(value));
        sum += value;
      }
    }
  }
  asm volatile("" : : "r"(sum));
}

// Keeps the processor and memory busy, as a search would.
void Work(const Options& options) {
  static const uint64_t steps_per_us = StepsPerUs();
  Spin(static_cast<uint64_t>(options.work_us) * steps_per_us);
  ReadRecords(options.work_bytes);
}

// What that takes by itself, in microseconds; it also makes what it needs.
double WorkUs(const Options& options) {
  constexpr int kTries = 200;
  Work(options);
  const double start = NowSeconds();
  for (int i = 0; i < kTries; ++i) {
    Work(options);
  }
  return (NowSeconds() - start) * 1e6 / kTries;
}

void Answer(const v1::SearchRequest& request,
            const Options& options,
            v1::SearchResponse& response) {
  Work(options);
  for (int i = 0; i < request.queries_size(); ++i) {
    v1::QueryResult& result = *response.add_results();
    for (uint32_t hit = 0; hit < options.hits; ++hit) {
      v1::Hit& item = *result.add_hits();
      item.mutable_id()->set_num(100'000 + hit);
      item.set_score(0.5F);
      item.set_distance(0.25F);
    }
    result.mutable_stats()->set_distance_computations(500);
  }
  response.set_seq(1'000);
}

class SyncService final : public v1::SearchService::Service {
 public:
  explicit SyncService(const Options& options) : options_(options) {}
  grpc::Status Search(grpc::ServerContext*,
                      const v1::SearchRequest* request,
                      v1::SearchResponse* response) override {
    Answer(*request, options_, *response);
    return grpc::Status::OK;
  }

 private:
  const Options& options_;
};

class CallbackService final : public v1::SearchService::CallbackService {
 public:
  explicit CallbackService(const Options& options) : options_(options) {}
  grpc::ServerUnaryReactor* Search(grpc::CallbackServerContext* context,
                                   const v1::SearchRequest* request,
                                   v1::SearchResponse* response) override {
    Answer(*request, options_, *response);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const Options& options_;
};

// A server in a process of its own, forked before gRPC has threads. Ends when its parent does.
class ServerProcess {
 public:
  ServerProcess(const Options& options, const std::string& handler) {
    int ports[2];
    if (pipe(ports) != 0) {
      return;
    }
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (handler == "api") {
        ServeApi(options, ports[1]);
      } else {
        ServePlain(options, handler == "callback", ports[1]);
      }
    }
    close(ports[1]);
    if (read(ports[0], &port_, sizeof(port_)) != sizeof(port_)) {
      port_ = 0;
    }
    close(ports[0]);
  }
  ~ServerProcess() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  int pid() const { return pid_; }
  int port() const { return port_; }

 private:
  [[noreturn]] static void Tell(int port_pipe, int port) {
    if (write(port_pipe, &port, sizeof(port)) != sizeof(port)) {
      _exit(1);
    }
    for (;;) {
      pause();
    }
  }

  [[noreturn]] static void ServePlain(const Options& options, bool callback, int port_pipe) {
    SyncService sync(options);
    CallbackService reactors(options);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(callback ? static_cast<grpc::Service*>(&reactors) : &sync);
    if (options.our_transport) {
      SetTransport(builder);
    }
    using Option = grpc::ServerBuilder::SyncServerOption;
    for (const auto& [option, value] : {std::pair{Option::MIN_POLLERS, options.pollers_min},
                                        std::pair{Option::MAX_POLLERS, options.pollers_max},
                                        std::pair{Option::NUM_CQS, options.queues}}) {
      if (value > 0) {
        builder.SetSyncServerOption(option, value);
      }
    }
    const auto server = builder.BuildAndStart();
    Tell(port_pipe, server == nullptr ? 0 : port);
  }

  // The settings of src/api/grpc_server.cc that might cost something for each call.
  static void SetTransport(grpc::ServerBuilder& builder) {
    builder.SetMaxReceiveMessageSize(64 << 20);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 128);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 600'000);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 3'600'000);
    grpc::ResourceQuota quota("ceiling");
    quota.Resize(size_t{1} << 30);
    quota.SetMaxThreads(192);
    builder.SetResourceQuota(quota);
  }

  [[noreturn]] static void ServeApi(const Options& options, int port_pipe) {
    const auto engine = MakeFakeEngine();
    SearchResult result;
    for (uint32_t hit = 0; hit < options.hits; ++hit) {
      SearchHit& item = result.hits.emplace_back();
      item.point.id = PointId(uint64_t{100'000} + hit);
      item.score = 0.5;
      item.distance = 0.25;
    }
    result.stats.distance_computations = 500;
    Hooks().search = [result, options](const SearchRequest& request) -> StatusOr<SearchResponse> {
      Work(options);
      return SearchResponse{SeqNo(1'000),
                            std::vector<SearchResult>(request.queries.size(), result)};
    };
    const auto server = GrpcServer::Start({}, *engine);
    Tell(port_pipe, server.ok() ? (*server)->port() : 0);
  }

  pid_t pid_ = -1;
  int port_ = 0;
};

std::vector<v1::SearchRequest> MakeCalls(const Options& options) {
  v1::SearchRequest call;
  call.set_collection("bench");
  call.set_vector_field("vector");
  call.set_k(options.hits);
  call.mutable_params()->set_ef(64);
  call.mutable_payload()->set_all(false);
  const std::vector<float> vector(options.dim, 0.125F);
  for (uint32_t i = 0; i < options.queries_per_call; ++i) {
    call.add_queries()->mutable_vector()->set_packed(
        std::string(reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)));
  }
  return {call};
}

struct Measured {
  std::vector<double> calls_per_second, p50_ms, server_user, server_kernel, client_user,
      client_kernel;
};

void Add(const SearchFigures& figures, Measured& measured) {
  const auto calls = static_cast<double>(figures.calls.count());
  measured.calls_per_second.push_back(calls / figures.seconds);
  measured.p50_ms.push_back(figures.calls.PercentileMs(0.5));
  measured.server_user.push_back(figures.server_cpu->user * 1e6 / calls);
  measured.server_kernel.push_back(figures.server_cpu->system * 1e6 / calls);
  measured.client_user.push_back(figures.client_cpu.user * 1e6 / calls);
  measured.client_kernel.push_back(figures.client_cpu.system * 1e6 / calls);
}

Json Print(const std::string& handler, CallStyle style, const Measured& measured) {
  const auto median = [](const std::vector<double>& values) { return SpreadOf(values).median; };
  const Spread rate = SpreadOf(measured.calls_per_second);
  std::printf("%-9s %-9s %8.0f (%6.0f ..%7.0f) %8.3f %8.1f + %5.1f %8.1f + %5.1f\n",
              handler.c_str(),
              StyleName(style),
              rate.median,
              rate.least,
              rate.most,
              median(measured.p50_ms),
              median(measured.server_user),
              median(measured.server_kernel),
              median(measured.client_user),
              median(measured.client_kernel));
  return {{"handler", handler},
          {"client", StyleName(style)},
          {"calls_per_second", rate.median},
          {"calls_per_second_least", rate.least},
          {"calls_per_second_most", rate.most},
          {"p50_ms", median(measured.p50_ms)},
          {"cpu_us_per_call",
           {{"server_user", median(measured.server_user)},
            {"server_kernel", median(measured.server_kernel)},
            {"client_user", median(measured.client_user)},
            {"client_kernel", median(measured.client_kernel)}}}};
}

Status Run(const Options& options) {
  std::vector<std::unique_ptr<ServerProcess>> servers;
  for (const std::string& handler : options.handlers) {
    servers.push_back(std::make_unique<ServerProcess>(options, handler));
    if (servers.back()->port() == 0) {
      return Internal("the server \"{}\" did not start", handler);
    }
  }
  const std::vector<v1::SearchRequest> calls = MakeCalls(options);
  std::map<std::pair<std::string, CallStyle>, Measured> all;
  for (int round = 0; round < options.rounds; ++round) {
    for (size_t i = 0; i < servers.size(); ++i) {
      for (const CallStyle style : options.styles) {
        ConnectionOptions connection;
        connection.server = "127.0.0.1:" + std::to_string(servers[i]->port());
        SearchLoad load(connection,
                        {.style = style,
                         .in_flight = options.in_flight,
                         .connections = options.connections,
                         .seconds = options.seconds},
                        calls);
        SearchFigures figures;
        ALIDADE_RETURN_IF_ERROR(load.Run(servers[i]->pid(), figures));
        Add(figures, all[{options.handlers[i], style}]);
      }
    }
  }
  std::printf("%d in flight, %u x %u dimensions, %u hits; processor us per call, user + kernel\n",
              options.in_flight,
              options.queries_per_call,
              options.dim,
              options.hits);
  std::printf("%-9s %-9s %8s %18s %8s %16s %16s\n",
              "handler",
              "client",
              "calls/s",
              "",
              "p50 ms",
              "server",
              "client");
  Json report = {{"machine", MachineJson()}, {"in_flight", options.in_flight}};
  for (const auto& [key, measured] : all) {
    report["rows"].push_back(Print(key.first, key.second, measured));
  }
  return WriteReport(options.json, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  alidade::Options options;
  CLI::App app{"Calls per second and processor time of gRPC with a handler that does no work"};
  app.add_option("--handler", options.handlers, "A list")
      ->delimiter(',')
      ->check(CLI::IsMember({"sync", "callback", "api"}));
  app.add_option("--client", options.styles, "A list of queue, threads, callback")
      ->delimiter(',')
      ->transform(CLI::CheckedTransformer(alidade::kCallStyles));
  app.add_flag("--our-transport", options.our_transport, "Our transport limits for sync, callback");
  app.add_option("--pollers-min", options.pollers_min, "Of the sync server; 0: gRPC's default");
  app.add_option("--pollers-max", options.pollers_max, "Of the sync server; 0: gRPC's default");
  app.add_option("--queues", options.queues, "Of the sync server; 0: gRPC's default");
  app.add_option("--in-flight", options.in_flight, "Calls")->capture_default_str();
  app.add_option("--connections", options.connections, "0: one for each call in flight");
  app.add_option("--dim", options.dim, "Floats of a query")->capture_default_str();
  app.add_option("--hits", options.hits, "Of a reply")->capture_default_str();
  app.add_option("--queries-per-call", options.queries_per_call, "In one call");
  app.add_option("--work-us", options.work_us, "Of processor time, spent in the handler");
  app.add_option("--work-bytes", options.work_bytes, "Read at random in the handler, besides");
  app.add_option("--seconds", options.seconds, "Of each measurement")->capture_default_str();
  app.add_option("--rounds", options.rounds, "Measurements of each")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  CLI11_PARSE(app, argc, argv);
  const double work_us = alidade::WorkUs(options);  // before anything else runs
  if (work_us >= 1) {
    std::printf("the work of a handler takes %.1f us by itself\n", work_us);
  }
  return alidade::ExitCode(alidade::Run(options));
}
