// PointSource: the points of a data set, in order.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "alidade/v1/points.pb.h"

#include "vector_file.h"

namespace alidade {

// By name of the sparse field.
using SparseVectors = std::map<std::string, alidade::v1::SparseVector>;
// By name of the multi-vector field, packed.
using MultiVectors = std::map<std::string, alidade::v1::MultiVector>;

// Rows first .. first + ids.size() - 1 of the source.
struct PointBatch {
  uint64_t first = 0;
  std::vector<float> vectors;               // rows x dim
  std::vector<SparseVectors> sparse;        // empty: the source has none
  std::vector<MultiVectors> multi_vectors;  // likewise
  std::vector<alidade::v1::PointId> ids;
  std::vector<alidade::v1::Object> payloads;  // empty: the source has none
};

struct PointSourceOptions {
  std::string path;    // .npy, .fvecs, .hdf5 (with payloads from `points` if given), or .jsonl
  std::string points;  // .jsonl of {"id", "payload"}, a line per row; empty: <path without its
                       // ending>.jsonl
  std::string dataset = "train";
  uint64_t id_offset = 0;  // added to numeric ids, and to row numbers where there are no ids
  uint64_t limit = 0;      // rows at most; 0: all
};

// A matrix file whose row i has the id and payload of line i of a .jsonl file, or the id i without
// one; or a .jsonl file whose lines {"id", "vector", "payload"} have all. Lines may have "sparse":
// {"name": {"indices": [..], "values": [..]}}, a .jsonl file with those needs no "vector"; and
// "multi_vectors": {"name": [[..], ..]}. Read from the front. Thread-compatible.
class PointSource {
 public:
  static StatusOr<std::unique_ptr<PointSource>> Open(const PointSourceOptions& options);

  uint64_t rows() const { return rows_; }
  uint32_t dim() const { return dim_; }  // 0: no vectors
  // The next rows, `count` of them or as many as are left; none at the end.
  StatusOr<PointBatch> Next(uint64_t count);
  Status Skip(uint64_t count);

 private:
  explicit PointSource(const PointSourceOptions& options) : options_(options) {}
  // Of a .jsonl file with the vectors: counts its lines and takes the dimension from the first.
  Status MeasureLines();
  Status OpenLines(const std::string& path);
  Status ReadLine(PointBatch& batch);

  const PointSourceOptions options_;
  std::unique_ptr<VectorFile> vectors_;  // null: the vectors are in the lines
  std::string lines_path_;               // empty: ids are row numbers
  std::ifstream lines_;
  uint64_t rows_ = 0;
  uint32_t dim_ = 0;
  uint64_t next_ = 0;
};

}  // namespace alidade
