// Bodies of postings: whatever is accepted can be searched; configurations of text analysis.
#include <cstring>
#include <random>

#include "alidade/text/analyzer.h"
#include "alidade/text/bm25.h"
#include "alidade/text/sealed_postings.h"
#include "alidade/text/sparse.h"

#include "targets.h"

namespace alidade::fuzz {
namespace {

constexpr uint32_t kDocuments = 1'000;  // enough for blocks
constexpr uint64_t kMadeBy = 7;

std::string BodyOf(PostingsKind kind) {
  std::mt19937_64 random(20'261'126);
  PostingsBuilder builder(kind, kMadeBy);
  for (uint32_t i = 0; i < kDocuments; ++i) {
    std::vector<TermValue> terms;
    std::vector<std::string> names;
    for (uint32_t word = 0; word < 40; ++word) {
      if (random() % (word + 2) == 0) {
        names.push_back(kind == PostingsKind::kText ? "word" + std::to_string(word)
                                                    : SparseTerm(word));
      }
    }
    for (const std::string& name : names) {
      const float weight = static_cast<float>(random() % 100) / 7 - 3;
      terms.push_back({.term = name,
                       .value = kind == PostingsKind::kText
                                    ? static_cast<uint32_t>(random() % 5 + 1)
                                    : std::bit_cast<uint32_t>(weight)});
    }
    builder.Add(i, static_cast<uint32_t>(terms.size() + random() % 9), terms);
  }
  std::string body;
  const Status status = builder.Finish(kDocuments, [&body](std::string_view bytes) {
    body += bytes;
    return OkStatus();
  });
  Require(status.ok(), "the corpus is built");
  return body;
}

// As a mapped file has it: nothing readable behind its end but what the allocator puts there.
struct Aligned {
  explicit Aligned(std::string_view in) : words((in.size() + 7) / 8), size(in.size()) {
    if (!in.empty()) {
      std::memcpy(words.data(), in.data(), in.size());
    }
  }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(words.data()), size}; }
  std::vector<uint64_t> words;
  size_t size;
};

void CheckHits(const StatusOr<std::vector<DocumentHit>>& hits) {
  if (!hits.ok()) {
    Require(hits.status().code() == StatusCode::kDataLoss, "a refusal is DATA_LOSS");
    return;
  }
  for (const DocumentHit& hit : *hits) {
    Require(hit.document < kDocuments, "a hit is one of the documents");
  }
}

void FuzzPostings(PostingsKind kind, std::string_view bytes) {
  const Aligned body(bytes);
  const auto postings = SealedPostings::Parse(kind, kMadeBy, body.bytes(), kDocuments);
  if (!postings.ok()) {
    Require(postings.status().code() == StatusCode::kDataLoss, "a refusal is DATA_LOSS");
    return;
  }
  Accepted();
  const PostingsPart part{.postings = &*postings};
  for (const bool exhaustive : {false, true}) {
    const PostingSearch search{.parts = {&part, 1}, .k = 5, .exhaustive = exhaustive};
    if (kind == PostingsKind::kText) {
      CheckHits(SearchBm25(search, CountTokens({"word0", "word3", "word39", "x"}), {}, nullptr));
    } else {
      CheckHits(SearchSparse(search, {{0, 3, 39, 77}, {1, -2, 3, 4}}, true, nullptr));
    }
  }
}

void FuzzTextPostings(std::string_view bytes) { FuzzPostings(PostingsKind::kText, bytes); }
void FuzzSparsePostings(std::string_view bytes) { FuzzPostings(PostingsKind::kSparse, bytes); }

void FuzzAnalyzerConfig(std::string_view bytes) {
  const auto config = DecodeAnalyzer(bytes);
  if (!config.ok()) {
    Require(config.status().code() == StatusCode::kDataLoss, "a refusal is DATA_LOSS");
    return;
  }
  Accepted();
  Require(EncodeAnalyzer(*config) == bytes, "a configuration has one encoding");
  const auto again = ParseAnalyzerText(AnalyzerText(*config));
  Require(again.ok() && *again == *config, "a configuration survives its text");
}

std::vector<std::string> AnalyzerConfigCorpus() {
  std::vector<std::string> corpus;
  for (const char* text : {"none",
                           "english stop_words=default",
                           "german stem=off min_bytes=2 max_bytes=9",
                           "none case=kept stop=the,\xC3\xA9t\xC3\xA9"}) {
    corpus.push_back(EncodeAnalyzer(*ParseAnalyzerText(text)));
  }
  return corpus;
}

// Any bytes are text.
void FuzzAnalyzer(std::string_view bytes) {
  static const std::vector<Analyzer> analyzers = [] {
    std::vector<Analyzer> made;
    for (int number = 0; number <= kLanguageMax; ++number) {
      made.emplace_back(AnalyzerConfig{.language = static_cast<Language>(number)});
    }
    made.emplace_back(AnalyzerConfig{.fold_case = false});
    return made;
  }();
  size_t tokens = 0;
  for (const Analyzer& analyzer : analyzers) {
    int64_t before = -1;
    analyzer.Analyze(bytes, [&](std::string_view token, uint32_t position) {
      ++tokens;
      Require(!token.empty() && token.size() <= kTokenBytesHardMax, "a token has a size");
      Require(int64_t{position} > before, "positions rise");
      before = position;
    });
  }
  if (tokens > 0) {
    Accepted();
  }
}

std::vector<std::string> AnalyzerCorpus() {
  return {"A body of water, running happily.",
          "Stra\xC3\x9F"
          "e \xD0\xB4\xD0\xBE\xD0\xBC \xE6\x9D\xB1\xE4\xBA\xAC \xE0\xA4\xA8\xE0\xA4\xAE",
          "caf\x65\xCC\x81 soft\xC2\xADhyphen \xD9\x83\xD8\xAA\xD8\xA7\xD8\xA8 \xCE\xA3\xCE\xAF",
          "x"};
}

}  // namespace

std::vector<FuzzTarget> TextTargets() {
  return {{.name = "TextPostings",
           .run = FuzzTextPostings,
           .corpus = [] { return std::vector{BodyOf(PostingsKind::kText)}; },
           .hot = {{0, 64}, {4'096, 6'000}}},
          {.name = "SparsePostings",
           .run = FuzzSparsePostings,
           .corpus = [] { return std::vector{BodyOf(PostingsKind::kSparse)}; },
           .hot = {{0, 64}, {64, 2'000}}},
          {.name = "AnalyzerConfig", .run = FuzzAnalyzerConfig, .corpus = AnalyzerConfigCorpus},
          {.name = "Analyzer", .run = FuzzAnalyzer, .corpus = AnalyzerCorpus}};
}

}  // namespace alidade::fuzz
