// CollectionService: collections and aliases over gRPC: decode, call the engine, encode.
//
// Threads:  thread-safe; calls arrive on gRPC's polling threads, the work is done where CallRunner
// says.
#pragma once

#include "alidade/v1/collections.grpc.pb.h"

#include "service_context.h"

namespace alidade {

// Messages are parsed and written by CallRunner.
using RawCollectionService = v1::CollectionService::WithRawCallbackMethod_CreateCollection<
    v1::CollectionService::WithRawCallbackMethod_GetCollection<
        v1::CollectionService::WithRawCallbackMethod_ListCollections<
            v1::CollectionService::WithRawCallbackMethod_UpdateCollection<
                v1::CollectionService::WithRawCallbackMethod_CreatePayloadIndex<
                    v1::CollectionService::WithRawCallbackMethod_DeletePayloadIndex<
                        v1::CollectionService::WithRawCallbackMethod_DeleteCollection<
                            v1::CollectionService::WithRawCallbackMethod_UpdateAliases<
                                v1::CollectionService::WithRawCallbackMethod_ListAliases<
                                    v1::CollectionService::Service>>>>>>>>>;

class CollectionService final : public RawCollectionService {
 public:
  explicit CollectionService(const ServiceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* CreateCollection(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* in,
                                             grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* GetCollection(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* in,
                                          grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* ListCollections(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* in,
                                            grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* UpdateCollection(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* in,
                                             grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* CreatePayloadIndex(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* in,
                                               grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* DeletePayloadIndex(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* in,
                                               grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* DeleteCollection(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* in,
                                             grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* UpdateAliases(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* in,
                                          grpc::ByteBuffer* out) override;
  grpc::ServerUnaryReactor* ListAliases(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* in,
                                        grpc::ByteBuffer* out) override;

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* ChangePayloadIndex(Method method,
                                               const RawUnary& raw,
                                               bool remove,
                                               bool (Request::*lenient)() const);

  const ServiceContext& context_;
};

}  // namespace alidade
