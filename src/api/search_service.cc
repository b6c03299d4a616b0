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

SearchCost CostOf(const v1::SearchResponse& response) {
  SearchCost cost;
  for (const v1::QueryResult& result : response.results()) {
    ++cost.queries;
    cost.exact += static_cast<uint64_t>(result.stats().exact());
    cost.distance_computations += result.stats().distance_computations();
    cost.rows_scanned += result.stats().rows_scanned();
  }
  return cost;
}

// What was asked, and what it cost as far as it was answered.
std::string DescribeCall(const v1::SearchRequest& request, const v1::SearchResponse& response) {
  const SearchCost cost = CostOf(response);
  return fmt::format("{} distances={} rows_scanned={} answered={} exactly={}",
                     DescribeRequest(request),
                     cost.distance_computations,
                     cost.rows_scanned,
                     cost.queries,
                     cost.exact);
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
        call.describe = [request, response] { return DescribeCall(*request, *response); };
        ALIDADE_ASSIGN_OR_RETURN(SearchRequest decoded,
                                 DecodeSearch(*request, context_.limits(), call.deadline));
        for (SearchQuery& query : decoded.queries) {
          ALIDADE_RETURN_IF_ERROR(
              ResolveAllVectors(context_.engine, decoded.collection, query.vectors));
        }
        ALIDADE_ASSIGN_OR_RETURN(const SearchResponse found, context_.engine.Search(decoded));
        EncodeSearch(*request, found, *response);
        context_.runner.ObserveSearch(CostOf(*response));
        return OkStatus();
      });
}

}  // namespace alidade
