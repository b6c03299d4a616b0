// Sparse searches over deltas and sealed segments, against a plain loop over the vectors.
#include "alidade/query/sparse_search.h"

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"
#include "alidade/common/point_id.h"
#include "alidade/segment/delta.h"
#include "alidade/segment/sealed_segment.h"
#include "alidade/segment/segment_writer.h"

#include "support/status_matchers.h"
#include "support/vector_set.h"
#include "unit/segment/segment_files.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct PlainRow {
  uint64_t id = 0;
  std::map<uint32_t, float> weights = {};  // empty: no vector
  bool dead = false;
};

Schema WithSparseFields() {
  Schema schema;
  schema.fields.push_back(
      {.id = FieldId(1), .name = "v", .dim = 1, .metric = Metric::kL2, .index = {}});
  schema.sparse_fields = {{.id = FieldId(2), .name = "other"},
                          {.id = FieldId(3), .name = "plain"},
                          {.id = FieldId(4), .name = "rare", .idf = true}};
  return schema;
}

constexpr SparseIndex kPlain = 1;
constexpr SparseIndex kRare = 2;

SparseVector VectorOf(const std::map<uint32_t, float>& weights) {
  SparseVector vector;
  for (const auto& [dimension, weight] : weights) {
    vector.dimensions.push_back(dimension);
    vector.weights.push_back(weight);
  }
  return vector;
}

std::map<uint32_t, float> RandomWeights(std::mt19937_64& random, uint64_t most) {
  std::normal_distribution<float> normal(1);
  std::map<uint32_t, float> weights;
  for (uint64_t count = random() % (most + 1); count > 0; --count) {
    // Now and then whole numbers, so that there are ties.
    const float weight = normal(random);
    weights[static_cast<uint32_t>(random() % (1U << (random() % 7))) * 40'503U] =
        random() % 2 == 0 ? std::round(weight) : weight;
  }
  return weights;
}

// Ids are not in the order of rows.
std::vector<PlainRow> RandomRows(std::mt19937_64& random, uint32_t count) {
  std::vector<PlainRow> rows;
  for (uint32_t i = 0; i < count; ++i) {
    rows.push_back({.id = (i * 7'919U) % 100'003U, .weights = RandomWeights(random, 8)});
  }
  return rows;
}

std::shared_ptr<Delta> MakeDelta(const Schema& schema,
                                 const std::vector<PlainRow>& rows,
                                 uint64_t first,
                                 uint64_t end) {
  auto delta = std::make_shared<Delta>(schema, RowNo(first), Delta::Options());
  const float vector = 1;
  for (uint64_t i = first; i < end; ++i) {
    const std::string id = PointId(rows[i].id).Encode();
    std::string payload;
    EncodeObject({{"odd", Value(rows[i].id % 2 == 1)}}, payload);
    const std::string sparse =
        rows[i].weights.empty() ? "" : EncodeSparseVector(VectorOf(rows[i].weights));
    EXPECT_TRUE(
        delta->Append({.row = RowNo(i),
                       .encoded_id = id,
                       .payload = payload,
                       .vectors = {{reinterpret_cast<const char*>(&vector), sizeof(vector)}},
                       .sparse = {"", sparse, sparse}}));
  }
  return delta;
}

std::shared_ptr<Delta> Frozen(const Schema& schema,
                              const std::vector<PlainRow>& rows,
                              uint64_t first,
                              uint64_t end) {
  auto delta = MakeDelta(schema, rows, first, end);
  delta->Freeze(RowNo(end - 1));
  return delta;
}

std::shared_ptr<SealedSegment> Seal(const TemporaryDirectory& directory,
                                    const Schema& schema,
                                    uint64_t number,
                                    const std::vector<std::shared_ptr<const Segment>>& inputs) {
  const auto written = WriteSegment(MakeWriteRequest(directory, schema, number, inputs));
  EXPECT_THAT(written.status(), IsOk());
  auto opened = SealedSegment::Open(MakeOpenOptions(*written, schema));
  EXPECT_THAT(opened.status(), IsOk());
  EXPECT_THAT((*opened)->damaged_sparse(), IsEmpty());
  return std::shared_ptr<SealedSegment>(std::move(opened).value());
}

struct PlainHit {
  float score = 0;
  uint64_t id = 0;
  friend bool operator==(const PlainHit&, const PlainHit&) = default;
};
void PrintTo(const PlainHit& hit, std::ostream* out) { *out << hit.id << ": " << hit.score; }

struct PlainQuery {
  std::map<uint32_t, float> weights;
  bool idf = false;
  bool odd_only = false;
  std::optional<float> score_min = std::nullopt;
  std::set<uint64_t> excluded = {};
};

// All hits, best first. Dead rows count for what a dimension weighs.
std::vector<PlainHit> SearchPlainly(const std::vector<PlainRow>& rows, const PlainQuery& query) {
  double filled = 0;
  std::map<uint32_t, double> with;
  for (const PlainRow& row : rows) {
    filled += row.weights.empty() ? 0 : 1;
    for (const auto& [dimension, weight] : row.weights) {
      with[dimension] += 1;
    }
  }
  std::vector<PlainHit> hits;
  for (const PlainRow& row : rows) {
    double score = 0;
    bool any = false;
    for (const auto& [dimension, weight] : query.weights) {
      const auto found = row.weights.find(dimension);
      if (found != row.weights.end()) {
        const double idf = std::log(1 + (filled - with[dimension] + 0.5) / (with[dimension] + 0.5));
        score += static_cast<double>(weight) * (query.idf ? idf : 1) *
                 static_cast<double>(found->second);
        any = true;
      }
    }
    const auto seen = static_cast<float>(score);
    if (any && !row.dead && (!query.odd_only || row.id % 2 == 1) &&
        !query.excluded.contains(row.id) &&
        (!query.score_min.has_value() || seen >= *query.score_min)) {
      hits.push_back({.score = seen, .id = row.id});
    }
  }
  std::ranges::sort(hits, [](const PlainHit& a, const PlainHit& b) {
    return a.score != b.score ? a.score > b.score : PointId(a.id).Encode() < PointId(b.id).Encode();
  });
  return hits;
}

std::vector<PlainHit> FirstOf(std::vector<PlainHit> hits, size_t k) {
  hits.resize(std::min(hits.size(), k));
  return hits;
}

std::vector<PlainHit> HitsOf(const SegmentSet& view, const std::vector<GlobalHit>& hits) {
  std::vector<PlainHit> plain;
  for (const GlobalHit& hit : hits) {
    const auto id = PointId::Decode(view.segments[hit.segment].segment->encoded_id(hit.row));
    plain.push_back({.score = -hit.distance, .id = id.ok() ? id->number() : 0});
  }
  return plain;
}

SegmentSet ViewOf(const Schema& schema, const std::vector<std::shared_ptr<Segment>>& segments) {
  SegmentSet view;
  view.at = SeqNo(1'000);
  view.schema = schema;
  for (const auto& segment : segments) {
    view.segments.push_back({segment, segment->rows()});
  }
  return view;
}

TEST(SparseSearchTest, AnswersDoNotDependOnWhereRowsLie) {
  const uint64_t seed = PrintedTestSeed();
  std::mt19937_64 random(seed);
  const Schema schema = WithSparseFields();
  std::vector<PlainRow> rows = RandomRows(random, 1'200);
  const TemporaryDirectory directory;
  const auto seal = [&](uint64_t number, uint64_t first, uint64_t end) {
    return Seal(directory, schema, number, {Frozen(schema, rows, first, end)});
  };
  const auto merged =
      Seal(directory, schema, 5, {seal(6, 300, 500), Frozen(schema, rows, 500, 700)});
  const std::vector<SegmentSet> views = {ViewOf(schema, {seal(1, 0, 1'200)}),
                                         ViewOf(schema, {MakeDelta(schema, rows, 0, 1'200)}),
                                         ViewOf(schema,
                                                {seal(2, 0, 300),
                                                 merged,
                                                 Frozen(schema, rows, 700, 900),
                                                 MakeDelta(schema, rows, 900, 1'200)})};
  for (uint64_t i = 0; i < rows.size(); i += 1 + random() % 9) {
    rows[i].dead = true;
    for (const SegmentSet& view : views) {
      for (const SegmentView& part : view.segments) {
        if (const auto found = part.segment->FindRow(RowNo(i)); found.has_value()) {
          std::const_pointer_cast<Segment>(part.segment)->MarkDeleted(*found, SeqNo(900));
        }
      }
    }
  }
  const Filter odd{In{"odd", {Value(true)}}};
  size_t found = 0;
  for (int i = 0; i < 300; ++i) {
    PlainQuery plain{
        .weights = RandomWeights(random, 6), .idf = i % 2 == 1, .odd_only = i % 3 == 0};
    if (plain.weights.empty()) {
      plain.weights[40'503] = 1;
    }
    if (i % 5 == 0) {
      plain.score_min = 2;
    }
    if (i % 7 == 0) {
      for (uint64_t count = random() % 12; count > 0; --count) {
        plain.excluded.insert(rows[random() % rows.size()].id);
      }
    }
    const auto k = static_cast<uint32_t>(random() % 30 + 1);
    const auto expected = FirstOf(SearchPlainly(rows, plain), k);
    found += expected.size();
    const SparseVector vector = VectorOf(plain.weights);
    std::vector<std::string> excluded;
    for (const uint64_t id : plain.excluded) {
      excluded.push_back(PointId(id).Encode());
    }
    for (size_t view = 0; view < views.size(); ++view) {
      SparseQuery query{.field = plain.idf ? kRare : kPlain,
                        .vector = &vector,
                        .k = k,
                        .filter = plain.odd_only ? &odd : nullptr,
                        .excluded_ids = excluded};
      if (plain.score_min.has_value()) {
        query.score_min = static_cast<double>(*plain.score_min);
      }
      const auto outcome = ExecuteSparseSearch(views[view], query, Deadline());
      ASSERT_THAT(outcome.status(), IsOk());
      EXPECT_TRUE(outcome->exact);
      ASSERT_EQ(HitsOf(views[view], outcome->hits), expected) << "view " << view << ", query " << i;
    }
  }
  EXPECT_GT(found, 1'000U);
}

TEST(SparseSearchTest, FiltersKnowWhichPointsHaveAVector) {
  std::mt19937_64 random(3);
  const Schema schema = WithSparseFields();
  const std::vector<PlainRow> rows = RandomRows(random, 500);
  const TemporaryDirectory directory;
  const SegmentSet view = ViewOf(schema,
                                 {Seal(directory, schema, 1, {Frozen(schema, rows, 0, 300)}),
                                  MakeDelta(schema, rows, 300, 500)});
  const auto filled = static_cast<uint64_t>(
      std::ranges::count_if(rows, [](const PlainRow& row) { return !row.weights.empty(); }));
  const Filter plain{HasVector{"plain"}};
  const Filter other{HasVector{"other"}};
  const Filter dense{HasVector{"v"}};
  EXPECT_THAT(CountRows(view, &plain, Deadline()), IsOkAndHolds(filled));
  EXPECT_THAT(CountRows(view, &other, Deadline()), IsOkAndHolds(0U));
  EXPECT_THAT(CountRows(view, &dense, Deadline()), IsOkAndHolds(500U));
  const Filter none{HasVector{"none"}};
  EXPECT_THAT(CountRows(view, &none, Deadline()).status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("filter.has_vector.field")));
}

TEST(SparseSearchTest, VectorsComeBackAsTheyWere) {
  std::mt19937_64 random(4);
  const Schema schema = WithSparseFields();
  const std::vector<PlainRow> rows = RandomRows(random, 300);
  const TemporaryDirectory directory;
  const auto delta = Frozen(schema, rows, 0, 300);
  const auto sealed = Seal(directory, schema, 1, {delta});
  for (const Segment* segment :
       {static_cast<const Segment*>(delta.get()), static_cast<const Segment*>(sealed.get())}) {
    for (RowId row = 0; row < 300; ++row) {
      const std::string expected =
          rows[row].weights.empty() ? "" : EncodeSparseVector(VectorOf(rows[row].weights));
      ASSERT_EQ(segment->sparse_vector(kPlain, row), expected);
      ASSERT_EQ(segment->sparse_vector(0, row), "");
      ASSERT_EQ(segment->sparse_vector(9, row), "");
    }
    EXPECT_GT(segment->sparse_memory(kPlain).vectors.count, 100U);
    EXPECT_EQ(segment->sparse_memory(0).vectors.count, 0U);
  }
}

TEST(SparseSearchTest, ADamagedFileIsReportedAndMadeAnew) {
  std::mt19937_64 random(5);
  const Schema schema = WithSparseFields();
  const std::vector<PlainRow> rows = RandomRows(random, 300);
  const TemporaryDirectory directory;
  const auto delta = Frozen(schema, rows, 0, 300);
  const auto written = WriteSegment(MakeWriteRequest(directory, schema, 1, {delta}));
  ASSERT_THAT(written.status(), IsOk());
  const std::string path = written->directory + "/sparse_3.seg";
  const SparseVector vector{{0, 40'503}, {1, 1}};
  const auto expected = SearchPlainly(rows, {.weights = {{0, 1}, {40'503, 1}}});
  ASSERT_GT(expected.size(), 50U);
  for (const bool remove : {true, false}) {
    if (remove) {
      ASSERT_TRUE(std::filesystem::remove(path));
    } else {
      std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
    }
    auto opened = SealedSegment::Open(MakeOpenOptions(*written, schema));
    ASSERT_THAT(opened.status(), IsOk());
    ASSERT_THAT((*opened)->damaged_sparse(), SizeIs(1));
    EXPECT_EQ((*opened)->damaged_sparse()[0].field, kPlain);
    EXPECT_THAT((*opened)->damaged_sparse()[0].reason, HasSubstr("sparse_3.seg"));
    const Status made = (*opened)->SetSparse(kPlain, [&](const auto& visit) -> Status {
      for (RowId row = 0; row < 300; ++row) {
        if (!rows[row].weights.empty()) {
          ALIDADE_RETURN_IF_ERROR(visit(row, EncodeSparseVector(VectorOf(rows[row].weights))));
        }
      }
      return OkStatus();
    });
    ASSERT_THAT(made, IsOk());
    const SegmentSet view =
        ViewOf(schema, {std::shared_ptr<SealedSegment>(std::move(opened).value())});
    const auto outcome =
        ExecuteSparseSearch(view, {.field = kPlain, .vector = &vector, .k = 50}, Deadline());
    ASSERT_THAT(outcome.status(), IsOk());
    EXPECT_EQ(HitsOf(view, outcome->hits), FirstOf(expected, 50));
  }
}

TEST(SparseSearchTest, PlansAndDeadlines) {
  std::mt19937_64 random(6);
  const Schema schema = WithSparseFields();
  const std::vector<PlainRow> rows = RandomRows(random, 300);
  const SegmentSet view = ViewOf(schema, {MakeDelta(schema, rows, 0, 300)});
  const SparseVector vector{{0}, {1}};
  const auto outcome =
      ExecuteSparseSearch(view, {.field = kRare, .vector = &vector, .explain = true}, Deadline());
  ASSERT_THAT(outcome.status(), IsOk());
  EXPECT_THAT(outcome->plan, HasSubstr("no filter\nsparse field \"rare\", idf: 1 dimensions\n"));
  EXPECT_THAT(outcome->plan, HasSubstr("segment 0: 300 of 300 rows allowed"));
  const auto empty = ExecuteSparseSearch(view, {.field = 0, .vector = &vector}, Deadline());
  EXPECT_THAT(empty->hits, IsEmpty());
  const Deadline passed(Deadline::Clock::now() - std::chrono::seconds(1));
  EXPECT_THAT(ExecuteSparseSearch(view, {.field = kPlain, .vector = &vector}, passed).status(),
              StatusIs(StatusCode::kDeadlineExceeded));
}

}  // namespace
}  // namespace alidade
