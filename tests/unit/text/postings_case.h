// Random documents, the postings of them in parts, and searches by a plain loop over all documents.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "alidade/common/row_bitmap.h"
#include "alidade/text/bm25.h"
#include "alidade/text/growing_postings.h"
#include "alidade/text/sealed_postings.h"
#include "alidade/text/sparse.h"

namespace alidade {

struct PlainDocument {
  uint32_t length = 0;
  std::map<std::string, uint32_t> terms;  // values as in TermValue
};
using PlainPart = std::vector<PlainDocument>;

// Words w0, w1, ... with falling frequency; some documents are empty.
PlainPart RandomTexts(std::mt19937_64& random, uint32_t documents, uint32_t words, uint32_t length);
// Dimensions likewise; `negative`: with weights below 0.
PlainPart RandomSparse(std::mt19937_64& random,
                       uint32_t documents,
                       uint32_t dimensions,
                       uint32_t values,
                       bool negative);

std::vector<TermValue> TermsOf(const PlainDocument& document);

// A body as a mapped file has it, and the postings in it.
struct SealedPart {
  std::vector<uint64_t> bytes;
  size_t size = 0;
  std::optional<SealedPostings> postings;
  std::string_view body() const { return {reinterpret_cast<const char*>(bytes.data()), size}; }
};
inline constexpr uint64_t kFingerprint = 42;
std::string BuildBody(PostingsKind kind, const PlainPart& part);
std::unique_ptr<SealedPart> Seal(PostingsKind kind, const PlainPart& part);
std::unique_ptr<GrowingPostings> Grow(PostingsKind kind, const PlainPart& part);

// Parts that are searched, some sealed and some growing, with what is allowed of each.
struct Collection {
  std::vector<PlainPart> plain;
  std::vector<std::unique_ptr<SealedPart>> sealed;
  std::vector<std::unique_ptr<GrowingPostings>> growing;
  std::vector<std::unique_ptr<GrowingView>> views;
  std::vector<std::unique_ptr<RowBitmap>> allowed;
  std::vector<PostingsPart> parts;

  // `share`: of documents that are allowed; nothing: all, without a bitmap.
  void AddPart(PostingsKind kind,
               PlainPart part,
               bool grow,
               std::mt19937_64& random,
               std::optional<double> share);
};

std::vector<DocumentHit> SearchPlainly(const Collection& collection,
                                       const std::vector<QueryTerm>& terms,
                                       const Bm25Parameters& parameters,
                                       uint32_t k,
                                       std::optional<double> score_min);
std::vector<DocumentHit> SearchSparsePlainly(const Collection& collection,
                                             const SparseVector& query,
                                             bool idf,
                                             uint32_t k,
                                             std::optional<double> score_min);

}  // namespace alidade
