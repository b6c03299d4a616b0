#include "prepared_queries.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include <fmt/format.h>

namespace alidade {
namespace {

using Json = nlohmann::json;

// {"equals": {"pos": "verb"}} as "pos = verb", {"range": {"key": "length", "lt": 60}} as
// "length < 60", anything else as the JSON it is.
std::string FilterText(const Json& filter) {
  if (!filter.is_object() || filter.size() != 1) {
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

}  // namespace

StatusOr<std::vector<Json>> ReadPreparedLines(const std::string& vectors, uint64_t rows) {
  const size_t slash = vectors.find_last_of('/');
  const size_t dot = vectors.find('.', slash == std::string::npos ? 0 : slash + 1);
  const std::string path = vectors.substr(0, dot) + ".jsonl";
  std::ifstream file(path);
  std::vector<Json> lines;
  std::string text;
  while (lines.size() < rows && std::getline(file, text)) {
    lines.push_back(Json::parse(text, nullptr, /*allow_exceptions=*/false));
    const Json& line = lines.back();
    if (!line.is_object()) {
      return InvalidArgument("{}: line {} is no JSON object", path, lines.size());
    }
    if ((line.contains("text") && !line["text"].is_string()) ||
        (line.contains("exact") && !line["exact"].is_boolean())) {
      return InvalidArgument(
          "{}: line {}: \"text\" is a string and \"exact\" true or false", path, lines.size());
    }
  }
  if (lines.size() != rows) {
    return InvalidArgument("{}: {} lines for {} rows", path, lines.size(), rows);
  }
  return lines;
}

std::string QuestionText(const Json& line) {
  std::string text = fmt::format("\"{}\"", line.value("text", ""));
  if (line.contains("filter")) {
    text += ", only " + FilterText(line["filter"]);
  }
  return line.value("exact", false) ? text + ", exact" : text;
}

// Counts bytes, which is enough for ASCII.
std::string AnswersText(const std::vector<QueryAnswer>& answers, size_t columns) {
  std::vector<size_t> widths(columns, 0);
  size_t question_width = 0;
  for (const QueryAnswer& answer : answers) {
    question_width = std::max(question_width, answer.question.size());
    for (const auto& hit : answer.hits) {
      for (size_t i = 0; i < columns; ++i) {
        widths[i] = std::max(widths[i], hit[i].size());
      }
    }
  }
  std::string text;
  for (const QueryAnswer& answer : answers) {
    text +=
        fmt::format("{:<{}}  {:6.1f} ms\n", answer.question, question_width, answer.seconds * 1e3);
    for (size_t h = 0; h < answer.hits.size(); ++h) {
      std::string line = "  ";
      for (size_t i = 0; i < columns; ++i) {
        line += fmt::format("  {:<{}}", answer.hits[h][i], widths[i]);
      }
      text += fmt::format("{}  {:6.3f}\n", line, answer.scores[h]);
    }
  }
  return text;
}

}  // namespace alidade
