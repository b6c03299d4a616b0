// alidade query-file: prepared queries with texts, as in bench/datasets/wordnet5k
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "alidade/v1/search.grpc.pb.h"

#include "client_commands.h"
#include "connection.h"
#include "json_value.h"
#include "load.h"
#include "prepared_queries.h"
#include "vector_file.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;
using Json = nlohmann::json;

struct QueryFileFlags {
  ConnectionOptions connection;
  std::string vectors;
  std::string collection;
  std::vector<std::string> show = {"word"};
  std::vector<uint64_t> rows;  // empty: all
  uint32_t k = 5;
};

std::vector<std::string> ShownKeys(const QueryFileFlags& flags, const v1::Hit& hit) {
  std::vector<std::string> texts;
  for (const std::string& key : flags.show) {
    const auto value = hit.payload().fields().find(key);
    texts.push_back(value == hit.payload().fields().end() ? "-"
                    : value->second.has_string_value()    ? value->second.string_value()
                                                          : ValueText(value->second));
  }
  return texts;
}

StatusOr<v1::SearchRequest> PreparedQuery(const QueryFileFlags& flags,
                                          const Json& line,
                                          VectorFile& file,
                                          uint64_t row) {
  v1::SearchRequest request;
  request.set_collection(flags.collection);
  request.set_k(flags.k);
  for (const std::string& key : flags.show) {
    request.mutable_payload()->mutable_include()->add_keys(key);
  }
  request.mutable_params()->set_exact(line.value("exact", false));
  if (line.contains("filter")) {
    ALIDADE_RETURN_IF_ERROR(JsonToFilter(line["filter"], *request.mutable_filter()));
  }
  std::vector<float> vector(file.dim());
  ALIDADE_RETURN_IF_ERROR(file.Read(row, 1, vector.data()));
  request.add_queries()->mutable_vector()->set_packed(
      std::string(reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)));
  return request;
}

grpc::Status Ask(const QueryFileFlags& flags,
                 v1::SearchService::Stub& stub,
                 const v1::SearchRequest& request,
                 QueryAnswer& answer) {
  v1::SearchResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const double start = NowSeconds();
  grpc::Status status = stub.Search(&context, request, &response);
  answer.seconds = NowSeconds() - start;
  if (status.ok()) {
    for (const v1::Hit& hit : response.results(0).hits()) {
      answer.hits.push_back(ShownKeys(flags, hit));
      answer.scores.push_back(hit.score());
    }
  }
  return status;
}

int Refuse(const Status& status) {
  std::fprintf(stderr, "%s\n", MessageOf(status).c_str());
  return 64;
}

int RunQueryFile(const QueryFileFlags& flags) {
  const auto file = OpenVectorFile(flags.vectors, "test");
  if (!file.ok()) {
    return Refuse(file.status());
  }
  const auto lines = ReadPreparedLines(flags.vectors, (*file)->rows());
  if (!lines.ok()) {
    return Refuse(lines.status());
  }
  std::vector<uint64_t> rows = flags.rows;
  for (uint64_t row = 0; flags.rows.empty() && row < lines->size(); ++row) {
    rows.push_back(row);
  }
  const auto stub = v1::SearchService::NewStub(Connect(flags.connection));
  std::vector<QueryAnswer> answers;
  for (const uint64_t row : rows) {
    if (row >= lines->size()) {
      return Refuse(InvalidArgument("row {}: there are {} rows", row, lines->size()));
    }
    const Json& line = (*lines)[row];
    const auto request = PreparedQuery(flags, line, **file, row);
    if (!request.ok()) {
      return Refuse(request.status());
    }
    answers.push_back({.question = QuestionText(line), .seconds = 0, .hits = {}, .scores = {}});
    if (const grpc::Status status = Ask(flags, *stub, *request, answers.back()); !status.ok()) {
      return PrintError(status, flags.connection);
    }
  }
  fmt::print("{}", AnswersText(answers, flags.show.size()));
  return 0;
}

}  // namespace

void AddQueryFileCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<QueryFileFlags>();
  CLI::App* command =
      app.add_subcommand("query-file", "Run prepared queries: a matrix and a .jsonl beside it");
  AddConnectionFlags(*command, flags->connection);
  command->add_option("file", flags->vectors, "Query vectors")->required();
  command->add_option("--collection", flags->collection, "Collection or alias")->required();
  command->add_option("--show", flags->show, "Payload keys to print of a hit, a list")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--rows", flags->rows, "Only these rows, a list (default: all)")
      ->delimiter(',');
  command->add_option("-k", flags->k, "Hits")->capture_default_str();
  command->callback([flags, &exit_code] { exit_code = RunQueryFile(*flags); });
}

}  // namespace alidade
