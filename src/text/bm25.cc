#include "alidade/text/bm25.h"

#include <algorithm>
#include <cmath>

#include "query_postings.h"

namespace alidade {
namespace {

// What 1 / (k1 * (1 - b + b * length / average)) is: falls with the length.
double InverseSaturation(uint32_t length, double average_length, const Bm25Parameters& parameters) {
  return 1 / (parameters.k1 *
              ((1 - parameters.b) + parameters.b * (static_cast<double>(length) / average_length)));
}

// w * f / (f + K) as w - w / (1 + f / K): each step of it rises or falls with f and K after
// rounding too, so that a bound is a bound to the last bit.
double ShareOf(double weight, uint32_t times, double inverse_saturation) {
  return weight - weight / (1 + static_cast<double>(times) * inverse_saturation);
}

class Bm25Scorer {
 public:
  Bm25Scorer(const std::vector<double>& weights,
             std::span<const uint32_t> lengths,
             double average_length,
             const Bm25Parameters& parameters)
      : weights_(weights),
        lengths_(lengths),
        average_length_(average_length),
        parameters_(parameters) {}

  double Share(size_t term, uint32_t value, uint32_t document) const {
    return ShareOf(
        weights_[term], value, InverseSaturation(lengths_[document], average_length_, parameters_));
  }
  ShareBound Bound(size_t term, std::span<const Impact> impacts) const {
    double most = 0;
    for (const Impact& impact : impacts) {
      most = std::max(most,
                      ShareOf(weights_[term],
                              impact.value,
                              InverseSaturation(impact.other, average_length_, parameters_)));
    }
    return {.most = most, .magnitude = most};
  }

 private:
  const std::vector<double>& weights_;
  std::span<const uint32_t> lengths_;
  double average_length_;
  const Bm25Parameters& parameters_;
};

}  // namespace

Status ValidateBm25(const Bm25Parameters& parameters, const std::string& path) {
  if (!(parameters.k1 >= 0) || std::isinf(parameters.k1)) {
    return FieldError(path + ".k1", "is {}; 0 or more is wanted", parameters.k1);
  }
  if (!(parameters.b >= 0 && parameters.b <= 1)) {
    return FieldError(path + ".b", "is {}; 0..1 are allowed", parameters.b);
  }
  return OkStatus();
}

std::vector<QueryTerm> CountTokens(std::vector<std::string> tokens) {
  std::ranges::sort(tokens);
  std::vector<QueryTerm> terms;
  for (std::string& token : tokens) {
    if (!terms.empty() && terms.back().term == token) {
      terms.back().weight += 1;
    } else {
      terms.push_back({.term = std::move(token)});
    }
  }
  return terms;
}

StatusOr<std::vector<DocumentHit>> SearchBm25(const PostingSearch& search,
                                              std::span<const QueryTerm> terms,
                                              const Bm25Parameters& parameters,
                                              PostingCounters* counters) {
  if (terms.size() > kQueryTermsMax) {
    return InvalidArgument("{} different words, the limit is {}", terms.size(), kQueryTermsMax);
  }
  QueryPostings postings(search, PostingsKind::kText, terms);
  std::vector<double> weights;
  for (size_t term = 0; term < terms.size(); ++term) {
    weights.push_back(terms[term].weight * postings.Idf(term));
  }
  const double average_length =
      static_cast<double>(postings.length()) / static_cast<double>(postings.documents_filled());
  return postings.Search(
      [&](uint32_t part) {
        return Bm25Scorer(
            weights, search.parts[part].postings->lengths(), average_length, parameters);
      },
      counters);
}

double Bm25Share(double weight,
                 uint32_t times,
                 uint32_t length,
                 double average_length,
                 const Bm25Parameters& parameters) {
  return ShareOf(weight, times, InverseSaturation(length, average_length, parameters));
}

}  // namespace alidade
