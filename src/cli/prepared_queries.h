// Prepared queries: the lines that lie beside a matrix of query vectors, and answers as text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "alidade/common/status.h"

namespace alidade {

// The lines of the .jsonl beside the matrix `vectors` ("x/queries.f16.npy": "x/queries.jsonl"), one
// for each of its rows: objects with "text" (a string), "filter" and "exact" (a bool), each of
// which may be missing. INVALID_ARGUMENT names the file and the line.
StatusOr<std::vector<nlohmann::json>> ReadPreparedLines(const std::string& vectors, uint64_t rows);

// One query with its answer, as text.
struct QueryAnswer {
  std::string question;
  double seconds = 0;
  std::vector<std::vector<std::string>> hits;  // the shown keys of each hit
  std::vector<float> scores;
};

// What is asked: the text, the filter, whether exactly.
std::string QuestionText(const nlohmann::json& line);
// A table of all hits, each key in a column of one width.
std::string AnswersText(const std::vector<QueryAnswer>& answers, size_t columns);

}  // namespace alidade
