// Path: search 6/8 (from segment/*): exact scans.
#include "alidade/index/vector_codes.h"
#include "alidade/index/vector_index.h"

#include "contenders.h"
#include "exact_ranking.h"
#include "row_scan.h"

namespace alidade {
namespace {

// Of fewer rows, or to find more than this share of them, the vectors themselves are read.
constexpr uint32_t kCodedRowsMin = 512;
constexpr uint32_t kCodedShareMax = 8;

StatusOr<std::vector<Candidate>> ScanVectors(const VectorMatrix& matrix,
                                             const float* query,
                                             const IndexSearchOptions& options,
                                             SearchStats& stats) {
  TopK top(options.k);
  ALIDADE_ASSIGN_OR_RETURN(const uint64_t rows,
                           ScanRows(0,
                                    matrix.count,
                                    QueryDistance(matrix, query),
                                    options.filter,
                                    options.deadline,
                                    [&top](uint32_t slot, float distance) {
                                      if (distance <= top.WorstDistance()) {
                                        top.Push(distance, slot);
                                      }
                                    }));
  stats.rows_scanned += rows;
  stats.distance_computations += rows;
  return top.TakeSorted();
}

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
  ALIDADE_ASSIGN_OR_RETURN(const uint64_t rows,
                           ScanRows(0,
                                    matrix.count,
                                    estimate,
                                    options.filter,
                                    options.deadline,
                                    [&](uint32_t slot, float distance) {
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
