// alidade import, alidade verify
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "alidade/vec/element.h"

#include "client_commands.h"
#include "ingest.h"
#include "schema_flags.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;

struct ImportFlags {
  ConnectionOptions connection;
  PointSourceOptions source;
  SchemaFlags schema;
  IngestOptions ingest;
  std::string progress_file;
  bool create = false;
  bool quiet = false;
};

void AddSourceFlags(CLI::App& command, PointSourceOptions& source, std::string& collection) {
  command.add_option("file", source.path, ".npy, .fvecs, .hdf5 or .jsonl")->required();
  command.add_option("--collection", collection, "Collection (or alias) to work on")->required();
  command.add_option(
      "--points",
      source.points,
      ".jsonl with {\"id\", \"payload\"} for every row (default: beside the file, if it is there)");
  command.add_option("--dataset", source.dataset, "Data set inside an HDF5 file")
      ->capture_default_str();
  command.add_option("--id-offset", source.id_offset, "Added to numeric ids")
      ->capture_default_str();
  command.add_option("--limit", source.limit, "Only the first rows (0: all)")
      ->capture_default_str();
}

// What makes two imports the same, as the first line of a progress file.
std::string ProgressTitle(const PointSourceOptions& source, const std::string& collection) {
  return fmt::format(
      "# alidade import {} into {} with id offset {}", source.path, collection, source.id_offset);
}

// A line that is drawn over and over on a terminal, and at most every five seconds elsewhere.
class ProgressLine {
 public:
  ProgressLine(uint64_t rows, bool quiet)
      : rows_(rows),
        quiet_(quiet),
        terminal_(::isatty(STDERR_FILENO) != 0),
        start_(NowSeconds()),
        last_(start_) {}

  void Show(uint64_t done) {
    const double now = NowSeconds();
    if (!begun_) {
      // The rate leaves out what was there before and the time until the first answer.
      begun_ = true;
      first_done_ = done;
      start_ = now;
    }
    if (quiet_ || (now - last_ < (terminal_ ? 0.1 : 5.0) && done < rows_)) {
      return;
    }
    last_ = now;
    const double share = rows_ == 0 ? 1 : static_cast<double>(done) / static_cast<double>(rows_);
    std::string rate;
    if (done > first_done_) {
      rate = fmt::format("  {:.0f} rows/s",
                         static_cast<double>(done - first_done_) / std::max(1e-9, now - start_));
    }
    const auto filled = static_cast<size_t>(share * 30);
    std::fprintf(stderr,
                 "%s[%s%s] %3.0f %%  %lu of %lu rows%s%s",
                 terminal_ ? "\r" : "",
                 std::string(filled, '#').c_str(),
                 std::string(30 - filled, '.').c_str(),
                 share * 100,
                 done,
                 rows_,
                 rate.c_str(),
                 terminal_ && done < rows_ ? "" : "\n");
  }

 private:
  const uint64_t rows_;
  const bool quiet_;
  const bool terminal_;
  double start_;
  double last_;
  bool begun_ = false;
  uint64_t first_done_ = 0;
};

int Fail(const Status& status) {
  std::fprintf(stderr, "\n%s\n", MessageOf(status).c_str());
  return 1;
}

int RunImport(ImportFlags& flags) {
  auto source = PointSource::Open(flags.source);
  if (!source.ok()) {
    return Fail(source.status());
  }
  if (flags.create) {
    const grpc::Status created =
        CreateCollection(flags.connection, flags.ingest.collection, flags.schema, (*source)->dim());
    if (!created.ok()) {
      return PrintError(created, flags.connection);
    }
  }
  std::unique_ptr<ProgressFile> progress;
  if (!flags.progress_file.empty()) {
    auto opened = ProgressFile::Open(flags.progress_file,
                                     ProgressTitle(flags.source, flags.ingest.collection));
    if (!opened.ok()) {
      return Fail(opened.status());
    }
    progress = std::move(opened).value();
    flags.ingest.progress = progress.get();
  }
  ProgressLine line((*source)->rows(), flags.quiet);
  flags.ingest.field = flags.schema.field;
  flags.ingest.on_rows = [&line](uint64_t rows) { line.Show(rows); };
  IngestResult result;
  const Status status = Ingest(flags.connection, flags.ingest, **source, result);
  if (!status.ok()) {
    Fail(status);
  }
  std::printf("%lu rows acknowledged in %.2f s: %.0f rows/s, %s, %d writers x batches of %lu",
              result.rows,
              result.seconds,
              static_cast<double>(result.rows) / std::max(1e-9, result.seconds),
              flags.ingest.durability.c_str(),
              flags.ingest.writers,
              flags.ingest.batch_rows);
  std::printf(result.skipped != 0 ? " (%lu rows were there before)\n" : "\n", result.skipped);
  return status.ok() ? 0 : 1;
}

// Whether the point has these sparse vectors.
bool HasSparse(const v1::Point& point, const SparseVectors& expected) {
  return std::ranges::all_of(expected, [&point](const auto& field) {
    const auto found = point.sparse_vectors().find(field.first);
    return found != point.sparse_vectors().end() &&
           std::ranges::equal(found->second.indices(), field.second.indices()) &&
           std::ranges::equal(found->second.values(), field.second.values());
  });
}

// Whether the point has these multi-vectors, bit for bit.
bool HasMultiVectors(const v1::Point& point, const MultiVectors& expected) {
  return std::ranges::all_of(expected, [&point](const auto& field) {
    const auto found = point.multi_vectors().find(field.first);
    return found != point.multi_vectors().end() && found->second.packed() == field.second.packed();
  });
}

template <typename Named>
void AddNames(const std::vector<Named>& vectors, std::set<std::string>& names) {
  for (const Named& named : vectors) {
    for (const auto& [name, vector] : named) {
      names.insert(name);
    }
  }
}

// Compares one batch of the source with what the server has. Adds to the count of differences,
// prints the first few.
// What the collection rounds vectors to.
grpc::Status FindElement(const ImportFlags& flags, ElementType& element) {
  v1::GetCollectionRequest request;
  request.set_collection(flags.ingest.collection);
  v1::GetCollectionResponse response;
  const auto stub = v1::CollectionService::NewStub(Connect(flags.connection));
  const grpc::Status status =
      CallWithRetry(flags.connection, flags.ingest.retry, [&](grpc::ClientContext& context) {
        return stub->GetCollection(&context, request, &response);
      });
  for (const v1::VectorField& field : response.collection().vector_fields()) {
    if (field.name() == flags.schema.field) {
      element = static_cast<ElementType>(field.storage_type());
    }
  }
  return status;
}

grpc::Status VerifyBatch(const ImportFlags& flags,
                         ElementType element,
                         v1::PointService::Stub& stub,
                         const PointBatch& batch,
                         uint64_t& differences) {
  v1::GetPointsRequest request;
  request.set_collection(flags.ingest.collection);
  for (const v1::PointId& id : batch.ids) {
    *request.add_ids() = id;
  }
  if (!batch.vectors.empty()) {
    request.add_with_vectors(flags.schema.field);
  }
  std::set<std::string> names;
  AddNames(batch.sparse, names);
  AddNames(batch.multi_vectors, names);
  request.mutable_with_vectors()->Add(names.begin(), names.end());
  v1::GetPointsResponse response;
  grpc::Status status =
      CallWithRetry(flags.connection, flags.ingest.retry, [&](grpc::ClientContext& context) {
        return stub.GetPoints(&context, request, &response);
      });
  if (!status.ok()) {
    return status;
  }
  const auto report = [&differences](const v1::PointId& id, const char* what) {
    if (++differences <= 10) {
      std::printf("point %s: %s\n", FormatPointId(id).c_str(), what);
    }
  };
  const size_t dim = batch.vectors.size() / batch.ids.size();
  int found = 0;
  for (size_t i = 0; i < batch.ids.size(); ++i) {
    if (found == response.points_size() ||
        response.points(found).id().SerializeAsString() != batch.ids[i].SerializeAsString()) {
      report(batch.ids[i], "missing");
      continue;
    }
    const v1::Point& point = response.points(found++);
    const auto vector = point.vectors().find(flags.schema.field);
    if (!batch.sparse.empty() && !HasSparse(point, batch.sparse[i])) {
      report(batch.ids[i], "a sparse vector differs");
    }
    if (!batch.multi_vectors.empty() && !HasMultiVectors(point, batch.multi_vectors[i])) {
      report(batch.ids[i], "a multi-vector differs");
    }
    if (dim == 0) {
      continue;
    }
    const std::string stored = EncodeElements({batch.vectors.data() + i * dim, dim}, element);
    const std::vector<float> wanted =
        VectorView{stored.data(), static_cast<uint32_t>(dim), element}.Floats();
    if (vector == point.vectors().end() || vector->second.packed().size() != dim * sizeof(float) ||
        std::memcmp(vector->second.packed().data(), wanted.data(), dim * sizeof(float)) != 0) {
      report(batch.ids[i], "the vector differs");
    }
  }
  return grpc::Status::OK;
}

// Every row that the progress file calls acknowledged (or every row, without one) must be there,
// bit for bit.
int RunVerify(ImportFlags& flags) {
  auto source = PointSource::Open(flags.source);
  if (!source.ok()) {
    return Fail(source.status());
  }
  std::unique_ptr<ProgressFile> progress;
  if (!flags.progress_file.empty()) {
    auto opened = ProgressFile::Open(flags.progress_file,
                                     ProgressTitle(flags.source, flags.ingest.collection));
    if (!opened.ok()) {
      return Fail(opened.status());
    }
    progress = std::move(opened).value();
  }
  const auto stub = v1::PointService::NewStub(Connect(flags.connection));
  auto element = ElementType::kFloat32;
  if (const grpc::Status status = FindElement(flags, element); !status.ok()) {
    return PrintError(status, flags.connection);
  }
  uint64_t next = 0;
  uint64_t checked = 0;
  uint64_t differences = 0;
  while (next < (*source)->rows()) {
    uint64_t count = std::min<uint64_t>(1'000, (*source)->rows() - next);
    if (progress != nullptr) {
      const uint64_t done = progress->DoneFrom(next);
      if (done == 0) {
        count = progress->OpenFrom(next, count);
        if (const Status status = (*source)->Skip(count); !status.ok()) {
          return Fail(status);
        }
        next += count;
        continue;
      }
      count = std::min(count, done);
    }
    const auto batch = (*source)->Next(count);
    if (!batch.ok()) {
      return Fail(batch.status());
    }
    if (const grpc::Status status = VerifyBatch(flags, element, *stub, *batch, differences);
        !status.ok()) {
      return PrintError(status, flags.connection);
    }
    checked += count;
    next += count;
  }
  std::printf("%lu acknowledged rows checked: %lu missing or different\n", checked, differences);
  return differences == 0 ? 0 : 1;
}

}  // namespace

void AddImportCommands(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* import = app.add_subcommand("import", "Load a data set into a collection");
  AddConnectionFlags(*import, flags->connection);
  AddSourceFlags(*import, flags->source, flags->ingest.collection);
  import->add_flag("--create", flags->create, "Make the collection if it is not there");
  AddSchemaFlags(*import, flags->schema);
  AddPayloadIndexFlag(*import, flags->schema);
  AddFurtherFieldFlags(*import, flags->schema);
  import->add_option("--batch", flags->ingest.batch_rows, "Rows per request")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  import->add_option("--writers", flags->ingest.writers, "Requests at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  import->add_option("--durability", flags->ingest.durability, "durable (fsynced) or buffered")
      ->check(CLI::IsMember({"durable", "buffered"}))
      ->capture_default_str();
  import
      ->add_option("--retry-seconds",
                   flags->ingest.retry.seconds,
                   "How long a batch is tried again (0: once)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  import->add_option(
      "--progress-file",
      flags->progress_file,
      "Notes acknowledged rows here; an import with the same file goes on where it was");
  import->add_flag("--quiet", flags->quiet, "No progress bar");
  import->callback([flags, &exit_code] { exit_code = RunImport(*flags); });

  auto check = std::make_shared<ImportFlags>();
  CLI::App* verify = app.add_subcommand(
      "verify", "Compare a data set with a collection, bit for bit of what it stores");
  AddConnectionFlags(*verify, check->connection);
  AddSourceFlags(*verify, check->source, check->ingest.collection);
  verify->add_option("--field", check->schema.field, "Name of the vector field")
      ->capture_default_str();
  verify->add_option(
      "--progress-file", check->progress_file, "Only rows that this file calls acknowledged");
  verify->callback([check, &exit_code] { exit_code = RunVerify(*check); });
}

}  // namespace alidade
