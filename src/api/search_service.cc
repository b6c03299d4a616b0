#include "search_service.h"

#include "search_codec.h"

namespace alidade {
namespace {

std::string DescribeRequest(const v1::SearchRequest& request) {
  return fmt::format(
      "collection={} queries={} k={} ef={} nprobe={} recall_target={} exact={} filtered={}",
      request.collection(),
      request.queries_size(),
      request.k(),
      request.params().ef(),
      request.params().nprobe(),
      request.params().recall_target(),
      request.params().exact(),
      request.has_filter());
}

}  // namespace

grpc::ServerUnaryReactor* SearchService::Search(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* in,
                                                grpc::ByteBuffer* out) {
  return context_.runner.Start<v1::SearchRequest, v1::SearchResponse>(
      Method::kSearch,
      Lane::kNormal,
      {context, in, out},
      [this](Call& call, const v1::SearchRequest* request, v1::SearchResponse* response) -> Status {
        call.describe = [request] { return DescribeRequest(*request); };
        ALIDADE_ASSIGN_OR_RETURN(SearchRequest decoded,
                                 DecodeSearch(*request, context_.limits(), call.deadline));
        for (SearchQuery& query : decoded.queries) {
          ALIDADE_RETURN_IF_ERROR(
              ResolveAllVectors(context_.engine, decoded.collection, query.vectors));
        }
        ALIDADE_ASSIGN_OR_RETURN(const SearchResponse found, context_.engine.Search(decoded));
        EncodeSearch(*request, found, *response);
        return OkStatus();
      });
}

}  // namespace alidade
