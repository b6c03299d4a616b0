// alidade query-file: prepared queries with texts, as in bench/datasets/wordnet5k
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "alidade/v1/search.grpc.pb.h"

#include "client_commands.h"
#include "connection.h"
#include "json_value.h"
#include "load.h"
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

// One query with its answer, as text.
struct Answer {
  std::string question;
  double seconds = 0;
  std::vector<std::vector<std::string>> hits;  // the shown keys of each hit
  std::vector<float> scores;
};

// {"equals": {"pos": "verb"}} as "pos = verb", {"range": {"key": "length", "lt": 60}} as
// "length < 60", anything else as the JSON it is.
std::string FilterText(const Json& filter) {
  if (filter.size() != 1) {
    return filter.dump();
  }
  const std::string& kind = filter.begin().key();
  const Json& body = filter.begin().value();
  std::string text;
  const auto add = [&text](const std::string& key, const char* sign, const Json& value) {
    text += fmt::format("{}{} {} {}",
                        text.empty() ? "" : " and ",
                        key,
                        sign,
                        value.is_string() ? value.get<std::string>() : value.dump());
  };
  if (kind == "equals" && body.is_object()) {
    for (const auto& [key, value] : body.items()) {
      add(key, "=", value);
    }
  } else if (kind == "range" && body.is_object() && body.contains("key") &&
             body["key"].is_string()) {
    for (const auto& [name, sign] :
         {std::pair("gt", ">"), {"gte", ">="}, {"lt", "<"}, {"lte", "<="}}) {
      if (body.contains(name)) {
        add(body["key"].get<std::string>(), sign, body[name]);
      }
    }
  }
  return text.empty() ? filter.dump() : text;
}

std::string QuestionText(const Json& line) {
  std::string text = fmt::format("\"{}\"", line.value("text", ""));
  if (line.contains("filter")) {
    text += ", only " + FilterText(line["filter"]);
  }
  return line.value("exact", false) ? text + ", exact" : text;
}

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
                 Answer& answer) {
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

// One width for each column over all answers. Counts bytes, which is enough for ASCII.
void Print(const std::vector<Answer>& answers, size_t columns) {
  std::vector<size_t> widths(columns, 0);
  size_t question_width = 0;
  for (const Answer& answer : answers) {
    question_width = std::max(question_width, answer.question.size());
    for (const auto& hit : answer.hits) {
      for (size_t i = 0; i < columns; ++i) {
        widths[i] = std::max(widths[i], hit[i].size());
      }
    }
  }
  for (const Answer& answer : answers) {
    fmt::print("{:<{}}  {:6.1f} ms\n", answer.question, question_width, answer.seconds * 1e3);
    for (size_t h = 0; h < answer.hits.size(); ++h) {
      std::string line = "  ";
      for (size_t i = 0; i < columns; ++i) {
        line += fmt::format("  {:<{}}", answer.hits[h][i], widths[i]);
      }
      fmt::print("{}  {:6.3f}\n", line, answer.scores[h]);
    }
  }
}

StatusOr<std::vector<Json>> ReadLines(const std::string& vectors, uint64_t rows) {
  const size_t slash = vectors.find_last_of('/');
  const size_t dot = vectors.find('.', slash == std::string::npos ? 0 : slash + 1);
  const std::string path = vectors.substr(0, dot) + ".jsonl";
  std::ifstream file(path);
  std::vector<Json> lines;
  std::string text;
  while (lines.size() < rows && std::getline(file, text)) {
    lines.push_back(Json::parse(text, nullptr, /*allow_exceptions=*/false));
    if (!lines.back().is_object()) {
      return InvalidArgument("{}: line {} is no JSON object", path, lines.size());
    }
  }
  if (lines.size() != rows) {
    return InvalidArgument("{}: {} lines for {} rows", path, lines.size(), rows);
  }
  return lines;
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
  const auto lines = ReadLines(flags.vectors, (*file)->rows());
  if (!lines.ok()) {
    return Refuse(lines.status());
  }
  std::vector<uint64_t> rows = flags.rows;
  for (uint64_t row = 0; flags.rows.empty() && row < lines->size(); ++row) {
    rows.push_back(row);
  }
  const auto stub = v1::SearchService::NewStub(Connect(flags.connection));
  std::vector<Answer> answers;
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
  Print(answers, flags.show.size());
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
