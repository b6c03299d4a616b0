// Multi-vector fields: written, read with points and hits, refused, opened again, damaged.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/vec/multi_vector.h"

#include "collection_testing.h"
#include "commit_queue.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class MultiVectorFieldTest : public CollectionTest {
 protected:
  MultiVectorFieldTest() {
    config_.sparse_fields = {{.id = FieldId(2), .name = "s"}};
    config_.multi_vector_fields = {
        {.id = FieldId(3), .name = "m", .dim = 2, .metric = Metric::kDot},
        {.id = FieldId(4), .name = "c", .dim = 3, .metric = Metric::kCosine}};
  }
  // A point with these rows in the field "m".
  static OwnedPoint WithRows(uint64_t number, std::vector<float> values) {
    OwnedPoint point = Numbered(number);
    point.multi_vectors["m"] = {.rows = static_cast<uint32_t>(values.size() / 2),
                                .values = std::move(values)};
    return point;
  }
  StatusOr<std::vector<Point>> List(const std::vector<std::string>& fields) const {
    ListRequest list;
    list.page_size = 1'000;
    list.vectors = fields;
    ALIDADE_ASSIGN_OR_RETURN(const ListResponse answer, collection_->List(list));
    return answer.points;
  }
};

TEST_F(MultiVectorFieldTest, ComeBackWithPointsAndHitsWhereverRowsLie) {
  OwnedPoint packed = WithRows(1, {1, 2, -0.0F, 4});
  packed.multi_vectors["m"].rows = 0;  // by the dimension
  ASSERT_THAT(Put({packed, WithRows(2, {5, 6}), Numbered(3)}), IsOk());
  const MultiVector first{.rows = 2, .values = {1, 2, -0.0F, 4}};
  const MultiVector second{.rows = 1, .values = {5, 6}};
  const auto check = [&](const std::string& where) {
    SCOPED_TRACE(where);
    const auto points = List({"m", "v", "c"});
    ASSERT_THAT(points, IsOk());
    ASSERT_THAT(*points, SizeIs(3));
    EXPECT_EQ((*points)[0].multi_vectors.at("m"), first);
    EXPECT_THAT((*points)[0].multi_vectors, SizeIs(1));
    EXPECT_THAT((*points)[0].vectors, SizeIs(1));
    EXPECT_EQ((*points)[1].multi_vectors.at("m"), second);
    EXPECT_THAT((*points)[2].multi_vectors, SizeIs(0));
    SearchQuery query = QueryFor(std::vector<float>{2, 0, 0, 1}, 3);
    query.field = "v";
    query.vectors = {"m"};
    const auto result = SearchFor(query);
    ASSERT_THAT(result, IsOk());
    ASSERT_THAT(result->hits, SizeIs(3));
    EXPECT_EQ(result->hits[0].point.id, Id(2));
    EXPECT_EQ(result->hits[0].point.multi_vectors.at("m"), second);
    EXPECT_THAT(result->hits[0].point.vectors, SizeIs(0));
  };
  check("delta");
  ASSERT_NO_FATAL_FAILURE(Reopen());
  check("replayed");
  Settle();
  check("sealed");
  ASSERT_NO_FATAL_FAILURE(Reopen());
  check("opened again");
  PayloadRequest change;
  change.collection = "c";
  change.edit.merged = {{"even", Value(true)}};
  change.points.ids = {Id(1)};
  ASSERT_THAT(collection_->ChangePayload(change), IsOk());
  check("payload changed");
}

class SoleFieldsTest : public MultiVectorFieldTest {
 protected:
  SoleFieldsTest() { config_.multi_vector_fields.resize(1); }
};

TEST_F(SoleFieldsTest, NeedNoName) {
  OwnedPoint point = Numbered(1);
  point.sparse_vectors[""] = {{7}, {2}};
  point.multi_vectors[""] = {.rows = 1, .values = {1, 2}};
  ASSERT_THAT(Put({point}), IsOk());
  const auto points = List({"s", "m"});
  ASSERT_THAT(points, IsOk());
  ASSERT_THAT(*points, SizeIs(1));
  EXPECT_EQ((*points)[0].sparse_vectors.at("s"), (SparseVector{{7}, {2}}));
  EXPECT_EQ((*points)[0].multi_vectors.at("m"), (MultiVector{.rows = 1, .values = {1, 2}}));
}

// Which points have vectors in which field, through everything that moves rows.
class MultiVectorFilterTest : public MultiVectorFieldTest {
 protected:
  static constexpr uint64_t kPoints = 200;
  static std::shared_ptr<const Filter> Has(const std::string& field) {
    return std::make_shared<const Filter>(Filter{HasVector{field}});
  }
  // With vectors in the fields of the bits: "m", "c".
  void PutSome(uint64_t first, uint64_t last, uint64_t step, int64_t round) {
    std::vector<OwnedPoint> points;
    for (uint64_t number = first; number <= last; number += step) {
      OwnedPoint point = Numbered(number, round);
      const uint32_t bits = static_cast<uint32_t>(number / 3 + static_cast<uint64_t>(round)) % 4;
      if ((bits & 1) != 0) {
        point.multi_vectors["m"] = {.rows = 1, .values = {1, 2}};
      }
      if ((bits & 2) != 0) {
        point.multi_vectors["c"] = {.rows = 2, .values = {1, 2, 3, 4, 5, 6}};
      }
      present_[number] = bits;
      points.push_back(std::move(point));
    }
    ASSERT_THAT(Put(std::move(points)), IsOk());
  }
  std::vector<PointId> Expected(uint32_t bit, bool wanted = true) const {
    std::vector<PointId> ids;
    for (const auto& [number, bits] : present_) {
      if (((bits & bit) != 0) == wanted) {
        ids.push_back(Id(number));
      }
    }
    return ids;
  }
  std::vector<PointId> Found(const std::shared_ptr<const Filter>& filter) const {
    std::vector<PointId> ids;
    for (const Point& point : ListAll(filter)) {
      ids.push_back(point.id);
    }
    SearchQuery query = QueryFor(std::vector<float>{0, 0, 0, 1}, kPoints);
    query.field = "v";
    query.filter = filter;
    const auto result = SearchFor(query);
    EXPECT_THAT(result, IsOk());
    EXPECT_EQ(result->hits.size(), ids.size());
    EXPECT_EQ(Count(filter), ids.size());
    std::vector<PointId> hits;
    for (const SearchHit& hit : result->hits) {
      hits.push_back(hit.point.id);
    }
    EXPECT_THAT(hits, testing::UnorderedElementsAreArray(ids));
    return ids;
  }
  void Check(const std::string& where) const {
    SCOPED_TRACE(where);
    EXPECT_EQ(Found(Has("m")), Expected(1));
    EXPECT_EQ(Found(Has("c")), Expected(2));
    const Filter none{NoneOf{{*Has("m")}}};
    EXPECT_EQ(Found(std::make_shared<const Filter>(none)), Expected(1, /*wanted=*/false));
  }
  void Change(std::vector<PointId> ids, std::shared_ptr<const Filter> filter = nullptr) {
    PayloadRequest request;
    request.collection = "c";
    request.points.ids = std::move(ids);
    request.points.filter = std::move(filter);
    request.edit.merged = {{"changed", Value(true)}};
    ASSERT_THAT(collection_->ChangePayload(request), IsOk());
  }

  std::map<uint64_t, uint32_t> present_;
};

TEST_F(MultiVectorFilterTest, FiltersKnowWhoHasVectorsWhereverRowsLie) {
  ASSERT_NO_FATAL_FAILURE(PutSome(1, 60, 1, 0));
  Check("deltas");
  ASSERT_NO_FATAL_FAILURE(Reopen());
  Check("replayed");
  EXPECT_GT(SealAll(), 0);
  Check("sealed");
  ASSERT_NO_FATAL_FAILURE(PutSome(40, kPoints, 1, 1));  // some for the second time
  ASSERT_NO_FATAL_FAILURE(DeleteNumbered(20, 29));
  present_.erase(present_.find(20), present_.find(30));
  ASSERT_NO_FATAL_FAILURE(PutSome(3, kPoints, 7, 2));
  Check("replaced and deleted");
  ASSERT_NO_FATAL_FAILURE(Change({Id(1), Id(4), Id(5), Id(9), Id(150), Id(151)}));
  Check("payloads changed");
  ASSERT_NO_FATAL_FAILURE(Reopen());
  Check("opened again");
  EXPECT_GT(Settle(), 0);
  Check("merged");
  ASSERT_NO_FATAL_FAILURE(Reopen());
  Check("merged and opened again");
}

TEST_F(MultiVectorFilterTest, WritesByFilterSeeWhatTheGroupHasDoneBefore) {
  ASSERT_NO_FATAL_FAILURE(PutSome(1, 12, 1, 0));
  {
    CommitQueue queue(*commits_);
    queue.Add([this] { Change({Id(3), Id(9), Id(10)}); });  // in "m", both, both
    queue.Add([this] { PutSome(9, 9, 1, 2); });             // now in "m"
    queue.Add([this] { Change({}, Has("c")); });
  }
  Check("one group");
  for (const Point& point : ListAll()) {
    const bool changed = point.id != Id(9) && (point.id == Id(3) || point.id == Id(10) ||
                                               (present_.at(point.id.number()) & 2) != 0);
    EXPECT_EQ(point.payload.contains("changed"), changed) << point.id.ToString();
  }
  ASSERT_NO_FATAL_FAILURE(Reopen());
  Check("opened again");
}

// Tenants lie together: rows are not in the order of their numbers.
TEST_F(MultiVectorFilterTest, FiltersKnowWhoHasVectorsAmongSortedRows) {
  Close();
  ASSERT_THAT(RemoveTree(scratch_.Path("data")), IsOk());
  config_.payload_indexes = {
      {PayloadIndexId(0), "even", PayloadIndexType::kBool, {}, /*tenant=*/true}};
  Open();
  ASSERT_NO_FATAL_FAILURE(PutSome(1, 100, 1, 0));
  EXPECT_GT(Settle(), 0);
  Check("sealed");
  ASSERT_NO_FATAL_FAILURE(Reopen());
  Check("opened again");
}

TEST_F(MultiVectorFieldTest, ThoseThatDoNotFitAreRefused) {
  const auto refused = [&](OwnedPoint point) {
    const Status status = Put({Numbered(1), std::move(point)}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return MessageOf(status);
  };
  const std::string path = "points[1].multi_vectors[\"m\"]";
  OwnedPoint point = Numbered(2);
  point.multi_vectors["x"] = {.rows = 1, .values = {1, 2}};
  EXPECT_THAT(refused(point),
              HasSubstr("there is no multi-vector field \"x\"; there are: v, s, m, c"));
  point = Numbered(2);
  point.multi_vectors["v"] = {.rows = 1, .values = {1, 2, 3, 4}};
  EXPECT_THAT(refused(point), HasSubstr("\"v\" is no multi-vector field"));
  point = WithRows(2, {1, 2, 3, 4});
  point.multi_vectors["m"].rows = 1;
  EXPECT_THAT(refused(point), HasSubstr(path + ": has 4 values in 1 vectors"));
  point.multi_vectors["m"] = {.rows = 0, .values = {1, 2, 3}};
  EXPECT_THAT(refused(point), HasSubstr(path + ": has 3 values in 1 vectors"));
  point = Numbered(2);
  point.multi_vectors["c"] = {.rows = 2, .values = {1, 2, 3, 0, 0, 0}};
  EXPECT_THAT(refused(point), HasSubstr("points[1].multi_vectors[\"c\"].rows[1]"));
  point = Numbered(2);
  point.vectors["m"] = {1, 2};
  EXPECT_THAT(refused(point), HasSubstr("\"m\" is a multi-vector field"));
  EXPECT_EQ(Count(), 0U) << "nothing was changed";

  SearchQuery query = QueryFor(std::vector<float>{1, 2}, 1);
  query.field = "m";
  EXPECT_THAT(MessageOf(SearchFor(query).status()), HasSubstr("\"m\" is a multi-vector field"));
}

TEST_F(MultiVectorFieldTest, ReplacedAndDeletedPointsLeaveNothingInTheStore) {
  ASSERT_THAT(Put({WithRows(1, {1, 2}), WithRows(2, {3, 4})}), IsOk());
  ASSERT_THAT(Put({WithRows(1, {5, 6})}), IsOk());
  ASSERT_NO_FATAL_FAILURE(DeleteNumbered(2, 2));
  std::vector<uint64_t> rows;
  ASSERT_THAT(store_->ScanVectors({kId, ShardId(0)},
                                  FieldId(3),
                                  RowNo(0),
                                  RowNo(100),
                                  nullptr,
                                  [&rows](RowNo row, std::string_view) {
                                    rows.push_back(row.value());
                                    return OkStatus();
                                  }),
              IsOk());
  EXPECT_THAT(rows, ElementsAre(2));
}

TEST_F(MultiVectorFieldTest, ADamagedOneIsAnErrorAndNoAnswer) {
  ASSERT_THAT(Put({WithRows(1, {1, 2})}), IsOk());
  WriteBatch batch(*store_);
  batch.PutVector({kId, ShardId(0)}, RowNo(0), {FieldId(3), "no vector"});
  ASSERT_THAT(store_->Write(batch, /*sync=*/true), IsOk());
  EXPECT_THAT(List({"m"}), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(List({"v"}), IsOk());
}

TEST_F(MultiVectorFieldTest, AReadHasABoundOfBytes) {
  config_.multi_vector_fields[0].dim = 1'024;
  Open();
  std::vector<float> values(kMultiVectorBytesMax / sizeof(float), 1);
  for (uint64_t number = 1; number <= 65; ++number) {
    OwnedPoint point = Numbered(number);
    point.multi_vectors["m"] = {.rows = 1'024, .values = values};
    UpsertRequest request = MakeUpsert({point});
    request.options.durability = Durability::kBuffered;
    ASSERT_THAT(collection_->Upsert(request), IsOk());
  }
  EXPECT_THAT(List({"m"}), StatusIs(StatusCode::kResourceExhausted, HasSubstr("fewer points")));
  SearchQuery query = QueryFor(std::vector<float>{2, 0, 0, 1}, 65);
  query.field = "v";
  query.vectors = {"m"};
  EXPECT_THAT(SearchFor(query), StatusIs(StatusCode::kResourceExhausted));
  query.k = 3;
  EXPECT_THAT(SearchFor(query), IsOk());
}

}  // namespace
}  // namespace alidade
