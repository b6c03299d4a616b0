#include "alidade/segment/delta.h"

#include <atomic>
#include <limits>
#include <thread>

#include <gtest/gtest.h>

#include "alidade/common/published.h"

#include "search_checks.h"
#include "segment_model.h"

namespace alidade {
namespace {

struct ModelView {
  SeqNo at;
  uint32_t visible = 0;
};

TEST(DeltaTest, RandomOperationsAgreeWithAPlainModelInEveryView) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Rng rng(seed);
    const Schema schema = ThreeFields();
    Delta delta(schema, RowNo(10), {.rows_max = 700, .bytes_max = size_t{64} << 20});
    std::vector<ModelRow> rows;
    std::vector<ModelView> views{{}};
    uint64_t next_row = 10;
    for (uint64_t seq = 1; seq <= 500; ++seq) {
      for (uint32_t i = Below(rng, 4); i > 0; --i) {
        // The first rows are complete, so that both kinds of view are searched.
        rows.push_back(MakeRow(rng, schema, RowNo(next_row), rows.size() < 50 ? 100 : 70));
        next_row += 1 + Below(rng, 3);
        const bool fits = AppendTo(delta, rows.back());
        ASSERT_EQ(fits, rows.size() <= 700);
        if (!fits) {
          rows.pop_back();
        }
      }
      if (!rows.empty() && Below(rng, 3) == 0) {
        const RowId victim = Below(rng, static_cast<uint32_t>(rows.size()));
        if (rows[victim].deleted.value() == 0) {
          rows[victim].deleted = SeqNo(seq);
        }
        delta.MarkDeleted(victim, SeqNo(seq));
      }
      views.push_back({.at = SeqNo(seq), .visible = static_cast<uint32_t>(rows.size())});
      const ModelView& view = views[Below(rng, static_cast<uint32_t>(views.size()))];
      ASSERT_NO_FATAL_FAILURE(CheckSearches(rng, delta, schema, rows, view.at, view.visible));
    }
    ASSERT_NO_FATAL_FAILURE(CheckRowsEqual(delta, rows));
    ASSERT_EQ(rows.size(), 700U);
    uint32_t deleted = 0;
    for (RowId row = 0; row < rows.size(); ++row) {
      ASSERT_EQ(delta.deleted_at(row), rows[row].deleted);
      deleted += rows[row].deleted.value() != 0 ? 1U : 0U;
    }
    ASSERT_EQ(delta.deleted_rows(), deleted);
    for (FieldIndex f = 0; f < schema.fields.size(); ++f) {
      ASSERT_EQ(delta.vectors(f), std::count_if(rows.begin(), rows.end(), [&](const auto& row) {
                  return row.vectors[f].has_value();
                }));
    }
  }
}

TEST(DeltaTest, IsFullByRowsAndChangesNothingThen) {
  Rng rng(7);
  const Schema schema = ThreeFields();
  Delta delta(schema, RowNo(0), {.rows_max = 20, .bytes_max = size_t{1} << 30});
  const std::vector<ModelRow> rows = MakeRows(rng, schema, 21, 0);
  for (size_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(AppendTo(delta, rows[i]));
  }
  const size_t bytes = delta.byte_size();
  EXPECT_FALSE(AppendTo(delta, rows[20]));
  EXPECT_EQ(delta.rows(), 20U);
  EXPECT_EQ(delta.byte_size(), bytes);
  EXPECT_EQ(delta.FindRow(rows[20].row), std::nullopt);
}

TEST(DeltaTest, IsFullByBytesOfPayloads) {
  Rng rng(7);
  const Schema schema = ThreeFields();
  Delta delta(schema, RowNo(0), {.rows_max = 10'000, .bytes_max = 100'000});
  uint32_t taken = 0;
  for (;; ++taken) {
    ModelRow row = MakeRow(rng, schema, RowNo(taken));
    row.payload.assign(10'000, 'x');
    if (!AppendTo(delta, row)) {
      break;
    }
    ASSERT_LE(delta.byte_size(), 100'000U);
  }
  EXPECT_EQ(taken, 9U);
}

TEST(DeltaTest, AnEmptyOneTakesAnyRowAndAFewMore) {
  Rng rng(7);
  Schema schema;
  schema.fields.push_back(
      {.id = FieldId(1), .name = "v", .dim = 5'000, .metric = Metric::kL2, .index = {}});
  Delta tiny(schema, RowNo(0), {.rows_max = 100, .bytes_max = 1});
  EXPECT_TRUE(AppendTo(tiny, MakeRow(rng, schema, RowNo(0))));
  EXPECT_FALSE(AppendTo(tiny, MakeRow(rng, schema, RowNo(1))));
  // Rows without the vector take few bytes: sixteen fit although sixteen vectors would not.
  Delta sparse(schema, RowNo(0), {.rows_max = 100, .bytes_max = 20'000});
  uint32_t taken = 0;
  while (AppendTo(sparse, MakeRow(rng, schema, RowNo(taken), 0))) {
    ++taken;
  }
  EXPECT_EQ(taken, 16U);
}

TEST(DeltaTest, KeepsTheBitsOfVectors) {
  Schema schema;
  schema.fields.push_back(
      {.id = FieldId(1), .name = "v", .dim = 4, .metric = Metric::kL2, .index = {}});
  Delta delta(schema, RowNo(0), {});
  const ModelRow row{.row = RowNo(0),
                     .id =
                         "\x02"
                         "a",
                     .payload = "",
                     .vectors = {std::vector<float>{-0.0F,
                                                    std::numeric_limits<float>::denorm_min(),
                                                    -std::numeric_limits<float>::min() / 2,
                                                    1e30F}},
                     .deleted = SeqNo()};
  ASSERT_TRUE(AppendTo(delta, row));
  CheckRowsEqual(delta, {row});
}

TEST(DeltaTest, WithoutRowsAnswersNothing) {
  const Schema schema = ThreeFields();
  Delta delta(schema, RowNo(5), {});
  const std::vector<float> query(19, 1.0F);
  for (FieldIndex f = 0; f < 3; ++f) {
    SegmentSearch search;
    search.field = f;
    search.query = query.data();
    search.visible_rows = 0;
    EXPECT_TRUE(delta.SearchExact(search)->empty());
    EXPECT_EQ(delta.vectors(f), 0U);
    EXPECT_EQ(delta.index_kind(f), IndexKind::kFlat);
  }
  EXPECT_EQ(delta.FindRow(RowNo(5)), std::nullopt);
  EXPECT_EQ(delta.deleted_rows(), 0U);
  EXPECT_LT(delta.memory_bytes(), 4096U);
}

TEST(DeltaTest, TheRangeIsOpenUntilFrozen) {
  Rng rng(7);
  const Schema schema = ThreeFields();
  Delta delta(schema, RowNo(5), {});
  ASSERT_TRUE(AppendTo(delta, MakeRow(rng, schema, RowNo(8))));
  EXPECT_FALSE(delta.frozen());
  EXPECT_EQ(delta.first_row(), RowNo(5));
  EXPECT_EQ(delta.last_row(), RowNo(std::numeric_limits<uint64_t>::max()));
  delta.Freeze(RowNo(9));
  EXPECT_TRUE(delta.frozen());
  EXPECT_EQ(delta.last_row(), RowNo(9));
  EXPECT_EQ(delta.FindRow(RowNo(8)), std::optional<RowId>(0));
  EXPECT_EQ(delta.FindRow(RowNo(7)), std::nullopt);
  EXPECT_EQ(delta.FindRow(RowNo(9)), std::nullopt);
  EXPECT_EQ(delta.FindRow(RowNo(4)), std::nullopt);
}

TEST(DeltaTest, ARowDiesOnce) {
  Rng rng(7);
  const Schema schema = ThreeFields();
  Delta delta(schema, RowNo(0), {});
  ASSERT_TRUE(AppendTo(delta, MakeRow(rng, schema, RowNo(0))));
  delta.MarkDeleted(0, SeqNo(5));
  delta.MarkDeleted(0, SeqNo(9));
  EXPECT_EQ(delta.deleted_at(0), SeqNo(5));
  EXPECT_EQ(delta.deleted_rows(), 1U);
  EXPECT_TRUE(delta.AliveAt(0, SeqNo(4)));
  EXPECT_FALSE(delta.AliveAt(0, SeqNo(5)));
}

// One writer, readers on older views: every answer must be right for the view it was asked in.
TEST(DeltaTest, ReadersSeeOnlyCompleteRowsWhileTheWriterAppends) {
  constexpr uint32_t kRows = 3'000;
  Rng rng(11);
  const Schema schema = ThreeFields();
  const std::vector<ModelRow> rows = MakeRows(rng, schema, kRows, 0, 90);
  Delta delta(schema, RowNo(0), {.rows_max = kRows, .bytes_max = size_t{64} << 20});
  // Row i comes at seq i + 1; every third row dies 50 writes later.
  const auto deleted_at = [](RowId row) { return SeqNo(row % 3 == 0 ? row + 50 : 0); };
  Published<const ModelView> published(std::make_shared<const ModelView>());

  std::atomic<bool> done{false};
  const auto read = [&](uint64_t seed) {
    Rng own(seed);
    uint32_t searches = 0;
    while (!done.load() || searches == 0) {
      const ModelView view = *published.Get();
      const FieldIndex f = Below(own, 3);
      const std::vector<float> query = WholeVector(own, schema.fields[f].dim);
      SegmentSearch search;
      search.field = f;
      search.query = query.data();
      search.at = view.at;
      search.visible_rows = view.visible;
      const auto hits = delta.SearchExact(search);
      ASSERT_THAT(hits.status(), IsOk());
      for (const RowHit& hit : *hits) {
        ASSERT_LT(hit.row, view.visible);
        ASSERT_TRUE(deleted_at(hit.row).value() == 0 || deleted_at(hit.row) > view.at);
        ASSERT_EQ(delta.encoded_id(hit.row), rows[hit.row].id);
        ASSERT_EQ(delta.payload(hit.row, SeqNo(1)), rows[hit.row].payload);
        ASSERT_TRUE(rows[hit.row].vectors[f].has_value());
        ASSERT_NEAR(double{hit.distance},
                    ModelDistance(schema.fields[f], query, *rows[hit.row].vectors[f]),
                    1e-4);
      }
      static_cast<void>(delta.memory_bytes());
      static_cast<void>(delta.vectors(f));
      static_cast<void>(delta.FindRow(rows[Below(own, kRows)].row));
      ++searches;
    }
  };
  std::thread first(read, 1);
  std::thread second(read, 2);
  for (RowId row = 0; row < kRows; ++row) {
    ASSERT_TRUE(AppendTo(delta, rows[row]));
    const SeqNo seq(row + 1);
    if (row >= 49 && deleted_at(row - 49) == seq) {
      delta.MarkDeleted(row - 49, seq);
    }
    published.Set(std::make_shared<const ModelView>(ModelView{.at = seq, .visible = row + 1}));
  }
  done = true;
  first.join();
  second.join();
  EXPECT_EQ(delta.rows(), kRows);
}

}  // namespace
}  // namespace alidade
