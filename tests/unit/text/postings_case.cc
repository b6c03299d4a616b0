#include "unit/text/postings_case.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "alidade/common/check.h"

namespace alidade {
namespace {

// 0 the most often.
uint32_t Skewed(std::mt19937_64& random, uint32_t below) {
  const double x = std::uniform_real_distribution<double>(0, 1)(random);
  return std::min(below - 1, static_cast<uint32_t>(x * x * x * below));
}

uint32_t Below(std::mt19937_64& random, uint32_t bound) {
  return std::uniform_int_distribution<uint32_t>(0, bound - 1)(random);
}

template <typename ShareOf>
std::vector<DocumentHit> Rank(const Collection& collection,
                              const std::vector<std::string>& terms,
                              const ShareOf& share_of,
                              uint32_t k,
                              std::optional<double> score_min) {
  std::vector<DocumentHit> hits;
  for (uint32_t part = 0; part < collection.plain.size(); ++part) {
    const RowBitmap* allowed = collection.allowed[part].get();
    for (uint32_t i = 0; i < collection.plain[part].size(); ++i) {
      const PlainDocument& document = collection.plain[part][i];
      double score = 0;
      bool any = false;
      for (size_t term = 0; term < terms.size(); ++term) {
        if (const auto found = document.terms.find(terms[term]); found != document.terms.end()) {
          score += share_of(term, found->second, document.length);
          any = true;
        }
      }
      if (any && (allowed == nullptr || allowed->Test(i)) &&
          (!score_min.has_value() || score >= *score_min)) {
        hits.push_back({.score = score, .part = part, .document = i});
      }
    }
  }
  std::ranges::stable_sort(hits, std::greater<>(), &DocumentHit::score);
  hits.resize(std::min<size_t>(hits.size(), k));
  return hits;
}

struct Totals {
  uint64_t filled = 0;
  uint64_t length = 0;
  std::vector<uint64_t> frequencies;
  double Idf(size_t term) const {
    const auto n = static_cast<double>(frequencies[term]);
    return std::log(1 + (static_cast<double>(filled) - n + 0.5) / (n + 0.5));
  }
};

Totals TotalsOf(const Collection& collection, const std::vector<std::string>& terms) {
  Totals totals;
  totals.frequencies.resize(terms.size());
  for (const PlainPart& part : collection.plain) {
    for (const PlainDocument& document : part) {
      totals.filled += document.terms.empty() ? 0U : 1U;
      totals.length += document.length;
      for (size_t term = 0; term < terms.size(); ++term) {
        totals.frequencies[term] += document.terms.count(terms[term]);
      }
    }
  }
  return totals;
}

}  // namespace

PlainPart RandomTexts(std::mt19937_64& random,
                      uint32_t documents,
                      uint32_t words,
                      uint32_t length) {
  PlainPart part(documents);
  for (PlainDocument& document : part) {
    document.length = Below(random, 8) == 0 ? 0 : Below(random, 2 * length) + 1;
    for (uint32_t i = 0; i < document.length; ++i) {
      ++document.terms["w" + std::to_string(Skewed(random, words))];
    }
  }
  return part;
}

PlainPart RandomSparse(std::mt19937_64& random,
                       uint32_t documents,
                       uint32_t dimensions,
                       uint32_t values,
                       bool negative) {
  PlainPart part(documents);
  std::normal_distribution<float> normal;
  for (PlainDocument& document : part) {
    for (uint32_t i = Below(random, values + 1); i > 0; --i) {
      const float weight = normal(random);
      // Spread over the whole range of dimensions.
      document.terms[SparseTerm(Skewed(random, dimensions) * 2'654'435'761U)] =
          std::bit_cast<uint32_t>(negative ? weight : std::abs(weight));
    }
  }
  return part;
}

std::vector<TermValue> TermsOf(const PlainDocument& document) {
  std::vector<TermValue> terms;
  for (const auto& [term, value] : document.terms) {
    terms.push_back({.term = term, .value = value});
  }
  return terms;
}

std::string BuildBody(PostingsKind kind, const PlainPart& part) {
  PostingsBuilder builder(kind, kFingerprint);
  for (uint32_t i = 0; i < part.size(); ++i) {
    builder.Add(i, part[i].length, TermsOf(part[i]));
  }
  std::string body;
  const Status status =
      builder.Finish(static_cast<uint32_t>(part.size()), [&body](std::string_view bytes) {
        body += bytes;
        return OkStatus();
      });
  ALIDADE_CHECK(status.ok(), "{}", MessageOf(status));
  return body;
}

std::unique_ptr<SealedPart> Seal(PostingsKind kind, const PlainPart& part) {
  const std::string body = BuildBody(kind, part);
  auto sealed = std::make_unique<SealedPart>();
  sealed->size = body.size();
  sealed->bytes.resize((body.size() + 7) / 8);
  std::memcpy(sealed->bytes.data(), body.data(), body.size());
  auto parsed =
      SealedPostings::Parse(kind, kFingerprint, sealed->body(), static_cast<uint32_t>(part.size()));
  ALIDADE_CHECK(parsed.ok(), "{}", MessageOf(parsed.status()));
  sealed->postings = *std::move(parsed);
  return sealed;
}

std::unique_ptr<GrowingPostings> Grow(PostingsKind kind, const PlainPart& part) {
  auto growing = std::make_unique<GrowingPostings>(kind, static_cast<uint32_t>(part.size()) + 7);
  for (uint32_t i = 0; i < part.size(); ++i) {
    growing->Add(i, part[i].length, TermsOf(part[i]));
  }
  return growing;
}

void Collection::AddPart(PostingsKind kind,
                         PlainPart part,
                         bool grow,
                         std::mt19937_64& random,
                         std::optional<double> share) {
  PostingsPart added;
  if (grow) {
    growing.push_back(Grow(kind, part));
    views.push_back(
        std::make_unique<GrowingView>(*growing.back(), static_cast<uint32_t>(part.size())));
    added.postings = views.back().get();
  } else {
    sealed.push_back(Seal(kind, part));
    added.postings = &*sealed.back()->postings;
  }
  allowed.emplace_back();
  if (share.has_value()) {
    allowed.back() = std::make_unique<RowBitmap>(static_cast<uint32_t>(part.size()));
    for (uint32_t i = 0; i < part.size(); ++i) {
      if (std::bernoulli_distribution(*share)(random)) {
        allowed.back()->Set(i);
      }
    }
    added.allowed = allowed.back().get();
  }
  plain.push_back(std::move(part));
  parts.push_back(added);
}

std::vector<DocumentHit> SearchPlainly(const Collection& collection,
                                       const std::vector<QueryTerm>& terms,
                                       const Bm25Parameters& parameters,
                                       uint32_t k,
                                       std::optional<double> score_min) {
  std::vector<std::string> names;
  for (const QueryTerm& term : terms) {
    names.push_back(term.term);
  }
  const Totals totals = TotalsOf(collection, names);
  const double average = static_cast<double>(totals.length) / static_cast<double>(totals.filled);
  return Rank(
      collection,
      names,
      [&](size_t term, uint32_t times, uint32_t length) {
        return Bm25Share(terms[term].weight * totals.Idf(term), times, length, average, parameters);
      },
      k,
      score_min);
}

std::vector<DocumentHit> SearchSparsePlainly(const Collection& collection,
                                             const SparseVector& query,
                                             bool idf,
                                             uint32_t k,
                                             std::optional<double> score_min) {
  std::vector<std::string> names;
  for (const uint32_t dimension : query.dimensions) {
    names.push_back(SparseTerm(dimension));
  }
  const Totals totals = TotalsOf(collection, names);
  return Rank(
      collection,
      names,
      [&](size_t term, uint32_t value, uint32_t /*length*/) {
        const double weight =
            static_cast<double>(query.weights[term]) * (idf ? totals.Idf(term) : 1);
        return weight * static_cast<double>(std::bit_cast<float>(value));
      },
      k,
      score_min);
}

}  // namespace alidade
