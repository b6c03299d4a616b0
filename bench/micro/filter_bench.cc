// filter_bench: rows a second that a filter looks at, over the payloads of a data set in memory,
// one thread; and what compiling it takes.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/compiled_filter.h"
#include "alidade/filter/filter_text.h"

#include "bench_report.h"
#include "exit_code.h"
#include "load.h"
#include "real_vectors.h"
#include "spread.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

struct Options {
  std::string dataset = DefaultDatasetPath();
  std::vector<std::string> filters = {
      R"(pos = "noun")",
      R"(gone = "noun")",
      "length < 60",
      R"(pos = "verb" AND length < 60)",
      R"(pos IN ["verb", "adjective"] AND 20 <= length < 60 AND NOT lexname = "verb.social")",
      R"(words = "sea")",
      R"(contains_all(words, ["object", "physical object"]))",
      "count(words) >= 3",
      R"(starts_with(lexname, "noun."))",
      R"(contains(word, "sea"))",
      R"(icontains(word, "SEA"))",
      "datetime(word) >= \"2024-01-01\""};
  uint32_t rounds = 9;
  std::string json;
};

// The values of payloads that the data sets have.
Value ToValue(const Json& json) {
  if (json.is_string()) {
    return Value(json.get<std::string>());
  }
  if (json.is_boolean()) {
    return Value(json.get<bool>());
  }
  if (json.is_number_integer()) {
    return Value(json.get<int64_t>());
  }
  if (json.is_number()) {
    return Value(json.get<double>());
  }
  List list;
  for (const Json& element : json) {
    list.push_back(ToValue(element));
  }
  return json.is_array() ? Value(std::move(list)) : Value();
}

// As a segment holds them: one after the other.
struct Payloads {
  std::string bytes;
  std::vector<size_t> ends;

  std::string_view Row(size_t row) const {
    const size_t begin = row == 0 ? 0 : ends[row - 1];
    return std::string_view(bytes).substr(begin, ends[row] - begin);
  }
};

StatusOr<Payloads> ReadPayloads(const std::string& path) {
  std::ifstream file(path);
  Payloads payloads;
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("payload")) {
      return InvalidArgument("{} has a line without a payload", path);
    }
    Object object;
    for (const auto& [key, value] : json["payload"].items()) {
      object.emplace(key, ToValue(value));
    }
    EncodeObject(object, payloads.bytes);
    payloads.ends.push_back(payloads.bytes.size());
  }
  if (payloads.ends.empty()) {
    return NotFound("{} is not there or empty", path);
  }
  return payloads;
}

Status Run(const Options& options) {
  ALIDADE_ASSIGN_OR_RETURN(const Payloads payloads, ReadPayloads(options.dataset + "/base.jsonl"));
  const size_t rows = payloads.ends.size();
  std::printf("%zu payloads, %zu bytes each\n", rows, payloads.bytes.size() / rows);
  Json report = {{"machine", MachineJson()}, {"payloads", rows}};
  for (const std::string& text : options.filters) {
    ALIDADE_ASSIGN_OR_RETURN(const Filter filter, ParseFilterText(text));
    std::vector<double> rates;
    std::vector<double> compiling;
    size_t matched = 0;
    for (uint32_t round = 0; round < options.rounds; ++round) {
      const double start = NowSeconds();
      ALIDADE_ASSIGN_OR_RETURN(const CompiledFilter compiled,
                               CompiledFilter::Make(filter, {}, "filter"));
      const double begin = NowSeconds();
      matched = 0;
      for (size_t row = 0; row < rows; ++row) {
        matched += compiled.Matches({.payload = payloads.Row(row)}) ? size_t{1} : size_t{0};
      }
      rates.push_back(static_cast<double>(rows) / (NowSeconds() - begin) / 1e6);
      compiling.push_back((begin - start) * 1e6);
    }
    const Spread rate = SpreadOf(rates);
    std::printf("%7.1f M rows/s (%.1f .. %.1f)  %6.2f %% match  %5.1f us to compile  %s\n",
                rate.median,
                rate.least,
                rate.most,
                100.0 * static_cast<double>(matched) / static_cast<double>(rows),
                SpreadOf(compiling).median,
                text.c_str());
    report["filters"].push_back({{"filter", text}, {"million_rows_per_second", rate.median}});
  }
  return WriteReport(options.json, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  alidade::Options options;
  CLI::App app("Rows a second that a filter looks at");
  app.add_option("dataset", options.dataset, "A set made by bench/datasets")->capture_default_str();
  app.add_option("--filter", options.filters, "Filters, in their text form");
  app.add_option("--rounds", options.rounds, "Times each is measured")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  CLI11_PARSE(app, argc, argv);
  return alidade::ExitCode(alidade::Run(options));
}
