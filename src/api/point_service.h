// PointService: points over gRPC: decode, call the engine, encode.
//
// Threads:  thread-safe; calls arrive on gRPC's polling threads, the work is done where CallRunner
// says.
#pragma once

#include "alidade/v1/points.grpc.pb.h"

#include "service_context.h"

namespace alidade {

// Messages are parsed and written by CallRunner.
using RawPointService = v1::PointService::WithRawCallbackMethod_UpsertPoints<
    v1::PointService::WithRawCallbackMethod_GetPoints<
        v1::PointService::WithRawCallbackMethod_DeletePoints<
            v1::PointService::WithRawCallbackMethod_CountPoints<
                v1::PointService::WithRawCallbackMethod_ListPoints<
                    v1::PointService::WithRawCallbackMethod_FacetPoints<
                        v1::PointService::WithRawCallbackMethod_GetPayloadBounds<
                            v1::PointService::WithRawCallbackMethod_SetPayload<
                                v1::PointService::WithRawCallbackMethod_OverwritePayload<
                                    v1::PointService::WithRawCallbackMethod_DeletePayloadKeys<
                                        v1::PointService::WithRawCallbackMethod_WriteBatch<
                                            v1::PointService::Service>>>>>>>>>>>;

class PointService final : public RawPointService {
 public:
  explicit PointService(const ServiceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* UpsertPoints(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* in,
                                         grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* GetPoints(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* in,
                                      grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* DeletePoints(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* in,
                                         grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* CountPoints(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* in,
                                        grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* ListPoints(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* in,
                                       grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* FacetPoints(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* in,
                                        grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* GetPayloadBounds(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* in,
                                             grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* SetPayload(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* in,
                                       grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* OverwritePayload(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* in,
                                             grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* DeletePayloadKeys(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* in,
                                              grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* WriteBatch(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* in,
                                       grpc::ByteBuffer* out) override;

 private:
  // What the three changes of payloads have in common.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* ChangePayload(Method method, const RawUnary& raw);

  const ServiceContext& context_;
};

}  // namespace alidade
