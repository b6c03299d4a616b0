// alidade search, alidade recall
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <google/protobuf/util/json_util.h>

#include "alidade/common/file.h"

#include "client_commands.h"
#include "dataset.h"
#include "json_value.h"
#include "load.h"
#include "search_flags.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;

struct SearchCommand {
  ConnectionOptions connection;
  SearchFlags flags;
  std::string request;  // file: instead of the flags
  bool json = false;
};

StatusOr<v1::SearchRequest> ReadRequest(const std::string& path, const std::string& collection) {
  ALIDADE_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
  v1::SearchRequest request;
  const auto parsed = google::protobuf::util::JsonStringToMessage(text, &request);
  if (!parsed.ok()) {
    return InvalidArgument("{} is no SearchRequest: {}", path, std::string(parsed.message()));
  }
  request.set_collection(collection);
  return request;
}

void PrintHit(int place, const v1::Hit& hit, const char* indent) {
  std::printf("%s%3d  %-12s %8.4f  %s\n",
              indent,
              place,
              FormatPointId(hit.id()).c_str(),
              static_cast<double>(hit.score()),
              ObjectText(hit.payload()).c_str());
  for (const v1::ScorePart& part : hit.score_parts()) {
    std::printf("%s       %s: place %u, score %.4f\n",
                indent,
                part.source().c_str(),
                part.rank(),
                part.score());
  }
}

void PrintResult(const v1::QueryResult& result) {
  for (int i = 0; i < result.hits_size(); ++i) {
    PrintHit(i + 1, result.hits(i), "");
  }
  for (const v1::HitGroup& group : result.groups()) {
    std::printf("%s\n", ValueText(group.value()).c_str());
    for (int i = 0; i < group.hits_size(); ++i) {
      PrintHit(i + 1, group.hits(i), "  ");
    }
  }
}

int RunSearch(const SearchCommand& command) {
  const auto request = command.request.empty()
                           ? MakeSearchRequest(command.flags)
                           : ReadRequest(command.request, command.flags.collection);
  if (!request.ok()) {
    std::fprintf(stderr, "%s\n", MessageOf(request.status()).c_str());
    return 64;
  }
  v1::SearchResponse response;
  grpc::ClientContext context;
  SetDeadline(context, command.connection);
  const double start = NowSeconds();
  const grpc::Status answer = v1::SearchService::NewStub(Connect(command.connection))
                                  ->Search(&context, *request, &response);
  const double seconds = NowSeconds() - start;
  if (!answer.ok()) {
    return PrintError(answer, command.connection);
  }
  if (command.json) {
    PrintJson(response);
    return 0;
  }
  for (const v1::QueryResult& result : response.results()) {
    PrintResult(result);
    std::printf("%d %s in %.1f ms, %lu distances, %s ranking\n",
                request->has_group_by() ? result.groups_size() : result.hits_size(),
                request->has_group_by() ? "groups" : "hits",
                seconds * 1e3,
                result.stats().distance_computations(),
                result.stats().exact() ? "exact" : "approximate");
    for (const v1::WhyNot& loss : result.why_not()) {
      std::printf("%s: %s, %s\n",
                  FormatPointId(loss.id()).c_str(),
                  v1::LossStage_Name(loss.stage()).c_str(),
                  loss.detail().c_str());
    }
    if (!result.next_cursor().empty()) {
      std::printf("more with --cursor %s\n", result.next_cursor().c_str());
    }
    if (!result.stats().plan().empty()) {
      std::printf("%s\n", result.stats().plan().c_str());
      const v1::StageSeconds& took = result.stats().seconds();
      std::printf("filter %.3f ms, search %.3f ms, rerank %.3f ms, fetch %.3f ms\n",
                  took.filter() * 1e3,
                  took.search() * 1e3,
                  took.rerank() * 1e3,
                  took.fetch() * 1e3);
    }
  }
  return 0;
}

// ---- recall: approximate answers against exact ones of the same server ----

struct RecallFlags {
  ConnectionOptions connection;
  std::string dataset;
  std::string collection;
  uint32_t k = 10;
  uint32_t ef = 0;
};

struct RecallAnswer {
  std::vector<float> distances;
  double seconds = 0;
};

grpc::Status Ask(const RecallFlags& flags,
                 v1::SearchService::Stub& stub,
                 const float* vector,
                 size_t dim,
                 bool exact,
                 RecallAnswer& answer) {
  v1::SearchRequest request;
  request.set_collection(flags.collection);
  request.set_k(flags.k);
  request.mutable_payload()->set_all(false);
  request.mutable_params()->set_exact(exact);
  request.mutable_params()->set_ef(exact ? 0 : flags.ef);
  SetPacked(vector, dim, *request.add_queries()->mutable_vector());
  v1::SearchResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const double start = NowSeconds();
  grpc::Status status = stub.Search(&context, request, &response);
  answer.seconds = NowSeconds() - start;
  answer.distances.clear();
  for (int i = 0; status.ok() && i < response.results(0).hits_size(); ++i) {
    answer.distances.push_back(response.results(0).hits(i).distance());
  }
  return status;
}

int RunRecall(const RecallFlags& flags) {
  const auto dataset = OpenDataset(flags.dataset);
  if (!dataset.ok()) {
    std::fprintf(stderr, "%s\n", MessageOf(dataset.status()).c_str());
    return 64;
  }
  const auto stub = v1::SearchService::NewStub(Connect(flags.connection));
  Latencies approximate;
  Latencies exact;
  uint64_t near = 0;
  uint64_t wanted = 0;
  for (uint64_t i = 0; i < dataset->query_count; ++i) {
    RecallAnswer truth;
    RecallAnswer found;
    grpc::Status status = Ask(flags, *stub, dataset->Query(i), dataset->dim, true, truth);
    exact.Add(truth.seconds);
    if (status.ok()) {
      status = Ask(flags, *stub, dataset->Query(i), dataset->dim, false, found);
      approximate.Add(found.seconds);
    }
    if (!status.ok()) {
      return PrintError(status, flags.connection);
    }
    if (!truth.distances.empty()) {
      near += CountNear(found.distances, truth.distances.back());
      wanted += truth.distances.size();
    }
  }
  const double recall = wanted == 0 ? 1 : static_cast<double>(near) / static_cast<double>(wanted);
  std::printf("recall@%u %.4f over %lu queries (against exact search)\n",
              flags.k,
              recall,
              dataset->query_count);
  std::printf(
      "latency, one client: index p50 %.2f ms  p95 %.2f ms  p99 %.2f ms;  exact p50 %.2f ms\n",
      approximate.PercentileMs(0.5),
      approximate.PercentileMs(0.95),
      approximate.PercentileMs(0.99),
      exact.PercentileMs(0.5));
  return 0;
}

}  // namespace

void AddSearchCommands(CLI::App& app, int& exit_code) {
  auto command = std::make_shared<SearchCommand>();
  CLI::App* search = app.add_subcommand(
      "search", "Find the points nearest to a vector or to stored points, or with some words");
  AddConnectionFlags(*search, command->connection);
  AddSearchFlags(*search, command->flags);
  search->add_option("--request",
                     command->request,
                     "A file with a SearchRequest in JSON, instead of the other flags");
  search->add_flag("--json", command->json, "Print the whole answer as JSON");
  search->callback([command, &exit_code] { exit_code = RunSearch(*command); });

  auto measure = std::make_shared<RecallFlags>();
  CLI::App* recall =
      app.add_subcommand("recall", "Measure recall against exact search on the same server");
  AddConnectionFlags(*recall, measure->connection);
  recall->add_option("dataset", measure->dataset, "Directory or HDF5 file with queries")
      ->required();
  recall->add_option("--collection", measure->collection, "Collection or alias")->required();
  recall->add_option("-k", measure->k, "Hits")->capture_default_str();
  recall->add_option("--ef", measure->ef, "HNSW candidates (0: the collection's default)");
  recall->callback([measure, &exit_code] { exit_code = RunRecall(*measure); });
}

}  // namespace alidade
