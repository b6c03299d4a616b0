// alidade search, alidade recall
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "client_commands.h"
#include "dataset.h"
#include "filter_message.h"
#include "json_value.h"
#include "load.h"
#include "vector_file.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;

struct SearchFlags {
  ConnectionOptions connection;
  std::string collection;
  std::string field;
  std::string id;
  std::string vector;  // JSON list
  std::string file;    // matrix file
  std::string words;
  std::string text_key;
  uint64_t row = 0;
  uint32_t k = 10;
  uint32_t ef = 0;
  uint32_t nprobe = 0;
  double recall_target = 0;
  bool exact = false;
  bool explain = false;
  bool json = false;
  std::string filter;
  std::vector<std::string> keys;
  CLI::Option* threshold_given = nullptr;
  float threshold = 0;
};

void SetPacked(const float* vector, size_t dim, v1::Vector& out) {
  out.set_packed(std::string(reinterpret_cast<const char*>(vector), dim * sizeof(float)));
}

StatusOr<std::vector<float>> ParseVector(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) {
    return InvalidArgument("--vector wants a JSON list of numbers");
  }
  std::vector<float> vector;
  for (const auto& element : json) {
    if (!element.is_number()) {
      return InvalidArgument("--vector wants a JSON list of numbers");
    }
    vector.push_back(element.get<float>());
  }
  return vector;
}

Status SetTarget(const SearchFlags& flags, v1::Query& query) {
  if (!flags.id.empty()) {
    *query.mutable_point_id() = ParsePointId(flags.id);
    return OkStatus();
  }
  if (!flags.words.empty()) {
    query.mutable_words()->set_key(flags.text_key);
    query.mutable_words()->set_text(flags.words);
    return OkStatus();
  }
  std::vector<float> vector;
  if (!flags.vector.empty()) {
    ALIDADE_ASSIGN_OR_RETURN(vector, ParseVector(flags.vector));
  } else if (!flags.file.empty()) {
    ALIDADE_ASSIGN_OR_RETURN(const auto file, OpenVectorFile(flags.file, "test"));
    vector.resize(file->dim());
    ALIDADE_RETURN_IF_ERROR(file->Read(flags.row, 1, vector.data()));
  } else {
    return InvalidArgument("what to look for: --id, --vector, --file or --words");
  }
  SetPacked(vector.data(), vector.size(), *query.mutable_vector());
  return OkStatus();
}

void PrintHits(const v1::QueryResult& result) {
  for (int i = 0; i < result.hits_size(); ++i) {
    const v1::Hit& hit = result.hits(i);
    std::printf("%3d  %-12s %8.4f  %s\n",
                i + 1,
                FormatPointId(hit.id()).c_str(),
                static_cast<double>(hit.score()),
                ObjectText(hit.payload()).c_str());
  }
}

int RunSearch(const SearchFlags& flags) {
  v1::SearchRequest request;
  request.set_collection(flags.collection);
  request.set_vector_field(flags.field);
  request.set_k(flags.k);
  request.mutable_params()->set_ef(flags.ef);
  request.mutable_params()->set_nprobe(flags.nprobe);
  request.mutable_params()->set_recall_target(flags.recall_target);
  request.mutable_params()->set_exact(flags.exact);
  request.set_explain(flags.explain);
  for (const std::string& key : flags.keys) {
    request.mutable_payload()->mutable_include()->add_keys(key);
  }
  Status status = SetTarget(flags, *request.add_queries());
  if (status.ok() && !flags.filter.empty()) {
    status = ParseFilter(flags.filter, *request.mutable_filter());
  }
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", MessageOf(status).c_str());
    return 64;
  }
  if (flags.threshold_given->count() > 0) {
    request.set_score_threshold(flags.threshold);
  }
  v1::SearchResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const double start = NowSeconds();
  const grpc::Status answer =
      v1::SearchService::NewStub(Connect(flags.connection))->Search(&context, request, &response);
  const double seconds = NowSeconds() - start;
  if (!answer.ok()) {
    return PrintError(answer, flags.connection);
  }
  if (flags.json) {
    PrintJson(response);
    return 0;
  }
  const v1::QueryResult& result = response.results(0);
  PrintHits(result);
  std::printf("%d hits in %.1f ms, %lu distances, %s ranking\n",
              result.hits_size(),
              seconds * 1e3,
              result.stats().distance_computations(),
              result.stats().exact() ? "exact" : "approximate");
  if (flags.explain) {
    std::printf("%s\n", result.stats().plan().c_str());
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
  auto flags = std::make_shared<SearchFlags>();
  CLI::App* search = app.add_subcommand(
      "search", "Find the points nearest to a vector or to a stored point, or with some words");
  AddConnectionFlags(*search, flags->connection);
  search->add_option("collection", flags->collection, "Collection or alias")->required();
  search->add_option("--field", flags->field, "Vector field (default: the only one)");
  CLI::Option* id = search->add_option(
      "--id", flags->id, "Near this stored point (text:42 is the string \"42\")");
  CLI::Option* vector =
      search->add_option("--vector", flags->vector, "Near this vector, a JSON list")->excludes(id);
  search->add_option("--file", flags->file, "Near a row of this .npy, .fvecs or .hdf5 file")
      ->excludes(id)
      ->excludes(vector);
  CLI::Option* words = search->add_option(
      "--words", flags->words, "With some of these words at --text-key, ranked by BM25");
  CLI::Option* text_key =
      search->add_option("--text-key", flags->text_key, "Payload key with a text index");
  words->needs(text_key)->excludes(id)->excludes(vector)->excludes(search->get_option("--file"));
  text_key->needs(words);
  search->add_option("--row", flags->row, "The row of --file")->capture_default_str();
  search->add_option("-k", flags->k, "Hits")->capture_default_str();
  search->add_option("--ef", flags->ef, "HNSW candidates (0: the collection's default)");
  search->add_option("--nprobe", flags->nprobe, "IVF lists (0: the collection's default)");
  search->add_option("--recall-target",
                     flags->recall_target,
                     "Recall wanted, 0..1: the server chooses ef or nprobe for it");
  search->add_flag("--exact", flags->exact, "Compare with every point");
  search->add_option(
      "--filter",
      flags->filter,
      "Only points for which this holds, e.g. 'pos = \"noun\" AND length < 60 AND NOT "
      "exists(deleted)'");
  flags->threshold_given = search->add_option(
      "--score-threshold", flags->threshold, "Only hits with at least this score");
  search->add_option("--keys", flags->keys, "Payload keys to show (default: all)")->delimiter(',');
  search->add_flag("--explain", flags->explain, "Show the plan");
  search->add_flag("--json", flags->json, "Print the whole answer as JSON");
  search->callback([flags, &exit_code] { exit_code = RunSearch(*flags); });

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
