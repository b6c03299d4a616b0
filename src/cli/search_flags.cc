#include "search_flags.h"

#include <charconv>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "connection.h"
#include "filter_message.h"
#include "json_value.h"
#include "vector_file.h"

namespace alidade {
namespace {

constexpr double kRecencyWeight = 1;  // default of --recency

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

std::optional<double> ParseNumber(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number)
                                                                  : std::nullopt;
}

// What near which points are looked for, if any.
StatusOr<std::vector<v1::Query>> MakeTargets(const SearchFlags& flags) {
  std::vector<v1::Query> out;
  if (!flags.id.empty()) {
    *out.emplace_back().mutable_point_id() = ParsePointId(flags.id);
  }
  if (!flags.vector.empty()) {
    ALIDADE_ASSIGN_OR_RETURN(const auto vector, ParseVector(flags.vector));
    SetPacked(vector.data(), vector.size(), *out.emplace_back().mutable_vector());
  }
  if (!flags.file.empty()) {
    ALIDADE_ASSIGN_OR_RETURN(const auto file, OpenVectorFile(flags.file, "test"));
    std::vector<float> vector(file->dim());
    ALIDADE_RETURN_IF_ERROR(file->Read(flags.row, 1, vector.data()));
    SetPacked(vector.data(), vector.size(), *out.emplace_back().mutable_vector());
  }
  if (!flags.sparse.empty()) {
    const auto json = nlohmann::json::parse(flags.sparse, nullptr, /*allow_exceptions=*/false);
    if (const Status status = JsonToSparse(json, *out.emplace_back().mutable_sparse());
        !status.ok()) {
      return WithContext(status, "--sparse");
    }
  }
  if (!flags.positive.empty()) {
    v1::RecommendQuery& recommend = *out.emplace_back().mutable_recommend();
    for (const std::string& id : flags.positive) {
      *recommend.add_positive()->mutable_point_id() = ParsePointId(id);
    }
    for (const std::string& id : flags.negative) {
      *recommend.add_negative()->mutable_point_id() = ParsePointId(id);
    }
  }
  if (!flags.text.empty()) {
    v1::WordsQuery& words = *out.emplace_back().mutable_words();
    words.set_key(flags.text_key);
    words.set_text(flags.text);
  }
  if (out.empty()) {
    return InvalidArgument(
        "what to look for: --id, --vector, --file, --sparse, --positive or --text, or several of "
        "them");
  }
  return out;
}

Status SetFusion(const SearchFlags& flags, std::vector<v1::Query> targets, v1::FusionQuery& out) {
  if (!flags.weights.empty() && flags.weights.size() != targets.size()) {
    return InvalidArgument("--weights has {} weights, there are {} things to look for",
                           flags.weights.size(),
                           targets.size());
  }
  if (flags.fusion == "rrf") {
    out.mutable_reciprocal_rank();
  } else {
    out.mutable_weighted_scores()->set_normalization(flags.fusion == "min-max"
                                                         ? v1::SCORE_NORMALIZATION_MIN_MAX
                                                         : v1::SCORE_NORMALIZATION_DISTRIBUTION);
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    v1::FusionBranch& branch = *out.add_branches();
    *branch.mutable_query() = std::move(targets[i]);
    branch.set_limit(flags.branch_limit);
    if (branch.query().has_sparse()) {
      branch.set_vector_field(flags.sparse_field);
    }
    if (!flags.weights.empty()) {
      branch.set_weight(flags.weights[i]);
    }
  }
  return OkStatus();
}

// weight * what is set in the second factor
v1::Expression& AddWeighted(double weight, v1::ExpressionList& sum) {
  v1::ExpressionList& product = *sum.add_expressions()->mutable_product();
  product.add_expressions()->set_constant(weight);
  return *product.add_expressions();
}

Status AddBoost(const std::string& boost, v1::ExpressionList& sum) {
  const size_t colon = boost.find(':');
  const auto weight = ParseNumber(std::string_view(boost).substr(0, colon));
  if (colon == std::string::npos || !weight.has_value()) {
    return InvalidArgument("--boost wants WEIGHT:FILTER, such as '0.2:pos = \"noun\"'");
  }
  return ParseFilter(boost.substr(colon + 1), *AddWeighted(*weight, sum).mutable_condition());
}

// KEY:SECONDS[:WEIGHT]; keys may have colons.
Status AddRecency(const std::string& recency, v1::ExpressionList& sum) {
  std::vector<std::string> parts = CLI::detail::split(recency, ':');
  std::vector<double> numbers;
  while (parts.size() > 1 && numbers.size() < 2) {
    const auto number = ParseNumber(parts.back());
    if (!number.has_value()) {
      break;
    }
    numbers.insert(numbers.begin(), *number);
    parts.pop_back();
  }
  if (numbers.empty()) {
    return InvalidArgument("--recency wants KEY:SECONDS[:WEIGHT], such as published:86400:0.5");
  }
  v1::Decay& decay =
      *AddWeighted(numbers.size() == 2 ? numbers[1] : kRecencyWeight, sum).mutable_decay();
  decay.set_key(fmt::format("{}", fmt::join(parts, ":")));
  decay.set_datetime("now");
  decay.set_scale(numbers[0]);
  return OkStatus();
}

Status AddStages(const SearchFlags& flags, v1::SearchRequest& request) {
  if (!flags.boosts.empty() || !flags.recency.empty()) {
    v1::RerankStage& stage = *request.add_rerank();
    stage.set_candidates(flags.candidates);
    v1::ExpressionList& sum = *stage.mutable_formula()->mutable_expression()->mutable_sum();
    sum.add_expressions()->mutable_score();
    for (const std::string& boost : flags.boosts) {
      ALIDADE_RETURN_IF_ERROR(AddBoost(boost, sum));
    }
    if (!flags.recency.empty()) {
      ALIDADE_RETURN_IF_ERROR(AddRecency(flags.recency, sum));
    }
  }
  if (flags.diversity.has_value()) {
    v1::RerankStage& stage = *request.add_rerank();
    stage.set_candidates(flags.candidates);
    stage.mutable_diversity()->set_lambda(*flags.diversity);
    stage.mutable_diversity()->set_vector_field(flags.field);
  }
  return OkStatus();
}

// What to look for.
void AddTargetFlags(CLI::App& command, SearchFlags& flags) {
  command.add_option("--field", flags.field, "Vector field (default: the only one)");
  command.add_option("--sparse-field", flags.sparse_field, "Sparse field (default: the only one)");
  command.add_option(
      "--sparse", flags.sparse, "Near this sparse vector, e.g. '{\"3\": 0.5, \"70\": 2}'");
  CLI::Option* id =
      command.add_option("--id", flags.id, "Near this stored point (text:42 is the string \"42\")");
  CLI::Option* vector =
      command.add_option("--vector", flags.vector, "Near this vector, a JSON list")->excludes(id);
  CLI::Option* file =
      command.add_option("--file", flags.file, "Near a row of this .npy, .fvecs or .hdf5 file")
          ->excludes(id)
          ->excludes(vector);
  command.add_option("--row", flags.row, "The row of --file")->capture_default_str();
  CLI::Option* positive =
      command.add_option("--positive", flags.positive, "Near these stored points (ids)")
          ->delimiter(',')
          ->excludes(id)
          ->excludes(vector)
          ->excludes(file);
  command.add_option("--negative", flags.negative, "And far from these (ids)")
      ->delimiter(',')
      ->needs(positive);
  CLI::Option* text =
      command.add_option("--text,--words",
                         flags.text,
                         "With some of these words, ranked by BM25; with a vector: both, fused");
  command
      .add_option(
          "--text-key", flags.text_key, "Payload key with a text index (default: the only one)")
      ->needs(text);
}

// How several are fused, and what ranks the hits again.
void AddRankingFlags(CLI::App& command, SearchFlags& flags) {
  command
      .add_option("--fusion",
                  flags.fusion,
                  "How words and vector are fused: by ranks (rrf), or by scores brought to one "
                  "scale (min-max, distribution)")
      ->check(CLI::IsMember({"rrf", "min-max", "distribution"}))
      ->capture_default_str();
  command.add_option("--weights", flags.weights, "Weights of vector and words, e.g. 1,0.5")
      ->delimiter(',');
  command.add_option("--branch-limit",
                     flags.branch_limit,
                     "Hits of each that are fused (0: 100, or k if that is more)");
  command
      .add_option("--boost",
                  flags.boosts,
                  "WEIGHT:FILTER: adds WEIGHT to the score where FILTER holds; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--recency",
                     flags.recency,
                     "KEY:SECONDS[:WEIGHT]: adds WEIGHT (1) to the score of what is dated now at "
                     "KEY, half of it of what is SECONDS old, and so on");
  command.add_option("--diversity",
                     flags.diversity,
                     "Hits that differ (MMR): 1 relevance alone, 0 difference alone");
  command.add_option("--candidates",
                     flags.candidates,
                     "Hits that --boost, --recency and --diversity choose from (0: 100, or 5 k if "
                     "that is more)");
}

}  // namespace

void SetPacked(const float* vector, size_t dim, v1::Vector& out) {
  out.set_packed(std::string(reinterpret_cast<const char*>(vector), dim * sizeof(float)));
}

StatusOr<v1::SearchRequest> MakeSearchRequest(const SearchFlags& flags) {
  v1::SearchRequest request;
  request.set_collection(flags.collection);
  request.set_vector_field(flags.field);
  request.set_k(flags.k);
  request.mutable_params()->set_ef(flags.ef);
  request.mutable_params()->set_nprobe(flags.nprobe);
  request.mutable_params()->set_recall_target(flags.recall_target);
  request.mutable_params()->set_exact(flags.exact);
  request.set_explain(flags.explain);
  request.set_with_score_parts(flags.score_parts);
  for (const std::string& id : flags.why_not) {
    *request.add_why_not() = ParsePointId(id);
  }
  for (const std::string& key : flags.keys) {
    request.mutable_payload()->mutable_include()->add_keys(key);
  }
  if (!flags.filter.empty()) {
    ALIDADE_RETURN_IF_ERROR(ParseFilter(flags.filter, *request.mutable_filter()));
  }
  if (flags.score_threshold.has_value()) {
    request.set_score_threshold(*flags.score_threshold);
  }
  if (flags.score_ceiling.has_value()) {
    request.set_score_ceiling(*flags.score_ceiling);
  }
  if (!flags.group_by.empty()) {
    request.mutable_group_by()->set_key(flags.group_by);
    request.mutable_group_by()->set_group_size(flags.group_size);
  }
  if (flags.cursor.has_value()) {
    request.set_cursor(*flags.cursor);
  }
  ALIDADE_RETURN_IF_ERROR(AddStages(flags, request));
  ALIDADE_ASSIGN_OR_RETURN(std::vector<v1::Query> targets, MakeTargets(flags));
  v1::Query& query = *request.add_queries();
  if (targets.size() == 1) {
    query = std::move(targets.front());
    if (query.has_sparse() && !flags.sparse_field.empty()) {
      request.set_vector_field(flags.sparse_field);
    }
  } else {
    ALIDADE_RETURN_IF_ERROR(SetFusion(flags, std::move(targets), *query.mutable_fusion()));
  }
  return request;
}

void AddSearchFlags(CLI::App& command, SearchFlags& flags) {
  command.add_option("collection", flags.collection, "Collection or alias")->required();
  AddTargetFlags(command, flags);
  AddRankingFlags(command, flags);
  command.add_option("--group-by", flags.group_by, "The best hits of each of k values of this key");
  command.add_option("--group-size", flags.group_size, "Hits in a group")->capture_default_str();
  command.add_option("--cursor", flags.cursor, "Pages: '' for the first, then what it ends with");
  command.add_option("-k", flags.k, "Hits, or groups")->capture_default_str();
  command.add_option("--ef", flags.ef, "HNSW candidates (0: the collection's default)");
  command.add_option("--nprobe", flags.nprobe, "IVF lists (0: the collection's default)");
  command.add_option("--recall-target",
                     flags.recall_target,
                     "Recall wanted, 0..1: the server chooses ef or nprobe for it");
  command.add_flag("--exact", flags.exact, "Compare with every point");
  command.add_option(
      "--filter",
      flags.filter,
      "Only points for which this holds, e.g. 'pos = \"noun\" AND length < 60 AND NOT "
      "exists(deleted)'");
  command.add_option(
      "--score-threshold", flags.score_threshold, "Only hits with at least this score");
  command.add_option("--score-ceiling", flags.score_ceiling, "Only hits with a score below this");
  command.add_option("--keys", flags.keys, "Payload keys to show (default: all)")->delimiter(',');
  command.add_flag("--explain", flags.explain, "Show the plan");
  command.add_option("--why-not", flags.why_not, "Tell where these points (ids) were lost")
      ->delimiter(',');
  command.add_flag("--score-parts", flags.score_parts, "Show what each branch and stage said");
}

}  // namespace alidade
