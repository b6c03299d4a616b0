// What index tests need around BuildIndex and OpenIndex: a sink in memory, a filter, the index with
// the body it lies in, and its recall.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alidade/index/vector_index.h"

#include "support/vector_set.h"

namespace alidade {

class StringSink final : public ByteSink {
 public:
  Status Append(std::string_view bytes) override {
    if (appends_++ == fail_at_) {
      return failure_;
    }
    bytes_ += bytes;
    return OkStatus();
  }
  // The append number `at` (from 0) answers `failure` and keeps nothing.
  void FailAt(size_t at, Status failure) {
    fail_at_ = at;
    failure_ = std::move(failure);
  }
  const std::string& bytes() const { return bytes_; }
  size_t appends() const { return appends_; }

 private:
  std::string bytes_;
  size_t appends_ = 0;
  size_t fail_at_ = std::numeric_limits<size_t>::max();
  Status failure_;
};

class SlotSet final : public SlotFilter {
 public:
  explicit SlotSet(std::vector<bool> allowed) : allowed_(std::move(allowed)) {}
  bool Allows(uint32_t slot) const override { return allowed_.at(slot); }
  size_t size() const {
    return static_cast<size_t>(std::count(allowed_.begin(), allowed_.end(), true));
  }

 private:
  std::vector<bool> allowed_;
};

// The same, known as bits.
class SlotBitSet final : public SlotFilter {
 public:
  explicit SlotBitSet(const std::vector<bool>& allowed) : words_((allowed.size() + 63) / 64, 0) {
    for (size_t slot = 0; slot < allowed.size(); ++slot) {
      words_[slot / 64] |= uint64_t{allowed[slot]} << (slot % 64);
      count_ += allowed[slot] ? 1U : 0U;
    }
  }
  bool Allows(uint32_t slot) const override { return bits().Test(slot); }
  SlotBits bits() const override { return {words_.data(), count_}; }

 private:
  std::vector<uint64_t> words_;
  uint32_t count_ = 0;
};

inline StatusOr<std::string> BuildBody(const IndexSpec& spec,
                                       IndexKind kind,
                                       const VectorMatrix& matrix,
                                       std::string_view previous = {},
                                       const BuildOptions& options = {}) {
  StringSink sink;
  ALIDADE_RETURN_IF_ERROR(BuildIndex(spec, kind, matrix, previous, options, sink));
  return sink.bytes();
}

// An open index and the body that it borrows. Move-only.
class BuiltIndex {
 public:
  static StatusOr<BuiltIndex> Make(const IndexSpec& spec,
                                   IndexKind kind,
                                   const VectorMatrix& matrix,
                                   std::string_view previous = {}) {
    BuiltIndex built;
    ALIDADE_ASSIGN_OR_RETURN(std::string body, BuildBody(spec, kind, matrix, previous));
    built.body_ = std::make_unique<std::string>(std::move(body));
    ALIDADE_ASSIGN_OR_RETURN(built.index_, OpenIndex(kind, *built.body_, matrix));
    return built;
  }
  const VectorIndex& operator*() const { return *index_; }
  const VectorIndex* operator->() const { return index_.get(); }
  const std::string& body() const { return *body_; }

 private:
  std::unique_ptr<std::string> body_;  // on the heap: its address survives a move
  std::unique_ptr<VectorIndex> index_;
};

// The share of the k nearest that the index finds, over all queries. Anything as near as the k-th,
// rounding apart, counts.
inline StatusOr<double> RecallOf(const VectorIndex& index,
                                 const VectorMatrix& matrix,
                                 const VectorSet& queries,
                                 const IndexSearchOptions& options) {
  size_t hits = 0;
  size_t wanted = 0;
  for (uint32_t i = 0; i < queries.count(); ++i) {
    ALIDADE_ASSIGN_OR_RETURN(const std::vector<Candidate> nearest,
                             ExactSearch(matrix, queries.Row(i), options));
    ALIDADE_ASSIGN_OR_RETURN(const std::vector<Candidate> found,
                             index.Search(queries.Row(i), options));
    wanted += nearest.size();
    const float bound = nearest.back().distance + 1e-6F * std::abs(nearest.back().distance);
    for (const Candidate& candidate : found) {
      hits += candidate.distance <= bound ? size_t{1} : size_t{0};
    }
  }
  return static_cast<double>(hits) / static_cast<double>(wanted);
}

}  // namespace alidade
