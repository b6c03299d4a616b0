#include "collection_service.h"

#include <algorithm>

#include "collection_codec.h"
#include "field_codec.h"
#include "field_path.h"
#include "page_token.h"
#include "point_codec.h"
#include "read_codec.h"

namespace alidade {
namespace {

// Longest page of collections or aliases (chosen).
constexpr uint32_t kCatalogPageSizeMax = 1'000;

// The catalogue is synced before it is answered.
void EncodeCatalogReceipt(SeqNo seq, bool replayed, v1::WriteReceipt& out) {
  WriteReceipt receipt;
  receipt.seq = seq;
  receipt.replayed = replayed;
  EncodeReceipt(receipt, out);
}

}  // namespace

grpc::ServerUnaryReactor* CollectionService::CreateCollection(grpc::CallbackServerContext* context,
                                                              const grpc::ByteBuffer* in,
                                                              grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::CreateCollectionRequest, v1::CreateCollectionResponse>(
      Method::kCreateCollection,
      Lane::kReserved,
      {context, in, out},
      [this](Call& call,
             const v1::CreateCollectionRequest* request,
             v1::CreateCollectionResponse* response) -> Status {
        call.describe = [request] { return "collection=" + request->collection().name(); };
        ALIDADE_ASSIGN_OR_RETURN(const CollectionConfig config,
                                 DecodeCreateCollection(*request, context_.limits()));
        StatusOr<CollectionInfo> made = context_.engine.CreateCollection(config);
        bool existed = false;
        // Whatever refused it (a full disk, say): if it is there already, that is an answer.
        if (!made.ok() && request->allow_existing()) {
          StatusOr<CollectionInfo> present = context_.engine.GetCollection(config.name);
          // Anything else than an equal collection under this very name keeps the first error.
          if (present.ok() && present->config.name == config.name &&
              SameVectorFields(present->config, config)) {
            made = std::move(present);
            existed = true;
          }
        }
        ALIDADE_RETURN_IF_ERROR(made.status());
        EncodeCollection(*made, *response->mutable_collection());
        // Of a collection that was there, any seq from now on covers its creation.
        EncodeCatalogReceipt(existed ? context_.engine.Stats().seq : made->seq,
                             existed,
                             *response->mutable_receipt());
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* CollectionService::GetCollection(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* in,
                                                           grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::GetCollectionRequest, v1::GetCollectionResponse>(
      Method::kGetCollection,
      Lane::kNormal,
      {context, in, out},
      [this](Call& call,
             const v1::GetCollectionRequest* request,
             v1::GetCollectionResponse* response) -> Status {
        call.describe = [request] { return "collection=" + request->collection(); };
        ALIDADE_RETURN_IF_ERROR(CheckName(request->collection(), FieldPath("collection")));
        ALIDADE_RETURN_IF_ERROR(WaitForSeq(context_.engine, request->min_seq(), call.deadline));
        ALIDADE_ASSIGN_OR_RETURN(const CollectionInfo info,
                                 context_.engine.GetCollection(request->collection()));
        EncodeCollection(info, *response->mutable_collection());
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* CollectionService::ListCollections(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* in,
                                                             grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::ListCollectionsRequest, v1::ListCollectionsResponse>(
      Method::kListCollections,
      Lane::kNormal,
      {context, in, out},
      [this](Call& call,
             const v1::ListCollectionsRequest* request,
             v1::ListCollectionsResponse* response) -> Status {
        constexpr char kScope[] = "ListCollections";
        ALIDADE_ASSIGN_OR_RETURN(const std::string after,
                                 ReadPageToken(kScope, request->page_token()));
        ALIDADE_RETURN_IF_ERROR(WaitForSeq(context_.engine, request->min_seq(), call.deadline));
        const uint32_t size =
            ClampPageSize(request->page_size(), kPageSizeDefault, kCatalogPageSizeMax);
        for (const CollectionInfo& info : context_.engine.ListCollections()) {
          if (info.config.name <= after) {
            continue;
          }
          if (static_cast<uint32_t>(response->collections_size()) == size) {
            response->set_next_page_token(
                MakePageToken(kScope, response->collections().rbegin()->name()));
            break;
          }
          EncodeCollection(info, *response->add_collections());
        }
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* CollectionService::UpdateCollection(grpc::CallbackServerContext* context,
                                                              const grpc::ByteBuffer* in,
                                                              grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::UpdateCollectionRequest, v1::UpdateCollectionResponse>(
      Method::kUpdateCollection,
      Lane::kReserved,
      {context, in, out},
      [this](Call& call,
             const v1::UpdateCollectionRequest* request,
             v1::UpdateCollectionResponse* response) -> Status {
        call.describe = [request] { return "collection=" + request->collection().name(); };
        const FieldPath path("collection");
        ALIDADE_RETURN_IF_ERROR(CheckName(request->collection().name(), path.Field("name")));
        ALIDADE_ASSIGN_OR_RETURN(const CollectionInfo current,
                                 context_.engine.GetCollection(request->collection().name()));
        ALIDADE_ASSIGN_OR_RETURN(const CollectionUpdate update,
                                 DecodeUpdateCollection(*request, current, context_.limits()));
        ALIDADE_ASSIGN_OR_RETURN(const CollectionInfo info,
                                 context_.engine.UpdateCollection(update));
        EncodeCollection(info, *response->mutable_collection());
        EncodeCatalogReceipt(info.seq, false, *response->mutable_receipt());
        return OkStatus();
      });
}

template <typename Request, typename Response>
grpc::ServerUnaryReactor* CollectionService::ChangePayloadIndex(Method method,
                                                                const RawUnary& raw,
                                                                bool remove,
                                                                bool (Request::*lenient)() const) {
  return context_.runner.Start<Request, Response>(
      method,
      Lane::kReserved,
      raw,
      [this, remove, lenient](Call& call, const Request* request, Response* response) -> Status {
        call.describe = [request] { return "collection=" + request->collection(); };
        ALIDADE_ASSIGN_OR_RETURN(
            PayloadIndexChange change,
            DecodePayloadIndexChange(
                request->collection(), request->payload_index(), FieldPath("payload_index")));
        change.remove = remove;
        change.lenient = (request->*lenient)();
        ALIDADE_ASSIGN_OR_RETURN(const CollectionInfo info,
                                 context_.engine.ChangePayloadIndex(change));
        EncodeCollection(info, *response->mutable_collection());
        EncodeCatalogReceipt(info.seq, false, *response->mutable_receipt());
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* CollectionService::CreatePayloadIndex(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* in, grpc::ByteBuffer* out) {
  return ChangePayloadIndex<v1::CreatePayloadIndexRequest, v1::CreatePayloadIndexResponse>(
      Method::kCreatePayloadIndex,
      {context, in, out},
      /*remove=*/false,
      &v1::CreatePayloadIndexRequest::allow_existing);
}

grpc::ServerUnaryReactor* CollectionService::DeletePayloadIndex(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* in, grpc::ByteBuffer* out) {
  return ChangePayloadIndex<v1::DeletePayloadIndexRequest, v1::DeletePayloadIndexResponse>(
      Method::kDeletePayloadIndex,
      {context, in, out},
      /*remove=*/true,
      &v1::DeletePayloadIndexRequest::allow_missing);
}

grpc::ServerUnaryReactor* CollectionService::DeleteCollection(grpc::CallbackServerContext* context,
                                                              const grpc::ByteBuffer* in,
                                                              grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::DeleteCollectionRequest, v1::DeleteCollectionResponse>(
      Method::kDeleteCollection,
      Lane::kReserved,
      {context, in, out},
      [this](Call& call,
             const v1::DeleteCollectionRequest* request,
             v1::DeleteCollectionResponse* response) -> Status {
        call.describe = [request] { return "collection=" + request->collection(); };
        ALIDADE_RETURN_IF_ERROR(CheckName(request->collection(), FieldPath("collection")));
        const StatusOr<WriteReceipt> receipt =
            context_.engine.DropCollection(request->collection());
        if (receipt.status().code() == StatusCode::kNotFound && request->allow_missing()) {
          EncodeCatalogReceipt(context_.engine.Stats().seq, true, *response->mutable_receipt());
          return OkStatus();
        }
        ALIDADE_RETURN_IF_ERROR(receipt.status());
        EncodeReceipt(*receipt, *response->mutable_receipt());
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* CollectionService::UpdateAliases(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* in,
                                                           grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::UpdateAliasesRequest, v1::UpdateAliasesResponse>(
      Method::kUpdateAliases,
      Lane::kReserved,
      {context, in, out},
      [this](Call& call,
             const v1::UpdateAliasesRequest* request,
             v1::UpdateAliasesResponse* response) -> Status {
        call.describe = [request] { return fmt::format("actions={}", request->actions_size()); };
        ALIDADE_ASSIGN_OR_RETURN(const std::vector<AliasAction> actions,
                                 DecodeUpdateAliases(*request));
        ALIDADE_ASSIGN_OR_RETURN(const WriteReceipt receipt,
                                 context_.engine.UpdateAliases(actions));
        EncodeReceipt(receipt, *response->mutable_receipt());
        return OkStatus();
      });
}

grpc::ServerUnaryReactor* CollectionService::ListAliases(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* in,
                                                         grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::ListAliasesRequest, v1::ListAliasesResponse>(
      Method::kListAliases,
      Lane::kNormal,
      {context, in, out},
      [this](Call& call,
             const v1::ListAliasesRequest* request,
             v1::ListAliasesResponse* response) -> Status {
        call.describe = [request] { return "collection=" + request->collection(); };
        const std::string scope = "ListAliases/" + request->collection();
        std::string of;  // the name itself, if the request gave an alias
        if (!request->collection().empty()) {
          ALIDADE_RETURN_IF_ERROR(CheckName(request->collection(), FieldPath("collection")));
        }
        ALIDADE_ASSIGN_OR_RETURN(const std::string after,
                                 ReadPageToken(scope, request->page_token()));
        ALIDADE_RETURN_IF_ERROR(WaitForSeq(context_.engine, request->min_seq(), call.deadline));
        if (!request->collection().empty()) {
          ALIDADE_ASSIGN_OR_RETURN(const CollectionInfo info,
                                   context_.engine.GetCollection(request->collection()));
          of = info.config.name;
        }
        const uint32_t size =
            ClampPageSize(request->page_size(), kPageSizeDefault, kCatalogPageSizeMax);
        std::vector<AliasInfo> aliases = context_.engine.ListAliases();
        std::sort(aliases.begin(), aliases.end(), [](const AliasInfo& a, const AliasInfo& b) {
          return a.alias < b.alias;
        });
        for (const AliasInfo& info : aliases) {
          if (info.alias <= after || (!of.empty() && info.collection != of)) {
            continue;
          }
          if (static_cast<uint32_t>(response->aliases_size()) == size) {
            response->set_next_page_token(
                MakePageToken(scope, response->aliases().rbegin()->name()));
            break;
          }
          v1::Alias& alias = *response->add_aliases();
          alias.set_name(info.alias);
          alias.set_collection(info.collection);
        }
        return OkStatus();
      });
}

}  // namespace alidade
