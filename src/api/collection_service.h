// CollectionService: collections and aliases over gRPC: decode, call the engine, encode.
//
// Threads:  thread-safe; gRPC calls it from its pool.
#pragma once

#include "alidade/v1/collections.grpc.pb.h"

#include "service_context.h"

namespace alidade {

class CollectionService final : public v1::CollectionService::Service {
 public:
  explicit CollectionService(const ServiceContext& context) : context_(context) {}

  grpc::Status CreateCollection(grpc::ServerContext* context,
                                const v1::CreateCollectionRequest* request,
                                v1::CreateCollectionResponse* response) override;
  grpc::Status GetCollection(grpc::ServerContext* context,
                             const v1::GetCollectionRequest* request,
                             v1::GetCollectionResponse* response) override;
  grpc::Status ListCollections(grpc::ServerContext* context,
                               const v1::ListCollectionsRequest* request,
                               v1::ListCollectionsResponse* response) override;
  grpc::Status UpdateCollection(grpc::ServerContext* context,
                                const v1::UpdateCollectionRequest* request,
                                v1::UpdateCollectionResponse* response) override;
  grpc::Status DeleteCollection(grpc::ServerContext* context,
                                const v1::DeleteCollectionRequest* request,
                                v1::DeleteCollectionResponse* response) override;
  grpc::Status UpdateAliases(grpc::ServerContext* context,
                             const v1::UpdateAliasesRequest* request,
                             v1::UpdateAliasesResponse* response) override;
  grpc::Status ListAliases(grpc::ServerContext* context,
                           const v1::ListAliasesRequest* request,
                           v1::ListAliasesResponse* response) override;

 private:
  const ServiceContext& context_;
};

}  // namespace alidade
