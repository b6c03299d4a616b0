// A plain model of the rows of a collection, which deltas and segments are compared with.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"
#include "alidade/segment/delta.h"
#include "alidade/segment/segment.h"

#include "support/status_matchers.h"

namespace alidade {

struct ModelRow {
  RowNo row;
  std::string id;
  std::string payload;
  std::vector<std::optional<std::vector<float>>> vectors;  // by field
  SeqNo deleted;
};

using Rng = std::mt19937_64;

inline uint32_t Below(Rng& rng, uint32_t end) { return static_cast<uint32_t>(rng() % end); }

// Small whole numbers: squares and products add up exactly in float, so L2 and dot have one right
// answer.
inline std::vector<float> WholeVector(Rng& rng, uint32_t dim) {
  std::vector<float> vector(dim);
  for (float& x : vector) {
    x = static_cast<float>(Below(rng, 17)) - 8.0F;
  }
  vector[0] += 9.0F;  // never zero, which cosine does not allow
  return vector;
}

inline Schema ThreeFields() {
  Schema schema;
  schema.fields.push_back(
      {.id = FieldId(1), .name = "text", .dim = 7, .metric = Metric::kCosine, .index = {}});
  schema.fields.push_back(
      {.id = FieldId(2), .name = "image", .dim = 3, .metric = Metric::kL2, .index = {}});
  schema.fields.push_back(
      {.id = FieldId(5), .name = "sound", .dim = 19, .metric = Metric::kDot, .index = {}});
  return schema;
}

// `present_percent`: how many of the rows have the vector of a field.
inline ModelRow MakeRow(Rng& rng, const Schema& schema, RowNo row, uint32_t present_percent = 100) {
  ModelRow made{.row = row,
                .id = "\x02id-" + std::to_string(row.value()),
                .payload = std::string(Below(rng, 40), 'p') + std::to_string(rng()),
                .vectors = {},
                .deleted = SeqNo()};
  for (const VectorField& field : schema.fields) {
    made.vectors.emplace_back();
    if (Below(rng, 100) < present_percent) {
      made.vectors.back() = WholeVector(rng, field.dim);
    }
  }
  return made;
}

// Payloads by whose the rows are: seven tenants, nobody, or two at once.
inline void GiveTenants(Rng& rng, std::vector<ModelRow>& rows) {
  for (ModelRow& row : rows) {
    const auto name = [&rng] { return Value("tenant " + std::to_string(Below(rng, 7))); };
    Object payload = {{"row", Value(static_cast<int64_t>(row.row.value()))}};
    if (Below(rng, 10) > 0) {
      payload["t"] = Below(rng, 10) > 0 ? name() : Value(List{name(), name()});
    }
    row.payload.clear();
    EncodeObject(payload, row.payload);
  }
}

// Of several values the least counts; of none, the row comes first.
inline std::string TenantOf(const Object& payload) {
  const auto found = payload.find("t");
  if (found == payload.end()) {
    return {};
  }
  const auto* list = std::get_if<List>(&found->second.data());
  return list == nullptr ? std::get<std::string>(found->second.data())
                         : std::min(std::get<std::string>((*list)[0].data()),
                                    std::get<std::string>((*list)[1].data()));
}

inline void SortByTenant(std::span<ModelRow> rows) {
  std::ranges::stable_sort(
      rows, {}, [](const ModelRow& row) { return TenantOf(*DecodeObject(row.payload)); });
}

inline bool AppendTo(Delta& delta, const ModelRow& row) {
  NewRow fresh{.row = row.row, .encoded_id = row.id, .payload = row.payload, .vectors = {}};
  for (const auto& vector : row.vectors) {
    fresh.vectors.push_back(vector ? std::string_view(reinterpret_cast<const char*>(vector->data()),
                                                      vector->size() * sizeof(float))
                                   : std::string_view());
  }
  return delta.Append(fresh);
}

inline void CheckRowsEqual(const Segment& segment, const std::vector<ModelRow>& rows) {
  ASSERT_EQ(segment.rows(), rows.size());
  for (RowId i = 0; i < rows.size(); ++i) {
    const ModelRow& row = rows[i];
    ASSERT_EQ(segment.row_number(i), row.row);
    ASSERT_EQ(segment.FindRow(row.row), std::optional<RowId>(i));
    ASSERT_EQ(segment.encoded_id(i), row.id);
    ASSERT_EQ(segment.payload(i, kNewestSeq), row.payload);
    for (FieldIndex f = 0; f < row.vectors.size(); ++f) {
      const VectorView vector = segment.vector(f, i);
      ASSERT_EQ(vector.has_value(), row.vectors[f].has_value());
      if (vector.has_value()) {  // bytes, not values: -0.0 stays -0.0
        ASSERT_EQ(vector.bytes(),
                  std::string_view(reinterpret_cast<const char*>(row.vectors[f]->data()),
                                   row.vectors[f]->size() * sizeof(float)));
      }
    }
  }
}

// A frozen delta of these rows, which must fit; deletes are marked.
inline std::shared_ptr<Delta> MakeDelta(const Schema& schema,
                                        const std::vector<ModelRow>& rows,
                                        RowNo first,
                                        RowNo last) {
  auto delta = std::make_shared<Delta>(
      schema, first, Delta::Options{.rows_max = 100'000, .bytes_max = size_t{1} << 30});
  for (const ModelRow& row : rows) {
    EXPECT_TRUE(AppendTo(*delta, row));
    if (row.deleted.value() != 0) {
      delta->MarkDeleted(delta->rows() - 1, row.deleted);
    }
  }
  delta->Freeze(last);
  return delta;
}

// Rows numbered from `first` on, each with a gap of up to two after it.
inline std::vector<ModelRow> MakeRows(Rng& rng,
                                      const Schema& schema,
                                      uint32_t count,
                                      uint64_t first,
                                      uint32_t present_percent = 100) {
  std::vector<ModelRow> rows;
  for (uint64_t row = first; rows.size() < count; row += 1 + Below(rng, 3)) {
    rows.push_back(MakeRow(rng, schema, RowNo(row), present_percent));
  }
  return rows;
}

}  // namespace alidade
