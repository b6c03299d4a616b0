// IvfIndex: scans the lists whose centroids are nearest to the query; FAISS trains, lists and scans
// are ours.
//
// Source:   Jegou, Douze, Schmid 2011 (IVF, product quantisation with asymmetric distances);
// differs in: codes are of
//           the vectors themselves, not of residuals, and the best candidates are ranked again
//           exactly.
// Format:   src/index/ivf_format.h
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "alidade/index/vector_index.h"

#include "ivf_format.h"

namespace alidade {

Status BuildIvf(const IndexSpec& spec,
                const VectorMatrix& matrix,
                const BuildOptions& options,
                ByteSink& sink);

// Lists visited when nobody says how many (chosen; recall is measured per data set by `alidade
// bench`).
uint32_t DefaultNprobe(uint32_t nlist);

class IvfIndex final : public VectorIndex {
 public:
  static StatusOr<std::unique_ptr<VectorIndex>> Open(std::string_view body,
                                                     const VectorMatrix& matrix);
  IndexKind kind() const override { return IndexKind::kIvf; }
  // With codes, the max(4 k, k + 64, ef) best by code are ranked again exactly.
  StatusOr<std::vector<Candidate>> Search(const float* query,
                                          const IndexSearchOptions& options) const override;

 private:
  IvfIndex(const IvfHeader& header, std::string_view body, const VectorMatrix& matrix);
  std::vector<uint32_t> NearestLists(const float* query, uint32_t nprobe) const;
  std::vector<float> PqTable(const float* query) const;
  void ScanCodes(const float* query,
                 const std::vector<float>& table,
                 const uint32_t* positions,
                 size_t count,
                 float* out) const;

  const IvfHeader header_;
  const VectorMatrix matrix_;
  const uint32_t code_bytes_;
  const float* centroids_;
  const uint32_t* starts_;
  const uint32_t* slots_;
  const float* codebook_;
  const uint8_t* codes_;
};

}  // namespace alidade
