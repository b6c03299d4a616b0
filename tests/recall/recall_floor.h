// A recall with its floor: measured at fixed seeds, printed with its parameters.
#pragma once

#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "alidade/index/vector_index.h"

#include "support/built_index.h"
#include "support/vector_set.h"

namespace alidade {

struct RecallCase {
  std::string name;
  IndexKind kind;
  IndexSpec spec;
  IndexSearchOptions options;
  double floor;
};

inline void ExpectRecallAtLeast(const RecallCase& tested,
                                const VectorIndex& index,
                                const VectorMatrix& matrix,
                                const VectorSet& queries) {
  SearchStats stats;
  IndexSearchOptions options = tested.options;
  options.stats = nullptr;
  const auto recall = RecallOf(index, matrix, queries, options);
  ASSERT_TRUE(recall.ok()) << recall.status();
  options.stats = &stats;
  for (uint32_t i = 0; i < queries.count(); ++i) {
    ASSERT_TRUE(index.Search(queries.Row(i), options).ok());
  }
  const std::string line = fmt::format(
      "{}: recall@{} {:.4f} (floor {:.3f}), {} {}, ef {}, nprobe {}, {} rows of {}, {} queries, "
      "{:.0f} distances a query",
      tested.name,
      options.k,
      *recall,
      tested.floor,
      MetricName(matrix.metric),
      DescribeIndexSpec(tested.spec),
      options.ef == 0 ? "default" : std::to_string(options.ef),
      options.nprobe == 0 ? "default" : std::to_string(options.nprobe),
      matrix.count,
      matrix.dim,
      queries.count(),
      static_cast<double>(stats.distance_computations) / queries.count());
  std::printf("%s\n", line.c_str());
  EXPECT_GE(*recall, tested.floor) << line;
  // An index that compares everything has any recall.
  EXPECT_LT(stats.distance_computations, uint64_t{queries.count()} * matrix.count * 3 / 4) << line;
}

}  // namespace alidade
