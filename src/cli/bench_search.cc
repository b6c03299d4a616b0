#include "bench_search.h"

#include <algorithm>

namespace alidade {

std::vector<v1::SearchRequest> BenchSearch::MakeCalls(const SearchSetting& setting,
                                                      bool exact) const {
  v1::SearchRequest common;
  common.set_collection(collection_);
  common.set_vector_field(field_);
  common.set_k(options_.k);
  common.mutable_params()->set_ef(setting.ef);
  common.mutable_params()->set_nprobe(setting.nprobe);
  common.mutable_params()->set_recall_target(setting.recall_target);
  common.mutable_params()->set_exact(exact);
  common.mutable_payload()->set_all(false);
  std::vector<v1::SearchRequest> calls;
  for (uint64_t i = 0; i < dataset_.query_count; ++i) {
    if (i % options_.queries_per_call == 0) {
      calls.push_back(common);
    }
    calls.back().add_queries()->mutable_vector()->set_packed(std::string(
        reinterpret_cast<const char*>(dataset_.Query(i)), dataset_.dim * sizeof(float)));
  }
  return calls;
}

Status BenchSearch::Ask(const std::vector<v1::SearchRequest>& calls,
                        std::vector<std::vector<float>>& distances) const {
  const auto stub = v1::SearchService::NewStub(Connect(connection_));
  for (const v1::SearchRequest& call : calls) {
    v1::SearchResponse response;
    grpc::ClientContext context;
    SetDeadline(context, connection_);
    ALIDADE_RETURN_IF_ERROR(FromGrpc(stub->Search(&context, call, &response)));
    if (response.results_size() != call.queries_size()) {
      return Internal("{} answers to {} queries", response.results_size(), call.queries_size());
    }
    for (const v1::QueryResult& result : response.results()) {
      std::vector<float>& hits = distances.emplace_back();
      for (const v1::Hit& hit : result.hits()) {
        hits.push_back(hit.distance());
      }
    }
  }
  return OkStatus();
}

Status BenchSearch::AskTruth() {
  std::vector<std::vector<float>> distances;
  ALIDADE_RETURN_IF_ERROR(Ask(MakeCalls({}, /*exact=*/true), distances));
  dataset_.distances.clear();
  for (const std::vector<float>& hits : distances) {
    if (hits.size() != options_.k) {
      return FailedPrecondition("exact search gives {} hits of {}: too few points to count recall",
                                hits.size(),
                                options_.k);
    }
    dataset_.distances.insert(dataset_.distances.end(), hits.begin(), hits.end());
  }
  dataset_.depth = options_.k;
  return OkStatus();
}

StatusOr<SearchFigures> BenchSearch::Measure(const SearchSetting& setting) const {
  const std::vector<v1::SearchRequest> calls = MakeCalls(setting, options_.exact);
  SearchFigures figures;
  std::vector<std::vector<float>> distances;
  ALIDADE_RETURN_IF_ERROR(Ask(calls, distances));
  uint64_t near = 0;
  for (uint64_t i = 0; i < distances.size(); ++i) {
    near += CountNear(distances[i], dataset_.KthDistance(i, options_.k));
  }
  figures.recall =
      static_cast<double>(near) / static_cast<double>(dataset_.query_count * options_.k);
  ALIDADE_RETURN_IF_ERROR(Send(calls, setting.clients, options_.seconds, figures));
  return figures;
}

Status BenchSearch::Load(const SearchSetting& setting,
                         double seconds,
                         SearchFigures& figures) const {
  return Send(MakeCalls(setting, options_.exact), setting.clients, seconds, figures);
}

Status BenchSearch::Send(const std::vector<v1::SearchRequest>& calls,
                         int clients,
                         double seconds,
                         SearchFigures& figures) const {
  SearchLoad load(connection_,
                  {.style = options_.style,
                   .in_flight = clients,
                   .connections = options_.connections,
                   .seconds = seconds},
                  calls);
  return load.Run(options_.server_pid, figures);
}

}  // namespace alidade
