// OwnIndex: Alidade's graph and codes over vectors in memory, without the server around them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "alidade/index/recall_curve.h"
#include "alidade/index/vector_codes.h"
#include "alidade/index/vector_index.h"

#include "real_vectors.h"

namespace alidade {

struct OwnIndexOptions {
  Metric metric = Metric::kCosine;
  CodesSetting codes = CodesSetting::kAuto;
  uint32_t m = 16;
  uint32_t ef_construction = 200;
  int build_threads = 2;
  std::string cache;  // directory for graph and codes; empty: built anew
  std::string name = "own";
};

class OwnIndex {
 public:
  // Borrows the vectors.
  static StatusOr<std::unique_ptr<OwnIndex>> Make(const RealVectors& set,
                                                  const OwnIndexOptions& options);
  // Distances of the hits, nearest first: 1 - cosine, -dot or squared L2.
  Status Search(const float* query, uint32_t k, uint32_t ef, std::vector<float>& distances) const;
  size_t memory_bytes() const;  // graph and codes
  double build_seconds = 0;     // 0: from the cache
  double encode_seconds = 0;    // part of it
  double measure_seconds = 0;   // recall at rising ef, as the server does it; not part of it
  SearchStats Count(const float* query, uint32_t k, uint32_t ef) const;

 private:
  // As the server plans a search without a filter.
  IndexSearchOptions Plan(uint32_t k, uint32_t ef) const;

  VectorMatrix matrix_;
  std::vector<float> inv_norms_;
  std::string codes_body_;
  std::string graph_body_;
  std::unique_ptr<VectorCodes> codes_;
  std::unique_ptr<VectorIndex> index_;
  RecallCurve curve_;
};

}  // namespace alidade
