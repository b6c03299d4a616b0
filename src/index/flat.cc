// Path: search 6/8 (from segment/*): exact scans.
#include <algorithm>

#include "alidade/index/vector_index.h"

#include "contenders.h"
#include "exact_ranking.h"
#include "row_scan.h"

namespace alidade {
namespace {

// To find more than this share of the rows that have codes, the vectors themselves are read.
constexpr uint32_t kCodedShareMax = 8;

// Bytes that a thread reads before it looks whether it should go on helping: some 50 us (chosen).
constexpr size_t kPartBytes = size_t{1} << 20;

// The rows begin..end - 1 of so many bytes each.
struct RowRange {
  uint32_t begin = 0;
  uint32_t end = 0;
  size_t row_bytes = 0;
};

// Scans all rows, in parts if there are spare threads. `scan(worker, first, last)` answers how many
// rows it looked at, `worker` is less than Workers(options).
template <class Scan>
StatusOr<uint64_t> ScanParts(const RowRange& range,
                             const IndexSearchOptions& options,
                             const Scan& scan) {
  const auto part_rows = static_cast<uint32_t>(std::max<size_t>(kPartBytes / range.row_bytes, 1));
  const uint32_t parts = (range.end - range.begin + part_rows - 1) / part_rows;
  if (options.spare == nullptr || parts < 2) {
    return scan(0, range.begin, range.end);
  }
  std::vector<StatusOr<uint64_t>> rows(options.spare->workers(), uint64_t{0});
  options.spare->Share(parts, [&](uint32_t worker, uint32_t part) {
    StatusOr<uint64_t>& sum = rows[worker];
    if (sum.ok()) {  // a deadline that passed has passed for all parts
      const uint32_t first = range.begin + part * part_rows;
      const StatusOr<uint64_t> more =
          scan(worker, first, first + std::min(part_rows, range.end - first));
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

// Rows of a range by `distance`, which may be an estimate: calls take(worker, row, distance).
template <class Distance, class Take>
StatusOr<uint64_t> ScanRange(const RowRange& range,
                             const Distance& distance,
                             const IndexSearchOptions& options,
                             const Take& take) {
  return ScanParts(range, options, [&](uint32_t worker, uint32_t first, uint32_t last) {
    return ScanRows(
        first,
        last,
        distance,
        options.filter,
        options.deadline,
        EachRow([&take, worker](uint32_t slot, float found) { take(worker, slot, found); }));
  });
}

StatusOr<std::vector<Candidate>> ScanVectors(const VectorMatrix& matrix,
                                             const float* query,
                                             const IndexSearchOptions& options,
                                             SearchStats& stats) {
  const QueryDistance exact(matrix, query);
  std::vector<TopK> tops(Workers(options), TopK(options.k));
  ALIDADE_ASSIGN_OR_RETURN(
      const uint64_t rows,
      ScanRange({.begin = 0, .end = matrix.count, .row_bytes = matrix.row_bytes()},
                exact,
                options,
                [&tops](uint32_t worker, uint32_t slot, float distance) {
                  if (distance <= tops[worker].WorstDistance()) {
                    tops[worker].Push(distance, slot);
                  }
                }));
  stats.rows_scanned += rows;
  stats.distance_computations += rows;
  for (size_t worker = 1; worker < tops.size(); ++worker) {
    tops[0].Take(tops[worker]);
  }
  return tops[0].TakeSorted();
}

// The vectors behind those that have codes are read as they are.
StatusOr<std::vector<Candidate>> ScanCodes(const VectorMatrix& matrix,
                                           const CodedVectors& coded,
                                           const float* query,
                                           const IndexSearchOptions& options,
                                           SearchStats& stats) {
  CodeQuery prepared;
  prepared.Set(*coded.space, query);
  prepared.Prepare(coded.records.kind);
  const CodeDistance estimate(coded.records, prepared);
  const QueryDistance exact(matrix, query);
  const uint32_t split = std::min(coded.records.count, matrix.count);
  std::vector<Contenders> contenders(Workers(options), Contenders(options.k));
  ALIDADE_ASSIGN_OR_RETURN(
      const uint64_t by_codes,
      ScanRange({.begin = 0, .end = split, .row_bytes = coded.records.stride()},
                estimate,
                options,
                [&](uint32_t worker, uint32_t slot, float distance) {
                  contenders[worker].Offer(slot, distance, estimate.ErrorMax(slot));
                }));
  ALIDADE_ASSIGN_OR_RETURN(
      const uint64_t by_vectors,
      ScanRange({.begin = split, .end = matrix.count, .row_bytes = matrix.row_bytes()},
                exact,
                options,
                [&](uint32_t worker, uint32_t slot, float distance) {
                  contenders[worker].Offer(slot, distance, /*error=*/0);
                }));
  for (size_t worker = 1; worker < contenders.size(); ++worker) {
    contenders[0].Take(contenders[worker]);
  }
  const std::vector<Candidate> left = contenders[0].TakeSorted();
  stats.rows_scanned += by_codes + by_vectors;
  stats.distance_computations += by_codes + by_vectors;
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
                                             const CodedVectors& coded) {
  SearchStats unused;
  SearchStats& stats = options.stats == nullptr ? unused : *options.stats;
  const uint32_t codes = coded.space == nullptr ? 0 : coded.records.count;
  return codes >= kCodedRowsMin && options.k <= codes / kCodedShareMax
             ? ScanCodes(matrix, coded, query, options, stats)
             : ScanVectors(matrix, query, options, stats);
}

}  // namespace alidade
