#include "point_service.h"

#include <utility>

#include "change_codec.h"
#include "facet_codec.h"
#include "field_path.h"
#include "point_codec.h"
#include "read_codec.h"
#include "write_codec.h"

namespace alidade {
namespace {

std::string DescribeUpsert(const v1::UpsertPointsRequest& request) {
  const int rows = request.has_columns() ? request.columns().number_ids().values_size() +
                                               request.columns().string_ids().values_size()
                                         : request.rows().points_size();
  return fmt::format("collection={} points={} form={}",
                     request.collection(),
                     rows,
                     request.has_columns() ? "columns" : "rows");
}

template <typename Request>
std::string DescribeChange(const Request& request) {
  return request.has_filter()
             ? fmt::format("collection={} filter={}",
                           request.collection(),
                           request.filter().ShortDebugString())
             : fmt::format("collection={} ids={}", request.collection(), request.ids_size());
}

template <typename Request>
std::string DescribeKey(const Request& request) {
  return fmt::format("collection={} key={} filter={}",
                     request.collection(),
                     request.key(),
                     request.filter().ShortDebugString());
}

}  // namespace

grpc::ServerUnaryReactor* PointService::UpsertPoints(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* in,
                                                     grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::UpsertPointsRequest, v1::UpsertPointsResponse>(
      Method::kUpsertPoints,
      Lane::kNormal,
      {context, in, out},
      [this](Call& call,
             const v1::UpsertPointsRequest* request,
             v1::UpsertPointsResponse* response) -> Status {
        call.describe = [request] { return DescribeUpsert(*request); };
        ALIDADE_ASSIGN_OR_RETURN(
            const UpsertRequest decoded,
            DecodeUpsert(*request, context_.limits(), context_.default_durability));
        const StatusOr<WriteReceipt> receipt = context_.engine.Upsert(decoded);
        if (!receipt.ok()) {
          return WithWirePath(receipt.status(), *request);
        }
        EncodeReceipt(*receipt, *response->mutable_receipt());
        response->set_upserted_count(receipt->points);
        response->set_skipped_count(receipt->skipped);
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* PointService::GetPoints(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* in,
                                                  grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::GetPointsRequest, v1::GetPointsResponse>(
      Method::kGetPoints,
      Lane::kNormal,
      {context, in, out},
      [this](Call& call,
             const v1::GetPointsRequest* request,
             v1::GetPointsResponse* response) -> Status {
        call.describe = [request] {
          return fmt::format("collection={} ids={}", request->collection(), request->ids_size());
        };
        ALIDADE_ASSIGN_OR_RETURN(GetRequest decoded,
                                 DecodeGet(*request, context_.limits(), call.deadline));
        ALIDADE_RETURN_IF_ERROR(
            ResolveAllVectors(context_.engine, decoded.collection, decoded.vectors));
        ALIDADE_ASSIGN_OR_RETURN(const GetResponse found, context_.engine.Get(decoded));
        EncodeGet(found, *response);
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* PointService::DeletePoints(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* in,
                                                     grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::DeletePointsRequest, v1::DeletePointsResponse>(
      Method::kDeletePoints,
      Lane::kReserved,
      {context, in, out},
      [this](Call& call,
             const v1::DeletePointsRequest* request,
             v1::DeletePointsResponse* response) -> Status {
        call.describe = [request] { return DescribeChange(*request); };
        ALIDADE_ASSIGN_OR_RETURN(
            const DeleteRequest decoded,
            DecodeDelete(*request,
                         {context_.limits(), context_.default_durability, call.deadline}));
        ALIDADE_ASSIGN_OR_RETURN(const WriteReceipt receipt, context_.engine.Delete(decoded));
        EncodeReceipt(receipt, *response->mutable_receipt());
        response->set_deleted_count(receipt.points);
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* PointService::CountPoints(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* in,
                                                    grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::CountPointsRequest, v1::CountPointsResponse>(
      Method::kCountPoints,
      Lane::kNormal,
      {context, in, out},
      [this](Call& call,
             const v1::CountPointsRequest* request,
             v1::CountPointsResponse* response) -> Status {
        call.describe = [request] {
          return fmt::format("collection={} filter={}",
                             request->collection(),
                             request->filter().ShortDebugString());
        };
        ALIDADE_ASSIGN_OR_RETURN(const CountRequest decoded,
                                 DecodeCount(*request, context_.limits(), call.deadline));
        ALIDADE_ASSIGN_OR_RETURN(const CountResponse counted, context_.engine.Count(decoded));
        response->set_count(counted.points);
        response->set_seq(counted.at.value());
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* PointService::ListPoints(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* in,
                                                   grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::ListPointsRequest, v1::ListPointsResponse>(
      Method::kListPoints,
      Lane::kNormal,
      {context, in, out},
      [this](Call& call,
             const v1::ListPointsRequest* request,
             v1::ListPointsResponse* response) -> Status {
        call.describe = [request] {
          return fmt::format("collection={} page_size={} filter={} order_by={}",
                             request->collection(),
                             request->page_size(),
                             request->filter().ShortDebugString(),
                             request->order_by().ShortDebugString());
        };
        ALIDADE_ASSIGN_OR_RETURN(ListRequest decoded,
                                 DecodeList(*request, context_.limits(), call.deadline));
        ALIDADE_RETURN_IF_ERROR(
            ResolveAllVectors(context_.engine, decoded.collection, decoded.vectors));
        ALIDADE_ASSIGN_OR_RETURN(const ListResponse page, context_.engine.List(decoded));
        EncodeList(page, *request, *response);
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* PointService::FacetPoints(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* in,
                                                    grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::FacetPointsRequest, v1::FacetPointsResponse>(
      Method::kFacetPoints,
      Lane::kNormal,
      {context, in, out},
      [this](Call& call,
             const v1::FacetPointsRequest* request,
             v1::FacetPointsResponse* response) -> Status {
        call.describe = [request] { return DescribeKey(*request); };
        ALIDADE_ASSIGN_OR_RETURN(const FacetRequest decoded,
                                 DecodeFacet(*request, context_.limits(), call.deadline));
        ALIDADE_ASSIGN_OR_RETURN(const FacetResponse counted, context_.engine.Facet(decoded));
        EncodeFacet(counted, *request, *response);
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* PointService::GetPayloadBounds(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* in,
                                                         grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::GetPayloadBoundsRequest, v1::GetPayloadBoundsResponse>(
      Method::kGetPayloadBounds,
      Lane::kNormal,
      {context, in, out},
      [this](Call& call,
             const v1::GetPayloadBoundsRequest* request,
             v1::GetPayloadBoundsResponse* response) -> Status {
        call.describe = [request] { return DescribeKey(*request); };
        ALIDADE_ASSIGN_OR_RETURN(const BoundsRequest decoded,
                                 DecodeBounds(*request, context_.limits(), call.deadline));
        ALIDADE_ASSIGN_OR_RETURN(const BoundsResponse found, context_.engine.Bounds(decoded));
        EncodeBounds(found, *response);
        return OkStatus();
      });
}

template <typename Request, typename Response>
grpc::ServerUnaryReactor* PointService::ChangePayload(Method method, const RawUnary& raw) {
  return context_.runner.Start<Request, Response>(
      method,
      Lane::kNormal,
      raw,
      [this](Call& call, const Request* request, Response* response) -> Status {
        call.describe = [request] { return DescribeChange(*request); };
        ALIDADE_ASSIGN_OR_RETURN(
            const PayloadRequest decoded,
            DecodePayloadChange(*request,
                                {context_.limits(), context_.default_durability, call.deadline}));
        ALIDADE_ASSIGN_OR_RETURN(const WriteReceipt receipt,
                                 context_.engine.ChangePayload(decoded));
        EncodeReceipt(receipt, *response->mutable_receipt());
        response->set_updated_count(receipt.points);
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* PointService::SetPayload(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* in,
                                                   grpc::ByteBuffer* out) {
  return ChangePayload<v1::SetPayloadRequest, v1::SetPayloadResponse>(Method::kSetPayload,
                                                                      {context, in, out});
}

grpc::ServerUnaryReactor* PointService::OverwritePayload(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* in,
                                                         grpc::ByteBuffer* out) {
  return ChangePayload<v1::OverwritePayloadRequest, v1::OverwritePayloadResponse>(
      Method::kOverwritePayload, {context, in, out});
}

grpc::ServerUnaryReactor* PointService::DeletePayloadKeys(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* in,
                                                          grpc::ByteBuffer* out) {
  return ChangePayload<v1::DeletePayloadKeysRequest, v1::DeletePayloadKeysResponse>(
      Method::kDeletePayloadKeys, {context, in, out});
}

grpc::ServerUnaryReactor* PointService::WriteBatch(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* in,
                                                   grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::WriteBatchRequest, v1::WriteBatchResponse>(
      Method::kWriteBatch,
      Lane::kNormal,
      {context, in, out},
      [this](Call& call,
             const v1::WriteBatchRequest* request,
             v1::WriteBatchResponse* response) -> Status {
        call.describe = [request] {
          return fmt::format("operations={}", request->operations_size());
        };
        ALIDADE_ASSIGN_OR_RETURN(
            const BatchRequest decoded,
            DecodeBatch(*request, {context_.limits(), context_.default_durability, call.deadline}));
        const StatusOr<WriteReceipt> receipt = context_.engine.WriteAll(decoded);
        if (!receipt.ok()) {
          return WithWirePath(receipt.status(), *request);
        }
        EncodeBatch(*receipt, *response);
        return OkStatus();
      });
}

}  // namespace alidade
