// FAISS builds the graph; the vectors stay in our matrix and the distances are our kernels':
// Debian's FAISS is compiled without AVX.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include <faiss/IndexHNSW.h>
#include <faiss/impl/DistanceComputer.h>
#include <faiss/impl/FaissException.h>
#include <omp.h>

#include "alidade/index/vector_codes.h"
#include "alidade/vec/kernels.h"

#include "codes_format.h"
#include "hnsw_index.h"
#include "section.h"

namespace alidade {
namespace {

// FAISS is called in pieces, so that progress can be seen and a build be stopped.
constexpr uint32_t kChunkRows = 4'096;
constexpr int64_t kLevelSeed =
    20'260'101;  // fixed: equal input gives an equal graph with one thread

// The codes of 8 bits among these.
std::optional<CodeMatrix> EightBits(const VectorCodes& codes) {
  if (codes.rank().has_value()) {
    return codes.rank();
  }
  return codes.walk().kind == CodeKind::kInt8 ? std::optional(codes.walk()) : std::nullopt;
}

// Codes in huge pages that live as long as a build.
class TemporaryCodes final : public ByteSink {
 public:
  static StatusOr<std::unique_ptr<TemporaryCodes>> Make(const VectorMatrix& matrix,
                                                        const BuildProgress* progress) {
    auto made = std::make_unique<TemporaryCodes>();
    made->memory_ =
        ZeroedMemory(CodesLayout(matrix.count, matrix.dim, CodeKind::kInt8, /*ranked=*/false).end,
                     ZeroedMemory::Pages::kHuge);
    ALIDADE_RETURN_IF_ERROR(VectorCodes::Write(CodesSetting::kInt8, matrix, progress, *made));
    ALIDADE_ASSIGN_OR_RETURN(made->codes_,
                             VectorCodes::Open({made->memory_.as<char>(), made->filled_}, matrix));
    return made;
  }
  Status Append(std::string_view bytes) override {
    if (bytes.size() > memory_.bytes() - filled_) {
      return Internal("the codes are longer than their layout");
    }
    std::memcpy(memory_.as<char>() + filled_, bytes.data(), bytes.size());
    filled_ += bytes.size();
    return OkStatus();
  }
  const VectorCodes& codes() const { return *codes_; }

 private:
  ZeroedMemory memory_;
  size_t filled_ = 0;
  std::unique_ptr<VectorCodes> codes_;
};

// Distances as the graph is built by them. They differ from those of a search in three ways:
//
// Where there are codes, they are estimated by those of 8 bits: a fourth of the bytes.
//
// Dot is no distance between rows: short vectors are nobody's neighbours, and a graph by it leaves
// them out of reach. Each row gets one more coordinate that makes all of them equally long; a query
// has zero there, so the order in which it sees the rows stays that of dot (Bachrach et al. 2014).
//
// Equal rows would keep only each other as neighbours, since FAISS drops a link only for a strictly
// nearer one. A difference of a few units in the last place, fixed for each pair, breaks such ties.
class BuildDistances {
 public:
  // `codes` are of 8 bits, or null.
  BuildDistances(const VectorMatrix& matrix, const VectorCodes* codes) : matrix_(matrix) {
    if (codes != nullptr) {
      pairs_.emplace(*EightBits(*codes));
    }
    if (matrix.metric != Metric::kDot) {
      return;
    }
    float longest = 0;
    for (uint32_t row = 0; row < matrix.count; ++row) {
      extra_.push_back(-PairDistance(matrix, row, row));
      longest = std::max(longest, extra_.back());
    }
    for (float& extra : extra_) {
      extra = std::sqrt(longest - extra);
    }
    if (pairs_.has_value()) {
      const std::vector<float>& mean = codes->space().mean();
      mean_square_ = Dot(mean.data(), mean.data(), matrix.dim);
      for (uint32_t row = 0; row < matrix.count; ++row) {
        along_mean_.push_back(Dot(matrix.Row(row), mean.data(), matrix.dim));
      }
    }
  }
  float Between(uint32_t a, uint32_t b) const {
    float distance = pairs_.has_value() ? Estimate(a, b) : PairDistance(matrix_, a, b);
    if (!extra_.empty()) {
      distance -= extra_[a] * extra_[b];
    }
    const float unit = matrix_.metric == Metric::kCosine ? 1.0F : std::abs(distance) + 1e-30F;
    return distance + unit * Jitter(std::min(a, b), std::max(a, b));
  }

 private:
  float Estimate(uint32_t a, uint32_t b) const {
    const float dot = pairs_->Dot(a, b);  // of what is left of the rows without the mean
    switch (matrix_.metric) {
      case Metric::kL2:
        return pairs_->Offset(a) + pairs_->Offset(b) - 2 * dot;
      case Metric::kCosine:
        return pairs_->Offset(a) + pairs_->Offset(b) - dot;
      case Metric::kDot:
        break;
    }
    return mean_square_ - along_mean_[a] - along_mean_[b] - dot;
  }
  // Below 2^-20, a few units in the last place of 1.
  static float Jitter(uint32_t low, uint32_t high) {
    const uint64_t mixed = (uint64_t{low} << 32 | high) * 0x9E3779B97F4A7C15U;
    return static_cast<float>(mixed >> 52) * 0x1p-32F;
  }

  const VectorMatrix& matrix_;
  std::optional<CodePairs> pairs_;
  // For dot only:
  std::vector<float> extra_;
  std::vector<float> along_mean_;  // dot(row, mean)
  float mean_square_ = 0;
};

class MatrixDistance final : public faiss::DistanceComputer {
 public:
  MatrixDistance(const VectorMatrix& matrix, const BuildDistances& distances)
      : matrix_(matrix), distances_(distances) {}
  // FAISS hands in rows of the matrix only: the row's number says everything.
  void set_query(const float* x) override {
    query_ = static_cast<uint32_t>((x - matrix_.rows) / matrix_.dim);
  }
  float operator()(idx_t i) override {
    return distances_.Between(query_, static_cast<uint32_t>(i));
  }
  float symmetric_dis(idx_t i, idx_t j) override {
    return distances_.Between(static_cast<uint32_t>(i), static_cast<uint32_t>(j));
  }

 private:
  const VectorMatrix& matrix_;
  const BuildDistances& distances_;
  uint32_t query_ = 0;
};

// What FAISS calls the storage: it only counts rows and makes distance computers. The metric is
// always announced as L2, which FAISS takes as "smaller is nearer"; for dot and cosine our
// distances are that already.
class MatrixStorage final : public faiss::Index {
 public:
  MatrixStorage(const VectorMatrix& matrix, const VectorCodes* codes)
      : faiss::Index(static_cast<idx_t>(matrix.dim), faiss::METRIC_L2),
        matrix_(matrix),
        distances_(matrix, codes) {}
  void add(idx_t n, const float*) override { ntotal += n; }
  void reset() override { ntotal = 0; }
  void search(
      idx_t, const float*, idx_t, float*, idx_t*, const faiss::SearchParameters*) const override {
    FAISS_THROW_MSG("this storage is not searched");
  }
  faiss::DistanceComputer* get_distance_computer() const override {
    return new MatrixDistance(matrix_, distances_);  // FAISS owns it
  }

 private:
  const VectorMatrix& matrix_;
  const BuildDistances distances_;
};

Status LoadPrevious(const HnswGraph& graph, faiss::HNSW& hnsw) {
  hnsw.entry_point = static_cast<int>(graph.header.entry);
  hnsw.max_level = static_cast<int>(graph.header.max_level);
  for (uint32_t node = 0; node < graph.header.count; ++node) {
    // FAISS has tables for as many levels as a graph can need, and looks into them unchecked.
    if (graph.levels[node] >= hnsw.cum_nneighbor_per_level.size()) {
      return DataLoss("node {} of the graph has {} levels", node, graph.levels[node]);
    }
    hnsw.levels.push_back(graph.levels[node]);
    hnsw.offsets.push_back(hnsw.offsets.back() +
                           static_cast<size_t>(hnsw.cum_nb_neighbors(graph.levels[node])));
    hnsw.neighbors.resize(hnsw.offsets.back(), -1);
    for (uint32_t level = 0; level < graph.levels[node]; ++level) {
      size_t begin = 0;
      size_t end = 0;
      hnsw.neighbor_range(node, static_cast<int>(level), &begin, &end);
      const uint32_t* links = graph.Links(node, level);
      // What lies behind the end of a list was not checked and must not reach FAISS, which looks at
      // the last place first.
      for (size_t i = begin; i < end && links[i - begin] != kNoLink; ++i) {
        hnsw.neighbors[i] = static_cast<int>(links[i - begin]);
      }
    }
  }
  return OkStatus();
}

Status WriteGraph(const faiss::HNSW& hnsw, uint32_t m, ByteSink& sink) {
  HnswHeader header;
  header.m = m;
  header.count = static_cast<uint32_t>(hnsw.levels.size());
  header.entry = static_cast<uint32_t>(hnsw.entry_point);
  header.max_level = static_cast<uint32_t>(hnsw.max_level);
  std::vector<uint8_t> levels(header.count);
  std::vector<uint32_t> upper_start(header.count, kNoLink);
  std::vector<uint32_t> upper_links;
  std::vector<uint32_t> base_links(size_t{header.count} * 2 * m);
  for (uint32_t node = 0; node < header.count; ++node) {
    levels[node] = static_cast<uint8_t>(hnsw.levels[node]);
    if (levels[node] > 1) {
      upper_start[node] = header.upper_rows;
      header.upper_rows += levels[node] - 1U;
    }
    for (int level = 0; level < hnsw.levels[node]; ++level) {
      size_t begin = 0;
      size_t end = 0;
      hnsw.neighbor_range(node, level, &begin, &end);
      for (size_t i = begin; i < end; ++i) {
        const auto link = static_cast<uint32_t>(hnsw.neighbors[i]);  // -1 becomes kNoLink
        if (level == 0) {
          base_links[size_t{node} * 2 * m + (i - begin)] = link;
        } else {
          upper_links.push_back(link);
        }
      }
    }
  }
  const HnswLayout layout(header);
  ALIDADE_RETURN_IF_ERROR(sink.Append({reinterpret_cast<const char*>(&header), sizeof(header)}));
  uint64_t at = sizeof(header);
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, levels, at, layout.levels));
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, upper_start, at, layout.upper_start));
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, upper_links, at, layout.upper_links));
  return AppendSection(sink, base_links, at, layout.base_links);
}

Status AddRows(faiss::IndexHNSW& index, const VectorMatrix& matrix, const BuildOptions& options) {
  auto done = static_cast<uint32_t>(index.ntotal);
  std::atomic<uint64_t> unwatched{0};
  auto& rows_done = options.progress == nullptr ? unwatched : options.progress->rows_done;
  rows_done += done;  // of the graph that is extended
  while (done < matrix.count) {
    if (options.progress != nullptr && options.progress->cancelled.load()) {
      return Cancelled("the index build was stopped");
    }
    const uint32_t count = std::min(kChunkRows, matrix.count - done);
    index.add(count, matrix.Row(done));
    done += count;
    rows_done += count;
  }
  return OkStatus();
}

}  // namespace

Status BuildHnsw(const IndexSpec& spec,
                 const VectorMatrix& matrix,
                 std::string_view previous,
                 const BuildOptions& options,
                 ByteSink& sink) {
  try {
    omp_set_num_threads(std::max(1, options.threads));  // of this thread's parallel regions only
    std::unique_ptr<TemporaryCodes> temporary;
    const VectorCodes* codes = options.codes;
    if (codes != nullptr && !EightBits(*codes).has_value()) {
      ALIDADE_ASSIGN_OR_RETURN(temporary, TemporaryCodes::Make(matrix, options.progress));
      codes = &temporary->codes();
    }
    MatrixStorage storage(matrix, codes);
    faiss::IndexHNSW index(&storage, static_cast<int>(spec.hnsw_m));
    index.hnsw.efConstruction = static_cast<int>(spec.hnsw_ef_construction);
    index.hnsw.rng = faiss::RandomGenerator(kLevelSeed);
    if (!previous.empty()) {
      ALIDADE_ASSIGN_OR_RETURN(const HnswGraph graph, ReadHnswGraph(previous));
      if (graph.header.m != spec.hnsw_m || graph.header.count > matrix.count) {
        return InvalidArgument(
            "the graph to extend has m {} and {} nodes, wanted m {} and at most {}",
            graph.header.m,
            graph.header.count,
            spec.hnsw_m,
            matrix.count);
      }
      ALIDADE_RETURN_IF_ERROR(LoadPrevious(graph, index.hnsw));
      storage.ntotal = index.ntotal = graph.header.count;
      index.hnsw.rng = faiss::RandomGenerator(kLevelSeed + graph.header.count);
    }
    ALIDADE_RETURN_IF_ERROR(AddRows(index, matrix, options));
    return WriteGraph(index.hnsw, spec.hnsw_m, sink);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory for the index build");
  } catch (const faiss::FaissException& error) {
    return Internal("FAISS failed: {}", error.what());
  }
}

}  // namespace alidade
