// HnswlibIndex: Debian's hnswlib behind a face of its own, so that its headers alone are compiled
// for this machine (-march=native), as its users compile it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace alidade {

struct HnswlibParameters {
  std::string metric = "cosine";  // cosine (of unit vectors), dot or l2
  uint32_t dim = 0;
  uint32_t rows = 0;
  uint32_t m = 16;
  uint32_t ef_construction = 200;
};

class HnswlibIndex {
 public:
  static std::unique_ptr<HnswlibIndex> Build(const HnswlibParameters& parameters,
                                             const float* rows,
                                             int threads);
  // Null if there is no such file or it is of another number of rows.
  static std::unique_ptr<HnswlibIndex> Load(const HnswlibParameters& parameters,
                                            const std::string& path);
  ~HnswlibIndex();
  void Save(const std::string& path) const;
  // For searches that begin later.
  void SetEf(uint32_t ef);
  // Distances of the k hits, nearest first, as hnswlib gives them: 1 - dot, or squared L2.
  void Search(const float* query, uint32_t k, std::vector<float>& distances) const;
  size_t memory_bytes() const;

 private:
  struct Impl;
  explicit HnswlibIndex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace alidade
