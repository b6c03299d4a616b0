// IvfIndex: scans the lists whose centroids are nearest to the query. FAISS trains; lists, codes
// and scans are ours.
//
// Scalar codes rule out what their error keeps from being among the nearest, and product codes pick
// a pool; the vectors themselves are read of what is left, so that distances are exact.
//
// Source:   Jegou, Douze, Schmid 2011; differs in: codes are of the vectors themselves, not of what
//           is left of them beside their centroid.
// Format:   src/index/ivf_format.h
#pragma once

#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include "alidade/common/zeroed_memory.h"
#include "alidade/index/vector_index.h"
#include "alidade/vec/codes.h"

#include "ivf_format.h"
#include "scratch_pool.h"

namespace alidade {

Status BuildIvf(const IndexSpec& spec,
                const VectorMatrix& matrix,
                const BuildOptions& options,
                ByteSink& sink);

// Lists visited when nobody says how many (chosen; recall is measured per data set by `alidade
// bench`).
uint32_t DefaultNprobe(uint32_t nlist);

// Rows that product codes pick to be ranked exactly, where `rows` were looked at: max(4 k, k + 64,
// ef), and of many rows a share, which is bounded.
size_t PqPoolRows(uint32_t k, uint32_t ef, uint64_t rows);

class IvfIndex final : public VectorIndex {
 public:
  static StatusOr<std::unique_ptr<VectorIndex>> Open(std::string_view body,
                                                     const VectorMatrix& matrix);
  ~IvfIndex() override;
  IvfIndex(const IvfIndex&) = delete;
  IvfIndex& operator=(const IvfIndex&) = delete;
  IndexKind kind() const override { return IndexKind::kIvf; }
  // Under scalar codes the answer is that of the vectors themselves in the same lists: surely where
  // all lists are visited, else as good as always. Under product codes the PqPoolRows best by code
  // are ranked.
  StatusOr<std::vector<Candidate>> Search(const float* query,
                                          const IndexSearchOptions& options) const override;
  void MakeResident() override;
  size_t resident_bytes() const override { return body_.size(); }

 private:
  struct Scratch;
  class Probe;

  IvfIndex(const IvfHeader& header,
           std::string_view body,
           const VectorMatrix& matrix,
           std::vector<float> mean);
  Status CheckLists() const;

  const IvfHeader header_;
  const IvfLayout layout_;
  const std::string_view body_;
  const VectorMatrix matrix_;
  const CodeSpace space_;
  ZeroedMemory copy_;
  std::atomic<const char*> bytes_;  // of the body: mapped, then the copy
  mutable ScratchPool<Scratch> scratch_;
};

}  // namespace alidade
