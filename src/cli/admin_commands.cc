// alidade stats, flush, wait-indexed, info, health
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "client_commands.h"
#include "connection.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "load.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;

struct AdminFlags {
  ConnectionOptions connection;
  std::string collection;
  bool json = false;
};

std::unique_ptr<v1::AdminService::Stub> Stub(const ConnectionOptions& connection) {
  return v1::AdminService::NewStub(Connect(connection));
}

double Mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

void PrintPart(const char* name, const v1::PartBytes& part) {
  if (part.count() == 0 && part.anonymous_bytes() + part.mapped_bytes() == 0) {
    return;
  }
  std::printf("    %-14s %12lu %14.1f %12.1f %12.1f\n",
              name,
              part.count(),
              Mebibytes(part.anonymous_bytes()),
              Mebibytes(part.mapped_bytes()),
              part.bytes_each());
}

void PrintMemory(const v1::MemoryStats& memory) {
  std::printf("resident copies of codes and links, all collections: %.1f of %.1f MiB\n",
              Mebibytes(memory.resident_bytes_used()),
              Mebibytes(memory.resident_bytes_max()));
  std::printf("    %-14s %12s %14s %12s %12s\n",
              "component",
              "count",
              "anonymous MiB",
              "mapped MiB",
              "bytes each");
  for (const v1::FieldMemory& field : memory.fields()) {
    std::printf("  field %s", field.field().c_str());
    for (const v1::CodesUse& use : field.codes()) {
      std::printf(", %lu vectors in graphs with codes %s (%.1f bytes each)",
                  use.vector_count(),
                  use.codes().c_str(),
                  use.bytes_per_vector());
    }
    if (field.index_bytes_per_vector() > 0) {
      std::printf(", codes and links %.1f bytes a vector", field.index_bytes_per_vector());
    }
    std::printf("\n");
    PrintPart("walk codes", field.walk_codes());
    PrintPart("rank codes", field.rank_codes());
    PrintPart("scan codes", field.scan_codes());
    PrintPart("links", field.links());
    PrintPart("vectors", field.vectors());
    PrintPart("delta vectors", field.delta_vectors());
  }
  std::printf("  ids and payloads\n");
  PrintPart("rows", memory.rows());
  PrintPart("delta rows", memory.delta_rows());
}

int Stats(const AdminFlags& flags) {
  v1::GetCollectionStatsRequest request;
  request.set_collection(flags.collection);
  v1::GetCollectionStatsResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status =
      Stub(flags.connection)->GetCollectionStats(&context, request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  if (flags.json) {
    PrintJson(response);
    return 0;
  }
  const v1::CollectionStats& stats = response.stats();
  std::printf("points %lu, indexed %lu, pending %lu, dead %lu, in memory only %lu\n",
              stats.point_count(),
              stats.indexed_rows(),
              stats.pending_rows(),
              stats.dead_rows(),
              stats.delta_rows());
  std::printf("disk %.1f MiB, memory %.1f MiB\n",
              Mebibytes(stats.disk_bytes()),
              Mebibytes(stats.memory_bytes()));
  std::printf("builds done %lu (%ld.%01d s), failed %lu, segments healed %lu\n",
              stats.builds_done(),
              stats.build_time().seconds(),
              stats.build_time().nanos() / 100'000'000,
              stats.builds_failed(),
              stats.healed_segments());
  if (stats.build_rows_total() > 0) {
    std::printf("build running: %lu of %lu vectors, %.0f %%\n",
                stats.build_rows_done(),
                stats.build_rows_total(),
                stats.build_progress() * 100);
  }
  for (const v1::PayloadIndexStats& index : stats.payload_indexes()) {
    std::printf("payload index %s (%s): %lu rows, %lu pending, %lu values, %.1f MiB\n",
                index.key().c_str(),
                index.type().c_str(),
                index.indexed_rows(),
                index.pending_rows(),
                index.values(),
                Mebibytes(index.disk_bytes()));
  }
  PrintMemory(response.memory());
  for (const v1::SegmentStats& segment : response.segments()) {
    std::string indexes;
    for (const std::string& index : segment.indexes()) {
      indexes += " " + index;
    }
    std::printf("  %s %lu: rows %lu, dead %lu, %.1f MiB,%s\n",
                segment.sealed() ? "segment" : "delta",
                segment.segment_id(),
                segment.rows(),
                segment.dead_rows(),
                Mebibytes(segment.disk_bytes()),
                indexes.c_str());
  }
  return 0;
}

int Flush(const AdminFlags& flags) {
  v1::FlushRequest request;
  request.set_collection(flags.collection);
  v1::FlushResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status = Stub(flags.connection)->Flush(&context, request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  std::printf("everything up to seq %lu is durable and sealed\n", response.seq());
  return 0;
}

// One line that is drawn over and over on a terminal, a new line every time elsewhere.
void PrintProgress(const v1::WaitIndexedResponse& state, bool terminal) {
  std::fprintf(stderr,
               "%s%lu rows pending; build: %lu of %lu vectors, %.0f %%%s",
               terminal ? "\r" : "",
               state.pending_rows(),
               state.build_rows_done(),
               state.build_rows_total(),
               state.build_progress() * 100,
               terminal ? "   " : "\n");
}

int WaitIndexed(const AdminFlags& flags) {
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const auto stub = Stub(flags.connection);
  v1::WaitIndexedRequest request;
  request.set_collection(flags.collection);
  request.mutable_timeout()->set_seconds(terminal ? 1 : 5);
  v1::WaitIndexedResponse response;
  ConnectionOptions left = flags.connection;
  const double give_up = NowSeconds() + left.timeout_seconds;
  for (bool drawn = false;; drawn = true) {
    left.timeout_seconds = std::max(0.001, give_up - NowSeconds());
    grpc::ClientContext context;
    SetDeadline(context, left);
    const grpc::Status status = stub->WaitIndexed(&context, request, &response);
    if (!status.ok()) {
      return PrintError(status, flags.connection);
    }
    if (response.pending_rows() == 0) {
      std::fputs(terminal && drawn ? "\n" : "", stderr);
      break;
    }
    PrintProgress(response, terminal);
  }
  std::printf("indexed %lu, pending %lu\n", response.indexed_rows(), response.pending_rows());
  return 0;
}

int Info(const AdminFlags& flags) {
  v1::GetServerInfoResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status =
      Stub(flags.connection)->GetServerInfo(&context, v1::GetServerInfoRequest(), &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  PrintJson(response);
  return 0;
}

int Health(const AdminFlags& flags) {
  grpc::health::v1::HealthCheckResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status =
      grpc::health::v1::Health::NewStub(Connect(flags.connection))
          ->Check(&context, grpc::health::v1::HealthCheckRequest(), &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  const bool serving = response.status() == grpc::health::v1::HealthCheckResponse::SERVING;
  std::printf("%s\n", serving ? "serving" : "not serving");
  return serving ? 0 : 1;
}

}  // namespace

void AddAdminCommands(CLI::App& app, int& exit_code) {
  const auto add = [&](const char* name,
                       const char* help,
                       int (*run)(const AdminFlags&),
                       double timeout_seconds) {
    auto flags = std::make_shared<AdminFlags>();
    flags->connection.timeout_seconds = timeout_seconds;
    CLI::App* command = app.add_subcommand(name, help);
    AddConnectionFlags(*command, flags->connection);
    command->callback([flags, run, &exit_code] { exit_code = run(*flags); });
    return std::pair(command, flags);
  };
  const auto [stats, stats_flags] =
      add("stats", "Counts, sizes and segments of a collection", Stats, 60);
  stats->add_option("collection", stats_flags->collection, "Collection or alias")->required();
  stats->add_flag("--json", stats_flags->json, "As JSON");
  const auto [flush, flush_flags] =
      add("flush", "Make everything durable and seal what is in memory", Flush, 600);
  flush->add_option("collection", flush_flags->collection, "Collection or alias (default: all)");
  const auto [wait, wait_flags] =
      add("wait-indexed", "Wait until no row waits to be sealed or indexed", WaitIndexed, 3'600);
  wait->add_option("collection", wait_flags->collection, "Collection or alias")->required();
  add("info", "Version, state and limits of the server, as JSON", Info, 10);
  add("health", "Whether the server serves: exit code 0 or 1", Health, 3);
}

}  // namespace alidade
