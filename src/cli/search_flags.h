// SearchFlags: a search as the command line gives it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alidade/v1/search.pb.h"

#include "alidade/common/status.h"

namespace CLI {
class App;
}

namespace alidade {

struct SearchFlags {
  std::string collection;
  // What to look for; several of them are fused.
  std::string id;
  std::string vector;  // JSON list
  std::string file;    // matrix file
  uint64_t row = 0;
  std::vector<std::string> positive;
  std::vector<std::string> negative;
  std::string sparse;  // JSON object
  std::string sparse_field;
  std::string text;
  std::string text_key;
  std::string field;
  // How several are fused.
  std::string fusion = "rrf";
  std::vector<double> weights;
  uint32_t branch_limit = 0;
  // What follows.
  std::vector<std::string> boosts;  // WEIGHT:FILTER
  std::string recency;              // KEY:SECONDS[:WEIGHT]
  std::optional<double> diversity;
  uint32_t candidates = 0;
  std::string group_by;
  uint32_t group_size = 1;
  std::optional<std::string> cursor;

  uint32_t k = 10;
  uint32_t ef = 0;
  uint32_t nprobe = 0;
  double recall_target = 0;
  bool exact = false;
  bool explain = false;
  bool score_parts = false;
  std::string filter;
  std::vector<std::string> why_not;
  std::vector<std::string> keys;
  std::optional<float> score_threshold;
  std::optional<float> score_ceiling;
};

void AddSearchFlags(CLI::App& command, SearchFlags& flags);

// Errors: INVALID_ARGUMENT naming the flag; those of a matrix file.
StatusOr<v1::SearchRequest> MakeSearchRequest(const SearchFlags& flags);

// Sets a vector in its packed form.
void SetPacked(const float* vector, size_t dim, v1::Vector& out);

}  // namespace alidade
