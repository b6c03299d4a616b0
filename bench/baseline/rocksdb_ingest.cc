// rocksdb_ingest: what RocksDB alone does with the rows of a data set: the keys, values and column
// families that the server writes, in batches from several threads, every batch synced. The floor
// for durable ingest.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>
#include <rocksdb/db.h>
#include <rocksdb/table.h>

#include "alidade/common/bytes.h"
#include "alidade/common/file.h"

#include "bench_report.h"
#include "exit_code.h"
#include "load.h"
#include "real_vectors.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kChecksum = 0;    // the server ends each value with eight bytes of it
constexpr uint32_t kCollection = 1;  // u32, and a shard u16, begin every key
constexpr uint16_t kShardOrField = 0;
constexpr uint64_t kProtectionBytes = 8;  // per key in a batch, as in storage/store.cc

struct Options {
  std::string dataset = DefaultDatasetPath();
  std::string directory;
  int writers = 8;
  uint32_t batch_rows = 100;
  uint32_t limit = 0;
  bool sync = true;
  std::string json;
};

struct Database {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> families;  // default, ids, rows, vectors

  ~Database() {
    for (rocksdb::ColumnFamilyHandle* family : families) {
      static_cast<void>(db->DestroyColumnFamilyHandle(family));
    }
  }
};

Status FromRocks(const rocksdb::Status& status) {
  return status.ok() ? OkStatus() : Internal("{}", status.ToString());
}

// The options of storage/store.cc that matter for writing.
Status Open(const std::string& directory, Database& database) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.error_if_exists = true;
  options.max_total_wal_size = uint64_t{128} << 20;
  options.atomic_flush = true;
  options.bytes_per_sync = 1 << 20;
  options.wal_bytes_per_sync = 512 << 10;
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const char* name : {"default", "ids", "rows", "vectors"}) {
    rocksdb::ColumnFamilyOptions family;
    family.write_buffer_size = 64 << 20;
    family.level_compaction_dynamic_level_bytes = true;
    family.compression =
        std::string(name) == "vectors" ? rocksdb::kNoCompression : rocksdb::kLZ4Compression;
    descriptors.emplace_back(name, family);
  }
  rocksdb::DB* raw = nullptr;
  ALIDADE_RETURN_IF_ERROR(
      FromRocks(rocksdb::DB::Open(options, directory, descriptors, &database.families, &raw)));
  database.db.reset(raw);
  return OkStatus();
}

// Lines of base.jsonl stand for the encoded payloads: about as long, and as compressible.
std::vector<std::string> ReadPayloads(const std::string& dataset, uint32_t rows) {
  std::vector<std::string> payloads(rows);
  std::ifstream file(dataset + "/base.jsonl");
  for (std::string& payload : payloads) {
    std::getline(file, payload);
  }
  return payloads;
}

void AddRow(const Database& database,
            const RealVectors& set,
            const std::string& payload,
            uint32_t row,
            rocksdb::WriteBatch& batch) {
  std::string space;
  AppendBigEndian(space, kCollection);
  AppendBigEndian(space, kShardOrField);
  std::string number;
  AppendBigEndian(number, uint64_t{row});
  std::string checksum;
  AppendBigEndian(checksum, kChecksum);
  std::string vector_key = space;
  AppendBigEndian(vector_key, kShardOrField);
  const std::string vector(reinterpret_cast<const char*>(set.Row(row)), set.dim * sizeof(float));
  // Ids: type and number -> row and seq. Rows: id, seq and payload.
  batch.Put(database.families[1], space + "n" + number, number + number + checksum);
  batch.Put(database.families[2], space + number, "n" + number + number + payload + checksum);
  batch.Put(database.families[3], vector_key + number, vector + checksum);
}

Status Run(const Options& options) {
  ALIDADE_ASSIGN_OR_RETURN(const RealVectors set, ReadRealVectors(options.dataset));
  const uint32_t rows = options.limit == 0 ? set.rows : std::min(options.limit, set.rows);
  const std::vector<std::string> payloads = ReadPayloads(options.dataset, rows);
  Database database;
  ALIDADE_RETURN_IF_ERROR(Open(options.directory, database));
  std::atomic<uint32_t> next{0};
  std::vector<Latencies> batches(static_cast<size_t>(options.writers));
  const double start = NowSeconds();
  const Status status = RunWorkers(options.writers, [&](int writer) -> Status {
    rocksdb::WriteOptions write;
    write.sync = options.sync;
    for (;;) {
      const uint32_t first = next.fetch_add(options.batch_rows);
      if (first >= rows) {
        return OkStatus();
      }
      const double began = NowSeconds();
      rocksdb::WriteBatch batch(0, 0, kProtectionBytes, 0);
      for (uint32_t row = first; row < std::min(rows, first + options.batch_rows); ++row) {
        AddRow(database, set, payloads[row], row, batch);
      }
      ALIDADE_RETURN_IF_ERROR(FromRocks(database.db->Write(write, &batch)));
      batches[static_cast<size_t>(writer)].Add(NowSeconds() - began);
    }
  });
  ALIDADE_RETURN_IF_ERROR(status);
  const double seconds = NowSeconds() - start;
  Latencies all;
  for (const Latencies& each : batches) {
    all.Merge(each);
  }
  const char* durability = options.sync ? "durable" : "buffered";
  std::printf(
      "RocksDB alone: %u rows in %.2f s = %.0f rows/s (%s, %d writers x %u; batch p50 %.1f ms, "
      "p99 %.1f ms)\n",
      rows,
      seconds,
      rows / seconds,
      durability,
      options.writers,
      options.batch_rows,
      all.PercentileMs(0.5),
      all.PercentileMs(0.99));
  const Json report = {{"machine", MachineJson()},
                       {"engine", "RocksDB alone"},
                       {"ingest",
                        {{"rows", rows},
                         {"seconds", seconds},
                         {"rows_per_second", rows / seconds},
                         {"durability", durability},
                         {"writers", options.writers},
                         {"batch_rows", options.batch_rows},
                         {"batches", LatencyJson(all)}}}};
  return WriteReport(options.json, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  CLI::App app("RocksDB alone: synced batches of the rows that the server would write");
  alidade::Options options;
  bool no_sync = false;
  app.add_option("directory", options.directory, "A new directory for the database")->required();
  app.add_option("dataset", options.dataset, "Directory as bench/datasets/ makes it")
      ->capture_default_str();
  app.add_option("--writers", options.writers, "Threads")
      ->check(CLI::Range(1, 1'024))
      ->capture_default_str();
  app.add_option("--batch", options.batch_rows, "Rows per batch")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--limit", options.limit, "Only the first rows (0: all)");
  app.add_flag("--no-sync", no_sync, "Do not sync");
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  CLI11_PARSE(app, argc, argv);
  options.sync = !no_sync;
  return alidade::ExitCode(alidade::Run(options));
}
