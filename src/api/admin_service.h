// AdminService: administration over gRPC: decode, call the engine, encode.
//
// Threads:  thread-safe; calls arrive on gRPC's polling threads, the work is done where CallRunner
// says.
#pragma once

#include "alidade/v1/admin.grpc.pb.h"

#include "service_context.h"

namespace alidade {

// Messages are parsed and written by CallRunner.
using RawAdminService = v1::AdminService::WithRawCallbackMethod_Flush<
    v1::AdminService::WithRawCallbackMethod_WaitIndexed<
        v1::AdminService::WithRawCallbackMethod_GetCollectionStats<
            v1::AdminService::WithRawCallbackMethod_GetServerInfo<v1::AdminService::Service>>>>;

class AdminService final : public RawAdminService {
 public:
  explicit AdminService(const ServiceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* Flush(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* in,
                                  grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* WaitIndexed(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* in,
                                        grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* GetCollectionStats(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* in,
                                               grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* in,
                                          grpc::ByteBuffer* out) override;

 private:
  const ServiceContext& context_;
};

}  // namespace alidade
