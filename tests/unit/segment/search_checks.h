// Searches of a segment, compared with the model.
#pragma once

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/segment/segment.h"

#include "segment_model.h"
#include "support/status_matchers.h"

namespace alidade {

inline double ModelDistance(const VectorField& field,
                            const std::vector<float>& a,
                            const std::vector<float>& b) {
  double dot = 0;
  double aa = 0;
  double bb = 0;
  double squared = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = double{a[i]};
    const double y = double{b[i]};
    dot += x * y;
    aa += x * x;
    bb += y * y;
    squared += (x - y) * (x - y);
  }
  switch (field.metric) {
    case Metric::kL2:
      return squared;
    case Metric::kDot:
      return -dot;
    case Metric::kCosine:
      return 1 - dot / std::sqrt(aa * bb);
  }
  return 0;
}

// The hits must be the nearest rows of the view; under L2 and dot with whole vectors exactly these.
inline void CheckExactHits(const std::vector<RowHit>& hits,
                           const std::vector<ModelRow>& rows,
                           const VectorField& field,
                           const SegmentSearch& search) {
  const std::vector<float> query(search.query, search.query + field.dim);
  std::vector<std::pair<double, RowId>> expected;
  for (RowId i = 0; i < std::min<size_t>(rows.size(), search.visible_rows); ++i) {
    const bool alive = rows[i].deleted.value() == 0 || rows[i].deleted > search.at;
    if (alive && rows[i].vectors[search.field] &&
        (search.allowed == nullptr || search.allowed->rows.Test(i))) {
      expected.emplace_back(ModelDistance(field, query, *rows[i].vectors[search.field]), i);
    }
  }
  std::sort(expected.begin(), expected.end());
  ASSERT_EQ(hits.size(), std::min<size_t>(expected.size(), search.k));
  std::set<RowId> seen;
  for (size_t i = 0; i < hits.size(); ++i) {
    ASSERT_NEAR(double{hits[i].distance}, expected[i].first, 1e-4);
    ASSERT_TRUE(seen.insert(hits[i].row).second);
    if (field.metric == Metric::kCosine) {
      const auto own = std::find_if(expected.begin(), expected.end(), [&](const auto& entry) {
        return entry.second == hits[i].row;
      });
      ASSERT_NE(own, expected.end()) << "row " << hits[i].row << " is not in the view";
      ASSERT_NEAR(own->first, expected[i].first, 1e-4);
    } else {
      ASSERT_EQ(hits[i].row, expected[i].second);
    }
  }
}

// Searches random fields, ks and row sets of one view and compares.
inline void CheckSearches(Rng& rng,
                          const Segment& segment,
                          const Schema& schema,
                          const std::vector<ModelRow>& rows,
                          SeqNo at,
                          uint32_t visible) {
  SegmentSearch search;
  search.field = Below(rng, static_cast<uint32_t>(schema.fields.size()));
  const std::vector<float> query = WholeVector(rng, schema.fields[search.field].dim);
  search.query = query.data();
  search.k = 1 + Below(rng, 30);
  search.at = at;
  search.visible_rows = visible;
  RowBitmap allowed(visible);
  std::optional<SelectedRows> selected;
  if (Below(rng, 3) == 0) {
    for (RowId row = 0; row < visible; ++row) {
      if (Below(rng, 4) == 0 && segment.AliveAt(row, at)) {
        allowed.Set(row);
      }
    }
    selected.emplace(std::move(allowed));
    search.allowed = &*selected;
  }
  const auto hits = segment.SearchExact(search);
  ASSERT_THAT(hits.status(), IsOk());
  ASSERT_NO_FATAL_FAILURE(CheckExactHits(*hits, rows, schema.fields[search.field], search));
}

}  // namespace alidade
