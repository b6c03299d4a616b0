#include "alidade/text/sparse.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "alidade/common/bytes.h"

#include "query_postings.h"

namespace alidade {
namespace {

class DotScorer {
 public:
  explicit DotScorer(const std::vector<double>& weights) : weights_(weights) {}

  double Share(size_t term, uint32_t value, uint32_t /*document*/) const {
    return weights_[term] * static_cast<double>(std::bit_cast<float>(value));
  }
  ShareBound Bound(size_t term, std::span<const Impact> impacts) const {
    const double large =
        weights_[term] * static_cast<double>(std::bit_cast<float>(impacts[0].value));
    const double small =
        weights_[term] * static_cast<double>(std::bit_cast<float>(impacts[0].other));
    return {.most = std::max({large, small, 0.0}),
            .magnitude = std::max(std::abs(large), std::abs(small))};
  }

 private:
  const std::vector<double>& weights_;
};

}  // namespace

std::string SparseTerm(uint32_t dimension) {
  std::string term;
  AppendBigEndian(term, dimension);
  return term;
}

std::span<const TermValue> SparseTerms::Of(const SparseVector& vector) {
  bytes_.clear();
  terms_.clear();
  for (const uint32_t dimension : vector.dimensions) {
    AppendBigEndian(bytes_, dimension);
  }
  for (size_t i = 0; i < vector.dimensions.size(); ++i) {
    terms_.push_back({.term = std::string_view(bytes_).substr(4 * i, 4),
                      .value = std::bit_cast<uint32_t>(vector.weights[i])});
  }
  return terms_;
}

StatusOr<std::vector<DocumentHit>> SearchSparse(const PostingSearch& search,
                                                const SparseVector& query,
                                                bool idf,
                                                PostingCounters* counters) {
  std::vector<QueryTerm> terms;
  for (size_t i = 0; i < query.dimensions.size(); ++i) {
    terms.push_back(
        {.term = SparseTerm(query.dimensions[i]), .weight = static_cast<double>(query.weights[i])});
  }
  QueryPostings postings(search, PostingsKind::kSparse, terms);
  std::vector<double> weights;
  for (size_t term = 0; term < terms.size(); ++term) {
    weights.push_back(terms[term].weight * (idf ? postings.Idf(term) : 1));
  }
  return postings.Search([&](uint32_t /*part*/) { return DotScorer(weights); }, counters);
}

}  // namespace alidade
