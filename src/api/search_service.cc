#include "search_service.h"

#include "search_codec.h"

namespace alidade {
namespace {

std::string DescribeRequest(const v1::SearchRequest& request) {
  return fmt::format("collection={} queries={} k={} ef={} nprobe={} exact={} filtered={}",
                     request.collection(),
                     request.queries_size(),
                     request.k(),
                     request.params().ef(),
                     request.params().nprobe(),
                     request.params().exact(),
                     request.has_filter());
}

}  // namespace

grpc::Status SearchService::Search(grpc::ServerContext* context,
                                   const v1::SearchRequest* request,
                                   v1::SearchResponse* response) {
  return context_.runner.Run(Method::kSearch, Lane::kNormal, *context, [&](Call& call) -> Status {
    call.describe = [request] { return DescribeRequest(*request); };
    ALIDADE_ASSIGN_OR_RETURN(SearchRequest decoded,
                             DecodeSearch(*request, context_.limits(), call.deadline));
    for (SearchQuery& query : decoded.queries) {
      ALIDADE_RETURN_IF_ERROR(
          ResolveAllVectors(context_.engine, decoded.collection, query.vectors));
    }
    ALIDADE_ASSIGN_OR_RETURN(const SearchResponse found, context_.engine.Search(decoded));
    EncodeSearch(found, *response);
    ALIDADE_RETURN_IF_ERROR(CheckReplySize(*response, context_.limits()));
    return OkStatus();
  });
}

}  // namespace alidade
