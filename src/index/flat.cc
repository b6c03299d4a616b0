// Path: search 6/8 (from segment/*): exact scans.
#include <algorithm>

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

// Bytes that a thread reads before it looks whether it should go on helping: some 50 us (chosen).
constexpr size_t kPartBytes = size_t{1} << 20;

// Scans all rows, in parts if there are spare threads. `scan(worker, first, last)` answers how many
// rows it looked at, `worker` is less than Workers(options).
template <class Scan>
StatusOr<uint64_t> ScanParts(uint32_t count,
                             size_t row_bytes,
                             const IndexSearchOptions& options,
                             const Scan& scan) {
  const auto part_rows = static_cast<uint32_t>(std::max<size_t>(kPartBytes / row_bytes, 1));
  const uint32_t parts = (count + part_rows - 1) / part_rows;
  if (options.spare == nullptr || parts < 2) {
    return scan(0, 0, count);
  }
  std::vector<StatusOr<uint64_t>> rows(options.spare->workers(), uint64_t{0});
  options.spare->Share(parts, [&](uint32_t worker, uint32_t part) {
    StatusOr<uint64_t>& sum = rows[worker];
    if (sum.ok()) {  // a deadline that passed has passed for all parts
      const uint32_t first = part * part_rows;
      const StatusOr<uint64_t> more =
          scan(worker, first, first + std::min(part_rows, count - first));
      sum = more.ok() ? StatusOr<uint64_t>(*sum + *more) : more;
    }
  });
  uint64_t all = 0;
  for (const StatusOr<uint64_t>& sum : rows) {
    ALIDADE_ASSIGN_OR_RETURN(const uint64_t some, sum);
    all += some;
  }
  return all;
}

size_t Workers(const IndexSearchOptions& options) {
  return options.spare == nullptr ? 1 : options.spare->workers();
}

StatusOr<std::vector<Candidate>> ScanVectors(const VectorMatrix& matrix,
                                             const float* query,
                                             const IndexSearchOptions& options,
                                             SearchStats& stats) {
  const QueryDistance exact(matrix, query);
  std::vector<TopK> tops(Workers(options), TopK(options.k));
  ALIDADE_ASSIGN_OR_RETURN(const uint64_t rows,
                           ScanParts(matrix.count,
                                     matrix.dim * sizeof(float),
                                     options,
                                     [&](uint32_t worker, uint32_t first, uint32_t last) {
                                       TopK& top = tops[worker];
                                       return ScanRows(first,
                                                       last,
                                                       exact,
                                                       options.filter,
                                                       options.deadline,
                                                       [&top](uint32_t slot, float distance) {
                                                         if (distance <= top.WorstDistance()) {
                                                           top.Push(distance, slot);
                                                         }
                                                       });
                                     }));
  stats.rows_scanned += rows;
  stats.distance_computations += rows;
  for (size_t worker = 1; worker < tops.size(); ++worker) {
    tops[0].Take(tops[worker]);
  }
  return tops[0].TakeSorted();
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
  std::vector<Contenders> contenders(Workers(options), Contenders(options.k));
  ALIDADE_ASSIGN_OR_RETURN(const uint64_t rows,
                           ScanParts(matrix.count,
                                     records.stride(),
                                     options,
                                     [&](uint32_t worker, uint32_t first, uint32_t last) {
                                       Contenders& mine = contenders[worker];
                                       return ScanRows(
                                           first,
                                           last,
                                           estimate,
                                           options.filter,
                                           options.deadline,
                                           [&](uint32_t slot, float distance) {
                                             mine.Offer(slot, distance, estimate.ErrorMax(slot));
                                           });
                                     }));
  for (size_t worker = 1; worker < contenders.size(); ++worker) {
    contenders[0].Take(contenders[worker]);
  }
  const std::vector<Candidate> left = contenders[0].TakeSorted();
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
