#include "alidade/segment/segment_writer.h"

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <variant>

#include <gtest/gtest.h>

#include "alidade/common/file.h"
#include "alidade/common/memory_budget.h"
#include "alidade/common/payload_codec.h"
#include "alidade/filter/payload_index.h"
#include "alidade/index/subset_graphs.h"

#include "search_checks.h"
#include "segment_files.h"
#include "segment_model.h"

namespace alidade {
namespace {

constexpr SeqNo kAt(1000);

std::shared_ptr<SealedSegment> MustOpen(const SegmentWriteResult& written, const Schema& schema) {
  auto opened = SealedSegment::Open(MakeOpenOptions(written, schema));
  EXPECT_TRUE(opened.ok()) << opened.status();
  return opened.ok() ? std::shared_ptr<SealedSegment>(std::move(opened).value()) : nullptr;
}

// Rows that are alive at `at`, with later deletes still marked.
std::vector<ModelRow> AliveAt(const std::vector<ModelRow>& rows, SeqNo at) {
  std::vector<ModelRow> alive;
  for (const ModelRow& row : rows) {
    if (row.deleted.value() == 0 || row.deleted > at) {
      alive.push_back(row);
    }
  }
  return alive;
}

TEST(SegmentWriterTest, WhatIsWrittenIsReadBackBitForBit) {
  const TemporaryDirectory directory;
  const Schema schema = ThreeFields();
  Rng rng(1);
  std::vector<ModelRow> rows = MakeRows(rng, schema, 500, 40, 80);
  rows[3].vectors[1] = {-0.0F, std::numeric_limits<float>::denorm_min(), 1.0F};
  rows[4].vectors[1] = {-1e-40F, 3e30F, -0.0F};
  rows[5].payload = std::string("a\0b", 3);
  rows[6].payload.clear();
  const auto request =
      MakeWriteRequest(directory, schema, 77, {MakeDelta(schema, rows, RowNo(30), RowNo(2000))});
  const auto written = WriteSegment(request);
  ASSERT_THAT(written.status(), IsOk());
  EXPECT_EQ(written->directory, directory.path() + "/segments/00000003/000000000000004d");
  const SegmentManifest& manifest = written->manifest;
  EXPECT_EQ(manifest.segment, SegmentId(77));
  EXPECT_EQ(manifest.rows, 500U);
  EXPECT_EQ(manifest.first_row, RowNo(30));
  EXPECT_EQ(manifest.last_row, RowNo(2000));
  EXPECT_EQ(manifest.built_at, kAt);
  EXPECT_EQ(manifest.specs.size(), 3U);
  EXPECT_EQ(*DecodeManifest(EncodeManifest(manifest)), manifest);

  const auto segment = MustOpen(*written, schema);
  ASSERT_NE(segment, nullptr);
  CheckRowsEqual(*segment, rows);
  EXPECT_EQ(segment->manifest(), manifest);
  EXPECT_TRUE(segment->damaged_indexes().empty());
  EXPECT_EQ(segment->first_row(), RowNo(30));
  EXPECT_EQ(segment->last_row(), RowNo(2000));
  for (FieldIndex f = 0; f < 3; ++f) {
    EXPECT_EQ(segment->index_kind(f), IndexKind::kFlat);
    EXPECT_TRUE(segment->index_body(f).empty());
    EXPECT_EQ(segment->vectors(f), std::count_if(rows.begin(), rows.end(), [&](const auto& row) {
                return row.vectors[f].has_value();
              }));
  }
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(written->directory)) {
    bytes += entry.file_size();
  }
  EXPECT_EQ(segment->disk_bytes(), bytes);
}

TEST(SegmentWriterTest, SearchesOfASealedSegmentAgreeWithThePlainModel) {
  for (const uint32_t present : {100U, 60U}) {
    const TemporaryDirectory directory;
    const Schema schema = ThreeFields();
    Rng rng(present);
    std::vector<ModelRow> rows = MakeRows(rng, schema, 400, 0, present);
    const auto written = WriteSegment(
        MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(5000))}));
    ASSERT_THAT(written.status(), IsOk());
    const auto segment = MustOpen(*written, schema);
    ASSERT_NE(segment, nullptr);
    for (uint64_t seq = 1001; seq < 1300; ++seq) {
      if (seq > 1100) {  // first without any deleted row
        const RowId victim = Below(rng, 400);
        if (rows[victim].deleted.value() == 0) {
          rows[victim].deleted = SeqNo(seq);
        }
        segment->MarkDeleted(victim, SeqNo(seq));
      }
      const SeqNo at(1000 + Below(rng, static_cast<uint32_t>(seq - 999)));
      ASSERT_NO_FATAL_FAILURE(CheckSearches(rng, *segment, schema, rows, at, 400));
    }
  }
}

TEST(SegmentWriterTest, ASealedSegmentFindsItsRowsByTheirIds) {
  const TemporaryDirectory directory;
  const Schema schema = ThreeFields();
  Rng rng(5);
  std::vector<ModelRow> rows = MakeRows(rng, schema, 900, 0);
  const auto id_of = [](uint64_t number) {
    return number % 2 == 0 ? PointId(number) : PointId("id-" + std::to_string(number));
  };
  for (ModelRow& row : rows) {  // most ids have several rows
    row.id = id_of(Below(rng, 300)).Encode();
  }
  const auto delta = MakeDelta(schema, rows, RowNo(0), RowNo(5000));
  EXPECT_EQ(delta->FindIds({id_of(1)}), std::nullopt);
  const auto written = WriteSegment(MakeWriteRequest(directory, schema, 1, {delta}));
  ASSERT_THAT(written.status(), IsOk());
  const auto segment = MustOpen(*written, schema);
  ASSERT_NE(segment, nullptr);
  const size_t bytes = segment->memory_bytes();
  for (int i = 0; i < 50; ++i) {
    std::vector<PointId> ids;
    for (uint32_t k = Below(rng, 30); k > 0; --k) {
      ids.push_back(id_of(Below(rng, 400)));  // some are nowhere, some come twice
    }
    RowBitmap expected(segment->rows());
    for (RowId row = 0; row < rows.size(); ++row) {
      if (std::ranges::any_of(ids,
                              [&](const PointId& id) { return id.Encode() == rows[row].id; })) {
        expected.Set(row);
      }
    }
    EXPECT_EQ(segment->FindIds(ids), expected);
  }
  EXPECT_GE(segment->memory_bytes(), bytes + 900 * 8);
  EXPECT_LE(segment->memory_bytes(), bytes + 900 * 16);
}

TEST(SegmentWriterTest, MergesRunsOfSegmentsAndDeltasWithDeletesInBetween) {
  const TemporaryDirectory directory;
  const Schema schema = ThreeFields();
  Rng rng(3);
  std::vector<ModelRow> model;
  std::shared_ptr<SealedSegment> merged;
  uint64_t next_row = 0;
  for (uint64_t round = 1; round <= 8; ++round) {
    const SeqNo at(round * 100);
    std::vector<std::shared_ptr<const Segment>> inputs;
    if (merged != nullptr) {
      inputs.push_back(merged);
    }
    // Deletes among the old rows: some before the build's moment, some after it.
    for (RowId row = 0; row < model.size(); ++row) {
      if (Below(rng, 5) == 0 && model[row].deleted.value() == 0) {
        model[row].deleted = SeqNo(at.value() - 20 + Below(rng, 40));
        merged->MarkDeleted(row, model[row].deleted);
      }
    }
    for (int i = 0; i < 2; ++i) {
      std::vector<ModelRow> rows = MakeRows(rng, schema, 1 + Below(rng, 60), next_row, 75);
      for (ModelRow& row : rows) {
        if (Below(rng, 4) == 0) {
          row.deleted = SeqNo(at.value() - 20 + Below(rng, 40));
        }
      }
      const RowNo last(rows.back().row.value() + 2);
      inputs.push_back(MakeDelta(schema, rows, RowNo(next_row), last));
      next_row = last.value() + 1;
      model.insert(model.end(), rows.begin(), rows.end());
    }
    auto request = MakeWriteRequest(directory, schema, round, inputs);
    request.at = at;
    const auto written = WriteSegment(request);
    ASSERT_THAT(written.status(), IsOk());
    model = AliveAt(model, at);
    if (merged != nullptr) {
      merged->RemoveFilesWhenUnused();
    }
    merged = MustOpen(*written, schema);
    ASSERT_NE(merged, nullptr);
    EXPECT_EQ(merged->first_row(), RowNo(0));
    EXPECT_EQ(merged->last_row(), RowNo(next_row - 1));
    ASSERT_NO_FATAL_FAILURE(CheckRowsEqual(*merged, model));
    // Deletes after the build's moment are the caller's to mark again.
    EXPECT_EQ(merged->deleted_rows(), 0U);
    for (RowId row = 0; row < model.size(); ++row) {
      if (model[row].deleted.value() != 0) {
        merged->MarkDeleted(row, model[row].deleted);
      }
    }
    ASSERT_NO_FATAL_FAILURE(
        CheckSearches(rng, *merged, schema, model, SeqNo(at.value() + 50), merged->rows()));
  }
  // Inputs that nobody reads any more are gone.
  EXPECT_EQ(ListDirectory(directory.path() + "/segments/00000003")->size(), 1U);
}

TEST(SegmentWriterTest, RowsOfOneTenantLieTogether) {
  const TemporaryDirectory directory;
  Schema schema = ThreeFields();
  schema.payload_indexes = {{PayloadIndexId(1), "row", PayloadIndexType::kInteger},
                            {PayloadIndexId(2), "t", PayloadIndexType::kKeyword, {}, true}};
  Rng rng(6);
  std::vector<ModelRow> rows = MakeRows(rng, schema, 300, 0, 80);
  std::vector<ModelRow> more = MakeRows(rng, schema, 200, 2'000, 80);
  GiveTenants(rng, rows);
  GiveTenants(rng, more);
  for (RowId row = 0; row < rows.size(); row += 9) {
    rows[row].deleted = SeqNo(900);
  }
  const auto written =
      WriteSegment(MakeWriteRequest(directory,
                                    schema,
                                    1,
                                    {MakeDelta(schema, rows, RowNo(0), RowNo(1'999)),
                                     MakeDelta(schema, more, RowNo(2'000), RowNo(5'000))}));
  ASSERT_THAT(written.status(), IsOk());
  const auto segment = MustOpen(*written, schema);
  ASSERT_NE(segment, nullptr);
  rows = AliveAt(rows, kAt);
  rows.insert(rows.end(), more.begin(), more.end());
  SortByTenant(rows);
  ASSERT_NO_FATAL_FAILURE(CheckRowsEqual(*segment, rows));
  EXPECT_EQ(segment->FindRow(RowNo(1'999)), std::nullopt);
  EXPECT_EQ(segment->FindRow(RowNo(5'000)), std::nullopt);
  ASSERT_NO_FATAL_FAILURE(CheckSearches(rng, *segment, schema, rows, kAt, segment->rows()));
  // Both indexes are over the rows as they lie.
  for (const KeyedPayloadIndex& keyed : *segment->payload_indexes()) {
    const auto& values = std::get<PayloadIndex>(keyed.index);
    for (uint64_t value = 0; value < values.values(); ++value) {
      for (const uint32_t row : values.RowsOf(value)) {
        const Object payload = *DecodeObject(rows[row].payload);
        if (keyed.spec.key == "row") {
          EXPECT_EQ(*values.scalar(value), Scalar(std::get<int64_t>(payload.at("row").data())));
        } else {
          EXPECT_TRUE(payload.contains("t"));
        }
      }
    }
  }
}

TEST(SegmentWriterTest, OfOnlyDeadRowsNothingIsWritten) {
  const TemporaryDirectory directory;
  const Schema schema = ThreeFields();
  Rng rng(4);
  std::vector<ModelRow> rows = MakeRows(rng, schema, 20, 0);
  for (ModelRow& row : rows) {
    row.deleted = SeqNo(5);
  }
  for (const bool extend : {false, true}) {
    auto request =
        MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(99))});
    request.extend_first = extend;
    const auto written = WriteSegment(request);
    ASSERT_THAT(written.status(), IsOk());
    EXPECT_EQ(written->manifest.rows, 0U);
    EXPECT_TRUE(written->directory.empty());
    EXPECT_FALSE(PathExists(request.parent_directory + "/0000000000000001"));
  }
}

TEST(SegmentWriterTest, FieldsThatNoRowHasTakeNoFile) {
  const TemporaryDirectory directory;
  const Schema schema = ThreeFields();
  Rng rng(4);
  const std::vector<ModelRow> rows = MakeRows(rng, schema, 20, 0, 0);
  const auto written = WriteSegment(
      MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(99))}));
  ASSERT_THAT(written.status(), IsOk());
  EXPECT_EQ(written->manifest.files.size(), 1U);
  const auto segment = MustOpen(*written, schema);
  ASSERT_NE(segment, nullptr);
  CheckRowsEqual(*segment, rows);
  ASSERT_NO_FATAL_FAILURE(CheckSearches(rng, *segment, schema, rows, kAt, 20));
}

TEST(SegmentWriterTest, ExistingDirectoriesAreNeverTouched) {
  const TemporaryDirectory directory;
  const Schema schema = ThreeFields();
  Rng rng(4);
  const std::vector<ModelRow> rows = MakeRows(rng, schema, 20, 0);
  const auto request =
      MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(99))});
  const auto written = WriteSegment(request);
  ASSERT_THAT(written.status(), IsOk());
  EXPECT_EQ(WriteSegment(request).status().code(), StatusCode::kInternal);
  EXPECT_NE(MustOpen(*written, schema), nullptr);
}

TEST(SegmentWriterTest, StopsWhenCancelledAndLeavesNothing) {
  const TemporaryDirectory directory;
  const Schema schema = ThreeFields();
  Rng rng(4);
  const std::vector<ModelRow> rows = MakeRows(rng, schema, 20, 0);
  auto request =
      MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(99))});
  BuildProgress progress;
  progress.cancelled = true;
  request.build.progress = &progress;
  EXPECT_EQ(WriteSegment(request).status().code(), StatusCode::kCancelled);
  EXPECT_TRUE(ListDirectory(request.parent_directory)->empty());
}

TEST(SegmentWriterTest, FilesGoWithTheLastReader) {
  const TemporaryDirectory directory;
  const Schema schema = ThreeFields();
  Rng rng(4);
  const std::vector<ModelRow> rows = MakeRows(rng, schema, 20, 0);
  const auto written = WriteSegment(
      MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(99))}));
  ASSERT_THAT(written.status(), IsOk());
  auto segment = MustOpen(*written, schema);
  ASSERT_NE(segment, nullptr);
  std::shared_ptr<const Segment> reader = segment;
  segment->RemoveFilesWhenUnused();
  segment.reset();
  EXPECT_TRUE(PathExists(written->directory));
  CheckRowsEqual(*reader, rows);
  reader.reset();
  EXPECT_FALSE(PathExists(written->directory));
}

// --- with indexes ---

Schema IndexedSchema(const IndexSpec& spec, Metric metric) {
  Schema schema;
  schema.fields.push_back(
      {.id = FieldId(1), .name = "v", .dim = 16, .metric = metric, .index = spec});
  return schema;
}

std::vector<float> GaussVector(Rng& rng, uint32_t dim) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(dim);
  for (float& x : vector) {
    x = normal(rng);
  }
  return vector;
}

std::vector<ModelRow> GaussRows(Rng& rng, const Schema& schema, uint32_t count, uint64_t first) {
  std::vector<ModelRow> rows = MakeRows(rng, schema, count, first);
  for (ModelRow& row : rows) {
    row.vectors[0] = GaussVector(rng, schema.fields[0].dim);
  }
  return rows;
}

// Share of the ten nearest that SearchIndex finds; every hit must be in the view.
double RecallAtTen(Rng& rng, const Segment& segment, const Schema& schema, SeqNo at) {
  constexpr int kQueries = 50;
  double found = 0;
  for (int i = 0; i < kQueries; ++i) {
    const std::vector<float> query = GaussVector(rng, schema.fields[0].dim);
    SegmentSearch search;
    search.query = query.data();
    search.at = at;
    search.visible_rows = segment.rows();
    const auto exact = segment.SearchExact(search);
    const auto hits = segment.SearchIndex(search);
    EXPECT_TRUE(exact.ok() && hits.ok());
    EXPECT_EQ(exact->size(), 10U);
    std::set<RowId> nearest;
    for (const RowHit& hit : *exact) {
      nearest.insert(hit.row);
    }
    for (const RowHit& hit : *hits) {
      EXPECT_TRUE(segment.AliveAt(hit.row, at));
      found += nearest.count(hit.row) != 0 ? 1 : 0;
    }
  }
  return found / (10.0 * kQueries);
}

TEST(SegmentWriterTest, ExtendingAGraphKeepsDeadRowsAndRecall) {
  for (const Metric metric : {Metric::kL2, Metric::kCosine}) {
    const TemporaryDirectory directory;
    const Schema schema = IndexedSchema({.kind = IndexKind::kHnsw}, metric);
    Rng rng(5);
    std::vector<ModelRow> rows = GaussRows(rng, schema, 3000, 0);
    auto request =
        MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(9'999))});
    request.build_indexes = true;
    const auto first = WriteSegment(request);
    ASSERT_THAT(first.status(), IsOk());
    const auto base = MustOpen(*first, schema);
    ASSERT_NE(base, nullptr);
    ASSERT_EQ(base->index_kind(0), IndexKind::kHnsw);
    EXPECT_FALSE(base->index_body(0).empty());
    EXPECT_GE(RecallAtTen(rng, *base, schema, kAt), 0.95);

    for (RowId row = 0; row < rows.size(); row += 10) {
      rows[row].deleted = SeqNo(900);
      base->MarkDeleted(row, SeqNo(900));
    }
    std::vector<ModelRow> more = GaussRows(rng, schema, 1000, 10'000);
    more[7].deleted = SeqNo(950);
    request = MakeWriteRequest(
        directory, schema, 2, {base, MakeDelta(schema, more, RowNo(10'000), RowNo(20'000))});
    request.build_indexes = true;
    request.extend_first = true;
    const auto second = WriteSegment(request);
    ASSERT_THAT(second.status(), IsOk());
    const auto extended = MustOpen(*second, schema);
    ASSERT_NE(extended, nullptr);
    ASSERT_EQ(extended->index_kind(0), IndexKind::kHnsw);
    more.erase(more.begin() + 7);
    rows.insert(rows.end(), more.begin(), more.end());
    CheckRowsEqual(*extended, rows);
    for (RowId row = 0; row < rows.size(); ++row) {
      if (rows[row].deleted.value() != 0) {
        extended->MarkDeleted(row, rows[row].deleted);
      }
    }
    EXPECT_GE(RecallAtTen(rng, *extended, schema, kAt), 0.95);
    // A graph of another spec cannot be extended; the build then starts anew and is as good.
    Schema changed = schema;
    changed.fields[0].index.hnsw_m = 8;
    request.schema = changed;
    request.segment = SegmentId(3);
    const auto third = WriteSegment(request);
    ASSERT_THAT(third.status(), IsOk());
    const auto rebuilt = MustOpen(*third, changed);
    ASSERT_NE(rebuilt, nullptr);
    EXPECT_EQ(rebuilt->manifest().specs[0].hnsw_m, 8U);
    EXPECT_GE(RecallAtTen(rng, *rebuilt, changed, kAt), 0.90);
  }
}

// The order of insertion shapes a graph: one that was extended differs from one built at once, so a
// graph that comes through unchanged was taken over.
TEST(SegmentWriterTest, AnExtendedGraphIsTakenOverAndNotBuiltAnew) {
  const TemporaryDirectory directory;
  const Schema schema = IndexedSchema({.kind = IndexKind::kHnsw, .hnsw_m = 8}, Metric::kL2);
  Rng rng(5);
  uint64_t next_segment = 1;
  const auto write = [&](std::vector<std::shared_ptr<const Segment>> inputs, bool extend) {
    auto request = MakeWriteRequest(directory, schema, next_segment++, std::move(inputs));
    request.build_indexes = true;
    request.extend_first = extend;
    const auto written = WriteSegment(request);
    EXPECT_TRUE(written.ok()) << written.status();
    return written.ok() ? MustOpen(*written, schema) : nullptr;
  };
  const auto base =
      write({MakeDelta(schema, GaussRows(rng, schema, 2500, 0), RowNo(0), RowNo(9'999))}, false);
  ASSERT_NE(base, nullptr);
  const auto extended = write(
      {base, MakeDelta(schema, GaussRows(rng, schema, 500, 10'000), RowNo(10'000), RowNo(19'999))},
      true);
  ASSERT_NE(extended, nullptr);
  const auto same = write({extended,
                           MakeDelta(schema,
                                     MakeRows(rng, schema, 20, 20'000, 0),  // without vectors
                                     RowNo(20'000),
                                     RowNo(29'999))},
                          true);
  ASSERT_NE(same, nullptr);
  EXPECT_EQ(same->rows(), 3020U);
  EXPECT_TRUE(same->index_body(0) == extended->index_body(0));
  const auto anew = write({extended}, false);
  ASSERT_NE(anew, nullptr);
  EXPECT_EQ(anew->vectors(0), extended->vectors(0));
  EXPECT_FALSE(anew->index_body(0) == extended->index_body(0));
}

TEST(SegmentWriterTest, AnExtendedGraphKeepsItsRowsAndTheNewOnesAreSortedByTenant) {
  const TemporaryDirectory directory;
  Schema schema = IndexedSchema({.kind = IndexKind::kHnsw, .hnsw_m = 8}, Metric::kL2);
  schema.payload_indexes = {{PayloadIndexId(2), "t", PayloadIndexType::kKeyword, {}, true}};
  Rng rng(5);
  std::vector<ModelRow> rows = GaussRows(rng, schema, 2'500, 0);
  std::vector<ModelRow> more = GaussRows(rng, schema, 500, 10'000);
  GiveTenants(rng, rows);
  GiveTenants(rng, more);
  auto request =
      MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(9'999))});
  request.build_indexes = true;
  const auto first = WriteSegment(request);
  ASSERT_THAT(first.status(), IsOk());
  const auto base = MustOpen(*first, schema);
  ASSERT_NE(base, nullptr);
  SortByTenant(rows);
  ASSERT_NO_FATAL_FAILURE(CheckRowsEqual(*base, rows));
  request = MakeWriteRequest(
      directory, schema, 2, {base, MakeDelta(schema, more, RowNo(10'000), RowNo(19'999))});
  request.build_indexes = true;
  request.extend_first = true;
  const auto second = WriteSegment(request);
  ASSERT_THAT(second.status(), IsOk());
  const auto extended = MustOpen(*second, schema);
  ASSERT_NE(extended, nullptr);
  SortByTenant(more);
  rows.insert(rows.end(), more.begin(), more.end());
  ASSERT_NO_FATAL_FAILURE(CheckRowsEqual(*extended, rows));
  EXPECT_GE(RecallAtTen(rng, *extended, schema, kAt), 0.95);
}

// The rows of a tenant, as a selection.
std::shared_ptr<const SelectedRows> RowsOf(const Segment& segment,
                                           const std::vector<ModelRow>& rows,
                                           const std::string& tenant) {
  RowBitmap of_tenant(segment.rows());
  for (RowId row = 0; row < rows.size(); ++row) {
    if (TenantOf(*DecodeObject(rows[row].payload)) == tenant && segment.AliveAt(row, kAt)) {
      of_tenant.Set(row);
    }
  }
  return std::make_shared<const SelectedRows>(std::move(of_tenant));
}

// What a walk of the tenant's graph finds for some queries, of the 10 nearest each.
double RecallOfTenant(Rng& rng,
                      const Segment& segment,
                      const Schema& schema,
                      const SelectedRows& selected,
                      const SubsetGraph* subset) {
  size_t found = 0;
  constexpr size_t kQueries = 30;
  for (size_t i = 0; i < kQueries; ++i) {
    const std::vector<float> query = GaussVector(rng, schema.fields[0].dim);
    SegmentSearch search;
    search.query = query.data();
    search.ef = 60;
    search.at = kAt;
    search.visible_rows = segment.rows();
    search.allowed = &selected;
    const auto exact = segment.SearchExact(search);
    search.subset = subset;
    const auto hits = segment.SearchIndex(search);
    EXPECT_THAT(exact.status(), IsOk());
    EXPECT_THAT(hits.status(), IsOk());
    for (const RowHit& hit : *hits) {
      EXPECT_TRUE(selected.rows.Test(hit.row));
      found += hit.distance <= exact->back().distance ? 1U : 0U;
    }
  }
  return static_cast<double>(found) / (10 * kQueries);
}

// Rows without the vector among them, then with more rows, some deleted, some of another tenant.
TEST(SegmentWriterTest, LargeTenantsHaveGraphsOfTheirOwn) {
  const TemporaryDirectory directory;
  Schema schema = IndexedSchema({.kind = IndexKind::kHnsw, .hnsw_m = 8}, Metric::kL2);
  schema.payload_indexes = {{PayloadIndexId(2), "t", PayloadIndexType::kKeyword, {}, true}};
  Rng rng(5);
  std::vector<ModelRow> rows = GaussRows(rng, schema, 3'500, 0);
  std::vector<ModelRow> more = GaussRows(rng, schema, 500, 10'000);
  GiveTenants(rng, rows);
  GiveTenants(rng, more);
  for (RowId row = 0; row < rows.size(); row += 5) {
    rows[row].vectors[0].reset();
  }
  auto request =
      MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(9'999))});
  SortByTenant(rows);
  request.build_indexes = true;
  request.build.subsets_from = 300;
  BuildProgress progress;
  request.build.progress = &progress;
  const auto first = WriteSegment(request);
  ASSERT_THAT(first.status(), IsOk());
  EXPECT_EQ(progress.rows_done, progress.rows_total);
  const auto base = MustOpen(*first, schema);
  ASSERT_NE(base, nullptr);
  ASSERT_NE(base->subset_graphs(0), nullptr);
  const auto check = [&](const SealedSegment& segment) {
    for (int i = 0; i < 7; ++i) {
      const auto selected = RowsOf(segment, rows, "tenant " + std::to_string(i));
      const auto subset = segment.FindSubset(0, *selected);
      ASSERT_NE(subset, nullptr) << i;
      EXPECT_GE(SubsetSize(*subset), 300U);
      EXPECT_GE(RecallOfTenant(rng, segment, schema, *selected, subset.get()), 0.95) << i;
    }
    RowBitmap two(segment.rows());
    two.Unite(RowsOf(segment, rows, "tenant 1")->rows.words());
    two.Unite(RowsOf(segment, rows, "tenant 2")->rows.words());
    EXPECT_EQ(segment.FindSubset(0, SelectedRows(std::move(two))), nullptr);
    EXPECT_EQ(segment.FindSubset(0, *RowsOf(segment, rows, "")), nullptr);
  };
  ASSERT_NO_FATAL_FAILURE(check(*base));
  for (RowId row = 1; row < rows.size(); row += 40) {
    base->MarkDeleted(row, SeqNo(900));
    rows[row].deleted = SeqNo(900);
  }
  // One changes hands: its old tenant's graph is not that of its rows any more.
  const auto moved = std::ranges::find_if(
      rows, [](const ModelRow& row) { return TenantOf(*DecodeObject(row.payload)) == "tenant 3"; });
  moved->payload.clear();
  EncodeObject({{"t", Value("tenant 4")}}, moved->payload);
  base->ChangePayload(static_cast<RowId>(moved - rows.begin()), SeqNo(950), moved->payload);
  const auto moved_to = RowsOf(*base, rows, "tenant 4");
  EXPECT_EQ(base->FindSubset(0, *moved_to), nullptr);

  request = MakeWriteRequest(
      directory, schema, 2, {base, MakeDelta(schema, more, RowNo(10'000), RowNo(19'999))});
  request.build_indexes = true;
  request.extend_first = true;
  request.build.subsets_from = 300;
  const auto second = WriteSegment(request);
  ASSERT_THAT(second.status(), IsOk());
  const auto extended = MustOpen(*second, schema);
  ASSERT_NE(extended, nullptr);
  SortByTenant(more);
  for (RowId row = 1; row < rows.size(); row += 40) {
    extended->MarkDeleted(row, SeqNo(900));
  }
  rows.insert(rows.end(), more.begin(), more.end());
  ASSERT_NO_FATAL_FAILURE(check(*extended));

  // Without a field that has one, of fewer rows, or of one tenant alone there are none.
  request.segment = SegmentId(3);
  request.build.subsets_from = 5'000;
  const auto none = WriteSegment(request);
  ASSERT_THAT(none.status(), IsOk());
  const auto plain = MustOpen(*none, schema);
  ASSERT_NE(plain, nullptr);
  EXPECT_EQ(plain->subset_graphs(0), nullptr);
  EXPECT_EQ(plain->FindSubset(0, *moved_to), nullptr);
}

// The rows with a number below, as a selection that the segment keeps.
std::shared_ptr<const SelectedRows> KeepRowsBelow(SealedSegment& segment, RowId end) {
  RowBitmap below(segment.rows());
  for (RowId row = 0; row < end; ++row) {
    if (segment.AliveAt(row, kAt)) {
      below.Set(row);
    }
  }
  auto selected = std::make_shared<const SelectedRows>(std::move(below));
  segment.selections()->Keep("rows below", segment.changes(), kAt, selected);
  return selected;
}

TEST(SegmentWriterTest, WhatPassesAFilterThatComesOftenGetsAGraph) {
  const TemporaryDirectory directory;
  const Schema schema = IndexedSchema({.kind = IndexKind::kHnsw, .hnsw_m = 8}, Metric::kCosine);
  Rng rng(12);
  std::vector<ModelRow> rows = GaussRows(rng, schema, 3'000, 0);
  auto request =
      MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(9'999))});
  request.build_indexes = true;
  const auto written = WriteSegment(request);
  ASSERT_THAT(written.status(), IsOk());
  const auto segment = MustOpen(*written, schema);
  ASSERT_NE(segment, nullptr);
  const auto budget = std::make_shared<MemoryBudget>(size_t{1} << 30);
  const BuildOptions build{.subsets_from = 500};
  const auto make = [&](const std::shared_ptr<MemoryBudget>& from) {
    const auto made = segment->GraphSomeSelection(from, build);
    EXPECT_THAT(made.status(), IsOk());
    return made.ok() && *made;
  };
  const auto wish = [&](const SelectedRows& selected, uint32_t times) {
    for (uint32_t i = 0; i < times; ++i) {
      segment->WishForSubset(0, selected);
    }
  };
  EXPECT_FALSE(make(budget));
  auto selected = KeepRowsBelow(*segment, 600);
  wish(*selected, 599);
  EXPECT_FALSE(make(budget));
  EXPECT_EQ(segment->FindSubset(0, *selected), nullptr);
  wish(*selected, 1);
  BuildProgress stopped;
  stopped.cancelled = true;
  EXPECT_EQ(segment->GraphSomeSelection(budget, {.progress = &stopped, .subsets_from = 500})
                .status()
                .code(),
            StatusCode::kCancelled);
  EXPECT_EQ(budget->taken(), 0U);
  const size_t bytes = segment->memory_bytes();
  EXPECT_TRUE(make(budget));
  EXPECT_GE(budget->taken(), 600 * 16 * sizeof(uint32_t));
  EXPECT_GE(segment->memory_bytes(), bytes + 600 * 16 * sizeof(uint32_t));
  EXPECT_FALSE(make(budget));
  const auto graph = segment->FindSubset(0, *selected);
  ASSERT_NE(graph, nullptr);
  EXPECT_EQ(SubsetSize(*graph), 600U);
  EXPECT_GE(RecallOfTenant(rng, *segment, schema, *selected, graph.get()), 0.95);

  // Fewer pass: the graph is still good for them.
  for (RowId row = 0; row < 100; row += 7) {
    segment->MarkDeleted(row, SeqNo(900));
  }
  selected = KeepRowsBelow(*segment, 600);
  ASSERT_NE(segment->FindSubset(0, *selected), nullptr);
  EXPECT_GE(
      RecallOfTenant(rng, *segment, schema, *selected, segment->FindSubset(0, *selected).get()),
      0.95);
  // More pass: it goes, and has to be wished for again. Who still searches it has it.
  segment->MarkDeleted(2'999, SeqNo(901));
  selected = KeepRowsBelow(*segment, 700);
  EXPECT_EQ(segment->FindSubset(0, *selected), nullptr);
  EXPECT_FALSE(make(budget));
  EXPECT_EQ(SubsetSize(*graph), 600U);
  wish(*selected, 700);
  const auto none = std::make_shared<MemoryBudget>(1'000);
  EXPECT_FALSE(make(none));
  EXPECT_EQ(none->taken(), 0U);
  EXPECT_FALSE(make(budget));  // not tried again at once
  wish(*selected, 700);
  EXPECT_TRUE(make(budget));
  // Of more than a fourth of the rows, and of few, there is none.
  for (const RowId end : {751U, 499U}) {
    segment->MarkDeleted(2'000 + end, SeqNo(902));
    selected = KeepRowsBelow(*segment, end + 15);
    wish(*selected, 2'000);
    EXPECT_FALSE(make(budget)) << end;
  }
}

TEST(SegmentWriterTest, IndexesAnswerForRowsWhereManyLackTheVector) {
  for (const IndexKind kind : {IndexKind::kHnsw, IndexKind::kIvf, IndexKind::kAuto}) {
    const TemporaryDirectory directory;
    const Schema schema = IndexedSchema({.kind = kind}, Metric::kCosine);
    Rng rng(6);
    std::vector<ModelRow> rows = GaussRows(rng, schema, 4000, 0);
    for (RowId row = 0; row < rows.size(); row += 4) {
      rows[row].vectors[0].reset();
    }
    auto request =
        MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(99'999))});
    request.build_indexes = true;
    const auto written = WriteSegment(request);
    ASSERT_THAT(written.status(), IsOk());
    const auto segment = MustOpen(*written, schema);
    ASSERT_NE(segment, nullptr);
    EXPECT_EQ(segment->index_kind(0), ResolveIndexKind(schema.fields[0].index, 3000));
    EXPECT_NE(segment->index_kind(0), IndexKind::kFlat);
    for (RowId row = 1; row < rows.size(); row += 7) {
      segment->MarkDeleted(row, SeqNo(1));
    }
    EXPECT_GE(RecallAtTen(rng, *segment, schema, kAt), kind == IndexKind::kIvf ? 0.5 : 0.9);
  }
}

// Rows are no slots where some lack the vector. From the second search on the selection knows the
// places of its rows.
TEST(SegmentWriterTest, SearchesByPlacesAnswerWhatASelectionAllows) {
  const TemporaryDirectory directory;
  const Schema schema = IndexedSchema({.kind = IndexKind::kHnsw}, Metric::kL2);
  Rng rng(8);
  std::vector<ModelRow> rows = GaussRows(rng, schema, 3000, 0);
  for (RowId row = 0; row < rows.size(); row += 5) {
    rows[row].vectors[0].reset();
  }
  auto request =
      MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(99'999))});
  request.build_indexes = true;
  request.build.places_from = 0;
  const auto written = WriteSegment(request);
  ASSERT_THAT(written.status(), IsOk());
  EXPECT_FALSE(written->manifest.files.back().recall.places.empty());
  const auto segment = MustOpen(*written, schema);
  ASSERT_NE(segment, nullptr);
  RowBitmap allowed(3000);
  for (RowId row = 0; row < 3000; ++row) {
    if (Below(rng, 10) == 0) {
      allowed.Set(row);
    }
  }
  const SelectedRows selected(std::move(allowed));
  const size_t bytes = selected.byte_size();
  for (int i = 0; i < 20; ++i) {
    const std::vector<float> query = GaussVector(rng, schema.fields[0].dim);
    SegmentSearch search;
    search.query = query.data();
    search.ef = 3000;
    search.at = kAt;
    search.visible_rows = segment->rows();
    search.allowed = &selected;
    const auto exact = segment->SearchExact(search);
    search.slack = 1'000'000;
    const auto hits = segment->SearchIndex(search);
    ASSERT_TRUE(exact.ok() && hits.ok());
    EXPECT_TRUE(std::ranges::equal(*hits, *exact, {}, &RowHit::row, &RowHit::row));
    EXPECT_EQ(selected.byte_size() > bytes + 200 * sizeof(RowId), i > 0);
  }
}

}  // namespace
}  // namespace alidade
