#include "ingest.h"

#include <algorithm>
#include <random>

#include "alidade/common/mutex.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;

// Little-endian float32, as this machine has it (the build is refused on others, see
// common/bytes.h).
std::string MatrixBytes(const std::vector<float>& vectors) {
  return std::string(reinterpret_cast<const char*>(vectors.data()), vectors.size() * sizeof(float));
}

v1::UpsertPointsRequest MakeRequest(const IngestOptions& options,
                                    PointBatch&& batch,
                                    const std::string& request_id) {
  v1::UpsertPointsRequest request;
  request.set_collection(options.collection);
  request.set_request_id(request_id);
  request.set_durability(options.durability == "buffered" ? v1::DURABILITY_BUFFERED
                                                          : v1::DURABILITY_DURABLE);
  auto& columns = *request.mutable_columns();
  const bool numbers =
      std::all_of(batch.ids.begin(), batch.ids.end(), [](const auto& id) { return id.has_num(); });
  const bool strings =
      std::all_of(batch.ids.begin(), batch.ids.end(), [](const auto& id) { return id.has_str(); });
  if ((!numbers && !strings) || !batch.sparse.empty() || !batch.multi_vectors.empty()) {
    // Columns hold ids of one kind; sparse vectors and multi-vectors are here by point.
    auto& rows = *request.mutable_rows();
    const size_t dim = batch.vectors.size() / batch.ids.size();
    for (size_t i = 0; i < batch.ids.size(); ++i) {
      v1::Point& point = *rows.add_points();
      *point.mutable_id() = std::move(batch.ids[i]);
      if (dim > 0) {
        (*point.mutable_vectors())[options.field].set_packed(std::string(
            reinterpret_cast<const char*>(batch.vectors.data() + i * dim), dim * sizeof(float)));
      }
      if (!batch.sparse.empty()) {
        point.mutable_sparse_vectors()->insert(batch.sparse[i].begin(), batch.sparse[i].end());
      }
      if (!batch.multi_vectors.empty()) {
        point.mutable_multi_vectors()->insert(batch.multi_vectors[i].begin(),
                                              batch.multi_vectors[i].end());
      }
      if (!batch.payloads.empty()) {
        *point.mutable_payload() = std::move(batch.payloads[i]);
      }
    }
    return request;
  }
  for (const v1::PointId& id : batch.ids) {
    if (numbers) {
      columns.mutable_number_ids()->add_values(id.num());
    } else {
      columns.mutable_string_ids()->add_values(id.str());
    }
  }
  if (!batch.vectors.empty()) {
    v1::VectorColumn& column = *columns.add_vectors();
    column.set_field(options.field);
    column.set_element_type(v1::ELEMENT_TYPE_FLOAT32);
    column.set_data(MatrixBytes(batch.vectors));
  }
  for (v1::Object& payload : batch.payloads) {
    *columns.add_payloads() = std::move(payload);
  }
  return request;
}

// The source and the result, shared by the writers.
struct Shared {
  Mutex mutex;
  PointSource& source ALIDADE_GUARDED_BY(mutex);
  IngestResult& result ALIDADE_GUARDED_BY(mutex);
  bool stopped ALIDADE_GUARDED_BY(mutex) = false;
  uint64_t next ALIDADE_GUARDED_BY(mutex) = 0;
};

StatusOr<PointBatch> NextBatch(Shared& shared, const IngestOptions& options) {
  MutexLock lock(shared.mutex);
  if (shared.stopped) {
    return PointBatch{};
  }
  uint64_t most = options.batch_rows;
  if (options.progress != nullptr) {
    while (const uint64_t done = options.progress->DoneFrom(shared.next)) {
      const uint64_t skipped = std::min(done, shared.source.rows() - shared.next);
      ALIDADE_RETURN_IF_ERROR(shared.source.Skip(skipped));
      shared.next += skipped;
      shared.result.skipped += skipped;
      if (skipped < done) {
        break;
      }
    }
    most = options.progress->OpenFrom(shared.next, most);
  }
  StatusOr<PointBatch> batch = shared.source.Next(most);
  if (batch.ok()) {
    shared.next += batch->ids.size();
  } else {
    shared.stopped = true;  // or the next writer would read on in the middle, and complain of that
  }
  return batch;
}

Status RunWriter(const ConnectionOptions& connection,
                 const IngestOptions& options,
                 const std::string& run,
                 Shared& shared) {
  const auto stub = v1::PointService::NewStub(Connect(connection));
  for (;;) {
    auto batch = NextBatch(shared, options);
    if (!batch.ok() || batch->ids.empty()) {
      return batch.status();
    }
    const uint64_t first = batch->first;
    const uint64_t count = batch->ids.size();
    // The name of the request is the same for every try: a batch whose answer was lost is not
    // written twice.
    const v1::UpsertPointsRequest request =
        MakeRequest(options, std::move(*batch), fmt::format("{}-{}", run, first));
    v1::UpsertPointsResponse response;
    const double start = NowSeconds();
    const grpc::Status status =
        CallWithRetry(connection, options.retry, [&](grpc::ClientContext& context) {
          return stub->UpsertPoints(&context, request, &response);
        });
    const double seconds = NowSeconds() - start;
    if (status.ok() && options.progress != nullptr) {
      options.progress->Acknowledge(first, count);
    }
    MutexLock lock(shared.mutex);
    if (!status.ok()) {
      shared.stopped = true;
      return WithContext(FromGrpc(status), fmt::format("rows {} to {}", first, first + count));
    }
    shared.result.rows += count;
    shared.result.batches.Add(seconds);
    shared.result.newest_seq = std::max(shared.result.newest_seq, response.receipt().seq());
    if (options.on_rows) {
      options.on_rows(shared.result.skipped + shared.result.rows);
    }
  }
}

}  // namespace

Status Ingest(const ConnectionOptions& connection,
              const IngestOptions& options,
              PointSource& source,
              IngestResult& result) {
  std::random_device random;
  const std::string run = fmt::format("import-{:08x}{:08x}", random(), random());
  Shared shared{.mutex = {}, .source = source, .result = result};
  const double start = NowSeconds();
  Status status = RunWorkers(options.writers, [&](int) {
    Status ended = RunWriter(connection, options, run, shared);
    if (!ended.ok()) {
      MutexLock lock(shared.mutex);
      shared.stopped = true;
    }
    return ended;
  });
  result.seconds = NowSeconds() - start;
  return status;
}

}  // namespace alidade
