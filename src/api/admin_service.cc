#include "admin_service.h"

#include <algorithm>

#include "admin_codec.h"
#include "field_path.h"
#include "point_codec.h"

namespace alidade {
namespace {

// Waits until nothing is pending or `until` passes, whichever is first; both are OK.
Status WaitAtMost(Engine& engine,
                  const std::string& collection,
                  const Deadline& until,
                  const Deadline& deadline,
                  CollectionStats& stats) {
  const Deadline first(std::min(until.at(), deadline.at()),
                       [&deadline] { return deadline.Check().code() == StatusCode::kCancelled; });
  Status status = engine.WaitIndexed(collection, first, stats);
  if (status.code() == StatusCode::kDeadlineExceeded && until.Passed() && !deadline.Passed()) {
    return OkStatus();
  }
  return status;
}

}  // namespace

grpc::ServerUnaryReactor* AdminService::Flush(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* in,
                                              grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::FlushRequest, v1::FlushResponse>(
      Method::kFlush,
      Lane::kWaiting,
      {context, in, out},
      [this](Call& call, const v1::FlushRequest* request, v1::FlushResponse* response) -> Status {
        call.describe = [request] { return "collection=" + request->collection(); };
        if (!request->collection().empty()) {
          ALIDADE_RETURN_IF_ERROR(CheckName(request->collection(), FieldPath("collection")));
        }
        ALIDADE_RETURN_IF_ERROR(context_.engine.Flush(request->collection(), call.deadline));
        response->set_seq(context_.engine.Stats().durable_seq.value());
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* AdminService::WaitIndexed(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* in,
                                                    grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::WaitIndexedRequest, v1::WaitIndexedResponse>(
      Method::kWaitIndexed,
      Lane::kWaiting,
      {context, in, out},
      [this](Call& call,
             const v1::WaitIndexedRequest* request,
             v1::WaitIndexedResponse* response) -> Status {
        call.describe = [request] { return "collection=" + request->collection(); };
        ALIDADE_RETURN_IF_ERROR(CheckName(request->collection(), FieldPath("collection")));
        Deadline until;
        if (request->has_timeout()) {
          ALIDADE_ASSIGN_OR_RETURN(const auto timeout, DecodeTimeout(request->timeout()));
          // A year is as good as forever and cannot overflow the clock.
          until = Deadline::After(
              std::min<std::chrono::milliseconds>(timeout, std::chrono::hours(24 * 365)));
        }
        CollectionStats stats;
        ALIDADE_RETURN_IF_ERROR(
            WaitAtMost(context_.engine, request->collection(), until, call.deadline, stats));
        response->set_indexed_rows(stats.indexed_rows);
        response->set_pending_rows(stats.pending_rows);
        response->set_build_progress(stats.build_progress);
        response->set_build_rows_done(stats.build_rows_done);
        response->set_build_rows_total(stats.build_rows_total);
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* AdminService::GetCollectionStats(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* in,
                                                           grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::GetCollectionStatsRequest, v1::GetCollectionStatsResponse>(
      Method::kGetCollectionStats,
      Lane::kReserved,
      {context, in, out},
      [this](Call& call,
             const v1::GetCollectionStatsRequest* request,
             v1::GetCollectionStatsResponse* response) -> Status {
        call.describe = [request] { return "collection=" + request->collection(); };
        ALIDADE_RETURN_IF_ERROR(CheckName(request->collection(), FieldPath("collection")));
        ALIDADE_RETURN_IF_ERROR(WaitForSeq(context_.engine, request->min_seq(), call.deadline));
        ALIDADE_ASSIGN_OR_RETURN(const CollectionStats stats,
                                 context_.engine.Stats(request->collection()));
        EncodeStats(stats, *response);
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* AdminService::GetServerInfo(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* in,
                                                      grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::GetServerInfoRequest, v1::GetServerInfoResponse>(
      Method::kGetServerInfo,
      Lane::kReserved,
      {context, in, out},
      [this](
          Call&, const v1::GetServerInfoRequest*, v1::GetServerInfoResponse* response) -> Status {
        const EngineStats stats = context_.engine.Stats();
        const auto uptime = std::chrono::system_clock::now() - context_.start_time;
        response->set_version(context_.version);
        response->set_revision(context_.revision);
        EncodeTimestamp(context_.start_time, *response->mutable_start_time());
        EncodeDuration(std::chrono::duration<double>(uptime).count(), *response->mutable_uptime());
        response->set_seq(stats.seq.value());
        response->set_collections(static_cast<uint32_t>(stats.collections.size()));
        response->set_instruction_set(context_.instruction_set);
        EncodeLimits(context_.limits(), *response->mutable_limits());
        return OkStatus();
      });
}

}  // namespace alidade
