// BM25: ranks documents by the words of a query.
//
// Score:    sum over the query's tokens t, each as often as it stands there, of
//             idf(t) * f / (f + k1 * (1 - b + b * length / average length))
//           f: times that the document has t; idf: InverseDocumentFrequency. This is Lucene's form:
//           without the factor k1 + 1 of the older one, which changes no order.
// Whole:    number of documents, average length and document frequencies are those of all parts
//           together, so that a document scores the same in whichever part it lies. A deleted or
//           replaced row counts among them until a merge drops it, as in other engines; it is never
//           a hit.
// Threads:  pure.
// Source:   Robertson, Zaragoza 2009 (The Probabilistic Relevance Framework); bounds by block:
//           Ding, Suel 2011 (Block-Max Indexes), in the windows of MaxScore (Turtle, Flood 1995).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/text/posting_search.h"

namespace alidade {

struct Bm25Parameters {
  double k1 = 1.2;  // 0: whether a token is there, not how often
  double b = 0.75;  // 0: lengths do not matter
  friend bool operator==(const Bm25Parameters&, const Bm25Parameters&) = default;
};

// Errors: INVALID_ARGUMENT with the path of the field below `path`.
Status ValidateBm25(const Bm25Parameters& parameters, const std::string& path);

// The tokens of a query as terms: each once, in order, with how often it was there.
std::vector<QueryTerm> CountTokens(std::vector<std::string> tokens);

// The k documents of the highest score among those that have a token and are allowed, falling; of
// equal scores the earlier part and document first, at the k-th place too: with parts in the order
// of their rows the answer does not depend on how rows are spread over them.
// Requires: terms as CountTokens gives them; parts of text; valid parameters; k >= 1.
// Ensures:  exact: equal, to the last bit, to scoring every document.
// Errors:   INVALID_ARGUMENT (more than kQueryTermsMax terms), DEADLINE_EXCEEDED, CANCELLED,
//           DATA_LOSS.
StatusOr<std::vector<DocumentHit>> SearchBm25(const PostingSearch& search,
                                              std::span<const QueryTerm> terms,
                                              const Bm25Parameters& parameters,
                                              PostingCounters* counters);

// One token's share of the score. For tests, and to explain a score.
double Bm25Share(double weight,
                 uint32_t times,
                 uint32_t length,
                 double average_length,
                 const Bm25Parameters& parameters);

}  // namespace alidade
