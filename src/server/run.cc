// Path: restart 1/5 (process start), and the graceful stop
#include "alidade/server/run.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>

#include "alidade/api/grpc_server.h"
#include "alidade/api/http_server.h"
#include "alidade/common/file.h"
#include "alidade/common/log.h"
#include "alidade/engine/engine.h"
#include "alidade/vec/kernels.h"

#include "version.h"

namespace alidade {
namespace {

LogOptions LogOptionsFor(const ServerConfig& config) {
  LogOptions options;
  options.level = config.log_level == "debug"   ? LogLevel::kDebug
                  : config.log_level == "warn"  ? LogLevel::kWarn
                  : config.log_level == "error" ? LogLevel::kError
                                                : LogLevel::kInfo;
  const bool json =
      config.log_format == "json" || (config.log_format == "auto" && ::isatty(STDERR_FILENO) == 0);
  options.format = json ? LogFormat::kJson : LogFormat::kText;
  return options;
}

EngineOptions EngineOptionsFor(const RunOptions& run) {
  EngineOptions options;
  options.data_directory = run.config.data_dir;
  options.limits = run.config.limits;
  options.background_threads = static_cast<int>(run.config.background_threads);
  options.background_nice = static_cast<int>(run.config.background_nice);
  options.build_nice = static_cast<int>(run.config.build_nice);
  options.seal_after_quiet_ms = static_cast<int64_t>(run.config.seal_after_quiet_ms);
  options.block_cache_bytes = run.config.block_cache_bytes;
  options.write_buffer_bytes = run.config.write_buffer_bytes;
  if (run.accept_loss_to.has_value()) {
    options.accept_loss_to = SeqNo(*run.accept_loss_to);
  }
  return options;
}

GrpcServerOptions GrpcOptionsFor(const ServerConfig& config, const HostPort& address) {
  GrpcServerOptions options;
  options.host = address.host;
  options.port = address.port;
  options.transport_memory_bytes = config.transport_memory_bytes;
  options.slow_after = std::chrono::milliseconds(config.slow_query_ms);
  options.deadline_max = std::chrono::milliseconds(config.deadline_max_ms);
  options.default_durability =
      config.default_durability == "buffered" ? Durability::kBuffered : Durability::kDurable;
  options.reflection = config.reflection;
  options.version = kVersion;
  options.revision = kRevision;
  options.instruction_set = KernelTargets().front();
  return options;
}

// Sockets, segments and RocksDB all need descriptors; the soft limit is often 1,024.
void RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      ALIDADE_LOG_WARN("the limit of open files stays at {}", limit.rlim_cur);
    }
  }
}

// Blocks the signals in this thread and all that it will make; Wait takes them one by one.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
  }
  int Wait() const {
    int signal = 0;
    while (sigwait(&set_, &signal) != 0) {
    }
    return signal;
  }

 private:
  sigset_t set_;
};

// Written whole and then renamed, so that who waits for the file never reads half of it.
Status WritePortFile(const std::string& path, uint16_t grpc, uint16_t http) {
  const std::string temporary = path + ".tmp";
  ALIDADE_RETURN_IF_ERROR(RemoveTree(temporary));
  ALIDADE_ASSIGN_OR_RETURN(const auto file, FileWriter::Create(temporary));
  ALIDADE_RETURN_IF_ERROR(file->Append(
      fmt::format("{{\"grpc\": {}, \"http\": {}, \"pid\": {}}}\n", grpc, http, ::getpid())));
  ALIDADE_RETURN_IF_ERROR(file->SyncAndClose());
  return RenamePath(temporary, path);
}

int FailStart(const Status& status) {
  ALIDADE_LOG_ERROR("cannot start: {}", MessageOf(status));
  FlushLog();
  return ExitCodeFor(status);
}

}  // namespace

int ExitCodeFor(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return kExitOk;
    case StatusCode::kInvalidArgument:
      return kExitUsage;
    case StatusCode::kDataLoss:
      return kExitDataLoss;
    case StatusCode::kFailedPrecondition:
    case StatusCode::kResourceExhausted:
    case StatusCode::kUnavailable:
    case StatusCode::kNotFound:
      return kExitUnavailable;
    default:
      return kExitSoftware;
  }
}

int RunServer(const RunOptions& options) {
  ConfigureLog(LogOptionsFor(options.config));
  const StopSignals signals;
  RaiseFileLimit();
  const auto grpc_address = ParseHostPort(options.config.listen);
  const auto http_address = ParseHostPort(options.config.http_listen);
  if (!grpc_address.ok() || !http_address.ok()) {
    return FailStart(grpc_address.ok() ? http_address.status() : grpc_address.status());
  }
  if (!grpc_address->loopback) {
    ALIDADE_LOG_WARN("listening on {}: everybody who reaches it may read and write",
                     options.config.listen);
  }
  auto engine = Engine::Open(EngineOptionsFor(options));
  if (!engine.ok()) {
    return FailStart(engine.status());
  }
  auto grpc = GrpcServer::Start(GrpcOptionsFor(options.config, *grpc_address), **engine);
  if (!grpc.ok()) {
    return FailStart(grpc.status());
  }
  HttpServerOptions http_options;
  http_options.host = http_address->host;
  http_options.port = http_address->port;
  auto http = HttpServer::Start(http_options, **engine, **grpc);
  if (!http.ok()) {
    return FailStart(http.status());
  }
  (*grpc)->SetServing(true);
  ALIDADE_LOG_INFO("alidade {} ready: grpc {}:{}, http {}:{}, data {}, kernels {}",
                   kVersion,
                   grpc_address->host,
                   (*grpc)->port(),
                   http_address->host,
                   (*http)->port(),
                   options.config.data_dir,
                   KernelTargets().front());
  if (!options.port_file.empty()) {
    if (const Status status = WritePortFile(options.port_file, (*grpc)->port(), (*http)->port());
        !status.ok()) {
      return FailStart(status);
    }
  }

  const int first = signals.Wait();
  ALIDADE_LOG_INFO(
      "signal {}: stopping, running calls have {} ms", first, options.config.shutdown_grace_ms);
  std::thread([&signals] {
    signals.Wait();
    ALIDADE_LOG_WARN("second signal: stopping at once");
    FlushLog();
    ::_exit(1);
  }).detach();
  (*grpc)->SetServing(false);
  (*grpc)->Shutdown(std::chrono::system_clock::now() +
                    std::chrono::milliseconds(options.config.shutdown_grace_ms));
  (*http)->Stop();
  (*engine)->Stop();
  ALIDADE_LOG_INFO("stopped");
  FlushLog();
  return kExitOk;
}

}  // namespace alidade
