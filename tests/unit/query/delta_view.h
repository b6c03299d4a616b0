// A view of one delta, for tests of what is done with hits.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"
#include "alidade/common/point_id.h"
#include "alidade/query/ranking.h"
#include "alidade/segment/delta.h"

namespace alidade {

struct DeltaRow {
  uint64_t id = 0;
  Object payload = {};
};

// Row i of segment 0 is rows[i].
inline SegmentSet ViewOfRows(const std::vector<DeltaRow>& rows) {
  SegmentSet view;
  view.at = SeqNo(1);
  view.schema.fields.push_back(
      {.id = FieldId(1), .name = "v", .dim = 1, .metric = Metric::kL2, .index = {}});
  auto delta = std::make_shared<Delta>(view.schema, RowNo(0), Delta::Options());
  const float value = 1;
  const std::string_view vector(reinterpret_cast<const char*>(&value), sizeof(value));
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string id = PointId(rows[i].id).Encode();
    std::string payload;
    EncodeObject(rows[i].payload, payload);
    EXPECT_TRUE(delta->Append(
        {.row = RowNo(i), .encoded_id = id, .payload = payload, .vectors = {vector}}));
  }
  view.live_rows = rows.size();
  view.segments.push_back({std::move(delta), static_cast<uint32_t>(rows.size())});
  return view;
}

inline RankedHit HitAt(RowId row, double score) {
  return {.place = {.distance = 0, .segment = 0, .row = row}, .score = score};
}

// (row, score) of each hit.
inline std::vector<std::pair<RowId, double>> RowsAndScores(const Ranking& ranking) {
  std::vector<std::pair<RowId, double>> out;
  for (const RankedHit& hit : ranking) {
    out.emplace_back(hit.place.row, hit.score);
  }
  return out;
}

}  // namespace alidade
