// Path: search 6/8 (from segment/*): exact scans.
#include <algorithm>

#include "alidade/index/vector_codes.h"
#include "alidade/index/vector_index.h"

#include "exact_ranking.h"

namespace alidade {
namespace {

// Rows between two looks at the deadline; their distances stay in the first-level cache.
constexpr uint32_t kBlockRows = 512;
// Of fewer rows, or to find more than this share of them, the vectors themselves are read.
constexpr uint32_t kCodedRowsMin = 512;
constexpr uint32_t kCodedShareMax = 8;

// Calls `take(slot, distance)` for every allowed row. How many there were.
template <class Distance, class Take>
StatusOr<uint64_t> Scan(uint32_t rows,
                        const Distance& distance,
                        const IndexSearchOptions& options,
                        const Take& take) {
  float distances[kBlockRows];
  uint32_t slots[kBlockRows];
  uint64_t computed = 0;
  for (uint32_t first = 0; first < rows; first += kBlockRows) {
    if (options.deadline != nullptr) {
      ALIDADE_RETURN_IF_ERROR(options.deadline->Check());
    }
    uint32_t count = std::min(kBlockRows, rows - first);
    if (options.filter == nullptr) {
      distance.Range(first, count, distances);
      for (uint32_t i = 0; i < count; ++i) {
        take(first + i, distances[i]);
      }
    } else {
      uint32_t allowed = 0;
      for (uint32_t i = 0; i < count; ++i) {
        if (options.filter->Allows(first + i)) {
          distance.Prefetch(first + i);
          slots[allowed++] = first + i;
        }
      }
      count = allowed;
      distance.Many(slots, count, distances);
      for (uint32_t i = 0; i < count; ++i) {
        take(slots[i], distances[i]);
      }
    }
    computed += count;
  }
  return computed;
}

StatusOr<std::vector<Candidate>> ScanVectors(const VectorMatrix& matrix,
                                             const float* query,
                                             const IndexSearchOptions& options,
                                             SearchStats& stats) {
  TopK top(options.k);
  ALIDADE_ASSIGN_OR_RETURN(const uint64_t rows,
                           Scan(matrix.count,
                                QueryDistance(matrix, query),
                                options,
                                [&top](uint32_t slot, float distance) {
                                  if (distance <= top.WorstDistance()) {
                                    top.Push(distance, slot);
                                  }
                                }));
  stats.rows_scanned += rows;
  stats.distance_computations += rows;
  return top.TakeSorted();
}

// The rows that may be among the k nearest, judged by bounds of their distances.
class Contenders {
 public:
  explicit Contenders(uint32_t k) : nearest_(k), pruned_(kBlockRows + 2 * size_t{k}) {}

  void Offer(uint32_t slot, float estimate, float error) {
    if (const float least = estimate - error; least <= nearest_.WorstDistance()) {
      nearest_.Push(estimate + error, slot);
      rows_.push_back({least, slot});
      if (rows_.size() >= 2 * pruned_) {
        Prune();
        pruned_ = std::max(pruned_, rows_.size());
      }
    }
  }
  // By what they may be at the least.
  std::vector<Candidate> TakeSorted() {
    Prune();
    std::sort(rows_.begin(), rows_.end());
    return std::move(rows_);
  }

 private:
  // k rows are surely as near as the worst of nearest_: what is surely farther is out.
  void Prune() {
    std::erase_if(rows_, [bound = nearest_.WorstDistance()](const Candidate& row) {
      return row.distance > bound;
    });
  }

  TopK nearest_;  // by what they may be at the most
  std::vector<Candidate> rows_;
  size_t pruned_;  // rows left by the last Prune
};

StatusOr<std::vector<Candidate>> ScanCodes(const VectorMatrix& matrix,
                                           const VectorCodes& codes,
                                           const float* query,
                                           const IndexSearchOptions& options,
                                           SearchStats& stats) {
  const CodeMatrix records = codes.rank().value_or(codes.walk());
  CodeQuery prepared;
  prepared.Set(codes.space(), query);
  prepared.Prepare(records.kind);
  const CodeDistance estimate(records, prepared);
  Contenders contenders(options.k);
  ALIDADE_ASSIGN_OR_RETURN(
      const uint64_t rows,
      Scan(matrix.count, estimate, options, [&](uint32_t slot, float distance) {
        contenders.Offer(slot, distance, estimate.ErrorMax(slot));
      }));
  const std::vector<Candidate> left = contenders.TakeSorted();
  const QueryDistance exact(matrix, query);
  stats.rows_scanned += rows;
  stats.distance_computations += rows;
  return RankExactly(
      left,
      [](const Candidate& candidate) { return candidate.distance; },
      exact,
      options.k,
      options.deadline,
      stats.distance_computations);
}

}  // namespace

StatusOr<std::vector<Candidate>> ExactSearch(const VectorMatrix& matrix,
                                             const float* query,
                                             const IndexSearchOptions& options,
                                             const VectorCodes* codes) {
  SearchStats unused;
  SearchStats& stats = options.stats == nullptr ? unused : *options.stats;
  const bool coded = codes != nullptr && matrix.count >= kCodedRowsMin &&
                     options.k <= matrix.count / kCodedShareMax;
  return coded ? ScanCodes(matrix, *codes, query, options, stats)
               : ScanVectors(matrix, query, options, stats);
}

}  // namespace alidade
