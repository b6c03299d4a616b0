// Sparse fields over the life of a collection: written, read, searched, changed, sealed, merged,
// damaged, opened again; the answers are those of a plain loop over the vectors.
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/text/sparse_vector.h"

#include "collection_testing.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using Weights = std::map<uint32_t, float>;

SparseVector VectorOf(const Weights& weights) {
  SparseVector vector;
  for (const auto& [dimension, weight] : weights) {
    vector.dimensions.push_back(dimension);
    vector.weights.push_back(weight);
  }
  return vector;
}

class SparseFieldTest : public CollectionTest {
 protected:
  SparseFieldTest() {
    config_.sparse_fields = {{.id = FieldId(2), .name = "s"}, {.id = FieldId(3), .name = "t"}};
  }
  // A point with this vector in the field "s"; none if there are no weights.
  static OwnedPoint WithSparse(uint64_t number, const Weights& weights) {
    OwnedPoint point = Numbered(number);
    if (!weights.empty()) {
      point.sparse_vectors["s"] = VectorOf(weights);
    }
    return point;
  }
  void PutSparse(uint64_t number, const Weights& weights) {
    ASSERT_THAT(Put({WithSparse(number, weights)}), IsOk());
    model_[number] = weights;
  }
  void Remove(uint64_t number) {
    DeleteNumbered(number, number);
    model_.erase(number);
  }
  // Small whole weights: sums are exact, and there are ties.
  static Weights RandomWeights(std::mt19937_64& random) {
    Weights weights;
    for (uint64_t count = random() % 6; count > 0; --count) {
      weights[static_cast<uint32_t>(random() % 20)] = static_cast<float>(random() % 9) - 2;
    }
    return weights;
  }
  void PutRandom(std::mt19937_64& random, uint64_t first, uint64_t last) {
    for (uint64_t number = first; number <= last; ++number) {
      ASSERT_NO_FATAL_FAILURE(PutSparse(number, RandomWeights(random)));
    }
  }
  static SearchQuery SparseQueryFor(SearchTarget target, uint32_t k = 10) {
    SearchQuery query = QueryFor(std::move(target), k);
    query.field = "s";
    return query;
  }
  std::vector<std::pair<uint64_t, double>> Found(const SearchQuery& query) const {
    const auto result = SearchFor(query);
    EXPECT_THAT(result, IsOk());
    std::vector<std::pair<uint64_t, double>> found;
    for (const SearchHit& hit : result.ok() ? result->hits : std::vector<SearchHit>()) {
      EXPECT_EQ(hit.distance, -hit.score);
      found.emplace_back(hit.point.id.number(), hit.score);
    }
    return found;
  }
  std::vector<std::pair<uint64_t, double>> Expected(const Weights& query, size_t k) const {
    std::vector<std::pair<uint64_t, double>> all;
    for (const auto& [number, weights] : model_) {
      double score = 0;
      bool any = false;
      for (const auto& [dimension, weight] : query) {
        if (const auto found = weights.find(dimension); found != weights.end()) {
          score += static_cast<double>(weight) * static_cast<double>(found->second);
          any = true;
        }
      }
      if (any) {
        all.emplace_back(number, score);
      }
    }
    std::ranges::stable_sort(all, [](const auto& a, const auto& b) { return a.second > b.second; });
    all.resize(std::min(all.size(), k));
    return all;
  }
  void ExpectAsModel(const std::string& where) const {
    SCOPED_TRACE(where);
    for (const Weights& query :
         {Weights{{3, 1}}, Weights{{0, 2}, {5, -1}, {19, 1}}, Weights{{7, 1}, {8, 1}, {9, 0}}}) {
      for (const uint32_t k : {1U, 7U, 500U}) {
        EXPECT_EQ(Found(SparseQueryFor(VectorOf(query), k)), Expected(query, k));
      }
    }
    const auto filled = static_cast<uint64_t>(
        std::ranges::count_if(model_, [](const auto& point) { return !point.second.empty(); }));
    EXPECT_EQ(Count(HasSparse("s")), filled);
    EXPECT_EQ(Count(HasSparse("t")), 0U);
    ListRequest list;
    list.page_size = 10'000;
    list.vectors = {"s"};
    const auto points = collection_->List(list);
    ASSERT_THAT(points, IsOk());
    ASSERT_EQ(points->points.size(), model_.size());
    for (const Point& point : points->points) {
      const Weights& weights = model_.at(point.id.number());
      ASSERT_EQ(point.sparse_vectors.size(), weights.empty() ? 0U : 1U);
      if (!weights.empty()) {
        ASSERT_EQ(point.sparse_vectors.at("s"), VectorOf(weights));
      }
    }
  }
  static std::shared_ptr<const Filter> HasSparse(const std::string& field) {
    return std::make_shared<Filter>(Filter{HasVector{field}});
  }
  std::map<uint64_t, Weights> model_;
};

TEST_F(SparseFieldTest, AnswersAreThoseOfAPlainLoopWhereverRowsLie) {
  std::mt19937_64 random(1);
  for (uint64_t round = 0; round < 8; ++round) {
    ASSERT_NO_FATAL_FAILURE(PutRandom(random, 40 * round, 40 * round + 60));
    for (int i = 0; i < 12; ++i) {
      const uint64_t number = random() % (40 * round + 60);
      if (model_.contains(number)) {
        ASSERT_NO_FATAL_FAILURE(Remove(number));
      }
    }
    ASSERT_NO_FATAL_FAILURE(ExpectAsModel("with a delta"));
    if (round % 3 == 0) {
      Settle();
      ASSERT_NO_FATAL_FAILURE(ExpectAsModel("merged"));
    } else if (round % 3 == 1) {
      SealAll();
      ASSERT_NO_FATAL_FAILURE(ExpectAsModel("sealed"));
    }
    ASSERT_NO_FATAL_FAILURE(Reopen());
    ASSERT_NO_FATAL_FAILURE(ExpectAsModel("opened again"));
    EXPECT_EQ(collection_->Stats().healed_segments, 0U);
  }
  EXPECT_GT(collection_->Stats().segments.size(), 1U);
}

TEST_F(SparseFieldTest, SearchesReturnVectorsAndLeaveOutTheStoredPoint) {
  ASSERT_NO_FATAL_FAILURE(PutSparse(1, {{1, 2}, {5, 1}}));
  ASSERT_NO_FATAL_FAILURE(PutSparse(2, {{1, 1}}));
  ASSERT_NO_FATAL_FAILURE(PutSparse(3, {{5, 4}}));
  ASSERT_NO_FATAL_FAILURE(PutSparse(4, {}));
  for (const bool sealed : {false, true}) {
    SearchQuery query = SparseQueryFor(Id(1));
    query.vectors = {"s", "v"};
    const auto result = SearchFor(query);
    ASSERT_THAT(result, IsOk());
    ASSERT_THAT(result->hits, SizeIs(2));
    EXPECT_TRUE(result->exact);
    EXPECT_EQ(result->hits[0].point.id, Id(3));
    EXPECT_EQ(result->hits[0].score, 4);
    EXPECT_EQ(result->hits[0].point.sparse_vectors.at("s"), VectorOf({{5, 4}}));
    EXPECT_THAT(result->hits[0].point.vectors.at("v"), SizeIs(kDim));
    EXPECT_EQ(result->hits[1].point.id, Id(2));
    query.k = 1;
    EXPECT_THAT(Found(query), SizeIs(1));
    query.k = 10;
    query.score_threshold = 3;
    EXPECT_THAT(Found(query), SizeIs(1));
    // Dense searches return them too.
    SearchQuery dense = QueryFor(std::vector<float>{2, 0, 0, 1}, 1);
    dense.vectors = {"s"};
    const auto near = SearchFor(dense);
    ASSERT_THAT(near, IsOk());
    EXPECT_EQ(near->hits.at(0).point.sparse_vectors.at("s"), VectorOf({{1, 1}}));
    if (!sealed) {
      SealAll();
    }
  }
  EXPECT_THAT(SearchFor(SparseQueryFor(Id(4))),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("no vector in the field \"s\"")));
  EXPECT_THAT(SearchFor(SparseQueryFor(Id(9))), StatusIs(StatusCode::kNotFound));
}

// As the proto has it: the mean of the positive examples, and as much again away from the mean of
// the negative ones.
Weights Between(const std::vector<Weights>& positive, const std::vector<Weights>& negative) {
  std::map<uint32_t, double> sum;
  const auto add = [&sum](const std::vector<Weights>& examples, double factor) {
    for (const Weights& example : examples) {
      for (const auto& [dimension, weight] : example) {
        sum[dimension] +=
            factor * static_cast<double>(weight) / static_cast<double>(examples.size());
      }
    }
  };
  add(positive, negative.empty() ? 1 : 2);
  add(negative, -1);
  Weights out;
  for (const auto& [dimension, weight] : sum) {
    out[dimension] = static_cast<float>(weight);
  }
  return out;
}

TEST_F(SparseFieldTest, RecommendationsAreThoseOfAPlainLoop) {
  std::mt19937_64 random(6);
  ASSERT_NO_FATAL_FAILURE(PutRandom(random, 1, 200));
  const auto any_filled = [&] {
    uint64_t number = 0;
    do {
      number = 1 + random() % 200;
    } while (model_.at(number).empty());
    return number;
  };
  size_t found = 0;
  for (int round = 0; round < 40; ++round) {
    if (round == 20) {
      SealAll();
    }
    RecommendTarget target;
    std::array<std::vector<Weights>, 2> weights;
    std::set<uint64_t> examples;
    // One, two or four of a kind: means are exact. Every other one by its vector.
    for (const auto& [side, count] : {std::pair(size_t{0}, 1U << (random() % 3)),
                                      std::pair(size_t{1}, round % 3 == 0 ? 0U : 2U)}) {
      for (uint32_t i = 0; i < count; ++i) {
        const uint64_t number = any_filled();
        weights[side].push_back(model_.at(number));
        Example example = Id(number);
        if (i % 2 == 0) {
          examples.insert(number);
        } else {
          example = VectorOf(model_.at(number));
        }
        (side == 0 ? target.positive : target.negative).push_back(example);
      }
    }
    const auto k = static_cast<uint32_t>(1 + random() % 40);
    auto expected = Expected(Between(weights[0], weights[1]), 1'000);
    std::erase_if(expected, [&](const auto& hit) { return examples.contains(hit.first); });
    expected.resize(std::min<size_t>(expected.size(), k));
    EXPECT_EQ(Found(SparseQueryFor(target, k)), expected) << "round " << round;
    found += expected.size();
  }
  EXPECT_GT(found, 300U);
}

TEST_F(SparseFieldTest, RecommendationsThatDoNotFitAreRefused) {
  ASSERT_NO_FATAL_FAILURE(PutSparse(1, {{1, 2}}));
  ASSERT_NO_FATAL_FAILURE(PutSparse(2, {}));
  const auto error = [&](RecommendTarget target, const std::string& field) {
    SearchQuery query = SparseQueryFor(std::move(target));
    query.field = field;
    const Status status = SearchFor(query).status();
    EXPECT_FALSE(status.ok());
    return MessageOf(status);
  };
  const SparseVector sparse = VectorOf({{1, 1}});
  const std::vector<float> dense = {1, 0, 0, 1};
  EXPECT_THAT(error({{sparse}, {dense}}, "s"),
              HasSubstr("queries[0].recommend.negative[0].vector: is not sparse"));
  EXPECT_THAT(error({{dense}, {}}, "s"), HasSubstr("queries[0].recommend.positive[0].vector"));
  EXPECT_THAT(error({{Id(1)}, {sparse}}, "v"), HasSubstr("vector_field: \"v\" is no sparse field"));
  EXPECT_THAT(error({{sparse}, {}}, ""), HasSubstr("one of the 2 sparse fields"));
  EXPECT_THAT(error({{Id(1), Id(9)}, {}}, "s"), HasSubstr("queries[0].recommend.positive[1]"));
  EXPECT_THAT(error({{Id(1)}, {Id(2)}}, "s"), HasSubstr("no vector in the field \"s\""));
  SparseVector wide;
  for (uint32_t i = 0; i < kSparseValuesMax; ++i) {
    wide.dimensions.push_back(2 * i);
    wide.weights.push_back(1);
  }
  EXPECT_THAT(SearchFor(SparseQueryFor(RecommendTarget{{wide, wide}, {}})), IsOk());
  EXPECT_THAT(error({{wide}, {sparse}}, "s"),
              HasSubstr("queries[0].recommend: the examples have more than 4096"));
  const SparseVector large = VectorOf({{1, 3e38F}});
  EXPECT_THAT(error({{large}, {VectorOf({{1, -3e38F}})}}, "s"),
              HasSubstr("queries[0].recommend: the examples are too large"));
}

TEST_F(SparseFieldTest, ExamplesThatCancelEachOtherOutStillFindByTheirIndices) {
  ASSERT_NO_FATAL_FAILURE(PutSparse(1, {{1, 2}, {2, 1}}));
  ASSERT_NO_FATAL_FAILURE(PutSparse(2, {{2, 3}}));
  ASSERT_NO_FATAL_FAILURE(PutSparse(3, {{1, 1}}));
  const RecommendTarget target{{VectorOf({{1, 1}, {2, 1}})}, {VectorOf({{1, 2}, {2, 4}})}};
  using Hits = std::vector<std::pair<uint64_t, double>>;
  EXPECT_EQ(Found(SparseQueryFor(target)), (Hits{{3, 0}, {1, -2}, {2, -6}}));
  SearchQuery query = SparseQueryFor(target);
  query.why_not = {Id(2), Id(1)};
  query.k = 2;
  const auto result = SearchFor(query);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->why_not[0].stage, LossStage::kRank);
  EXPECT_EQ(result->why_not[0].rank, 3U);
  EXPECT_EQ(result->why_not[1].stage, LossStage::kFound);
  query.target = RecommendTarget{{Id(3)}, {}};
  query.why_not = {Id(3), Id(2)};
  const auto other = SearchFor(query);
  ASSERT_THAT(other, IsOk());
  EXPECT_EQ(other->why_not[0].stage, LossStage::kExcluded);
  EXPECT_EQ(other->why_not[1].stage, LossStage::kNoMatch);
}

TEST_F(SparseFieldTest, NamesThatDoNotFitAreRefused) {
  ASSERT_NO_FATAL_FAILURE(PutSparse(1, {{1, 2}}));
  const auto field = [](const auto& answer) { return FieldOf(answer.status()).value_or(""); };
  OwnedPoint unknown = WithSparse(2, {{1, 1}});
  unknown.sparse_vectors["x"] = VectorOf({{1, 1}});
  const auto refused = Put({WithSparse(5, {{1, 1}}), unknown});
  EXPECT_EQ(field(refused), "points[1].sparse_vectors[\"x\"]");
  EXPECT_THAT(MessageOf(refused.status()), HasSubstr("there are: v, s, t"));
  OwnedPoint dense = WithSparse(2, {{1, 1}});
  dense.sparse_vectors["v"] = VectorOf({{1, 1}});
  EXPECT_THAT(MessageOf(Put({dense}).status()), HasSubstr("\"v\" is no sparse field"));
  OwnedPoint sparse = WithSparse(2, {{1, 1}});
  sparse.vectors["s"] = {1, 2, 3, 4};
  EXPECT_THAT(MessageOf(Put({sparse}).status()), HasSubstr("\"s\" is a sparse field"));
  EXPECT_EQ(Count(), 1U) << "nothing was changed";

  SearchQuery query = SparseQueryFor(VectorOf({{1, 1}}));
  query.field = "v";
  EXPECT_EQ(field(SearchFor(query)), "vector_field");
  query.field = "";
  EXPECT_THAT(MessageOf(SearchFor(query).status()), HasSubstr("one of the 2 sparse fields"));
  query = QueryFor(std::vector<float>{1, 0, 0, 1}, 1);
  query.field = "s";
  EXPECT_THAT(MessageOf(SearchFor(query).status()), HasSubstr("\"s\" is a sparse field"));
  query.field = "v";
  query.vectors = {"s", "none"};
  EXPECT_EQ(field(SearchFor(query)), "with_vectors");
}

TEST_F(SparseFieldTest, WritesByFilterSeeWhatTheBatchWroteBefore) {
  ASSERT_NO_FATAL_FAILURE(PutSparse(1, {{1, 2}}));
  ASSERT_NO_FATAL_FAILURE(PutSparse(2, {}));
  BatchRequest batch;
  batch.parts.emplace_back(MakeUpsert({WithSparse(3, {{4, 1}}), WithSparse(4, {})}));
  DeleteRequest remove;
  remove.collection = "c";
  remove.points.filter = HasSparse("s");
  batch.parts.emplace_back(remove);
  const auto receipt = Collection::WriteAll(*commits_, {collection_, collection_}, batch);
  ASSERT_THAT(receipt, IsOk());
  EXPECT_EQ(receipt->parts[1].points, 2U);
  model_ = {{2, {}}, {4, {}}};
  ExpectAsModel("after");
}

TEST_F(SparseFieldTest, PayloadChangesLeaveVectorsAlone) {
  std::mt19937_64 random(2);
  ASSERT_NO_FATAL_FAILURE(PutRandom(random, 1, 70));
  SealAll();
  ASSERT_NO_FATAL_FAILURE(PutRandom(random, 71, 80));
  PayloadRequest change;
  change.collection = "c";
  change.edit.merged = {{"even", Value(true)}};
  for (uint64_t number = 1; number <= 80; number += 3) {
    change.points.ids.push_back(Id(number));
  }
  ASSERT_THAT(collection_->ChangePayload(change), IsOk());
  ExpectAsModel("changed");
  SearchQuery query = SparseQueryFor(VectorOf({{3, 1}, {4, 1}}), 100);
  const size_t all = Found(query).size();
  query.filter = Equals("even", Value(true));
  const size_t even = Found(query).size();
  EXPECT_GT(all, even);
  EXPECT_GT(even, 0U);
  Settle();
  EXPECT_EQ(Found(query).size(), even);
  ASSERT_NO_FATAL_FAILURE(Reopen());
  EXPECT_EQ(Found(query).size(), even);
  ExpectAsModel("opened again");
}

TEST_F(SparseFieldTest, DamagedAndMissingFilesAreMadeAnew) {
  std::mt19937_64 random(3);
  ASSERT_NO_FATAL_FAILURE(PutRandom(random, 1, 100));
  Settle();
  for (const uint64_t number : {5U, 6U, 7U, 50U}) {
    ASSERT_NO_FATAL_FAILURE(Remove(number));  // gone from the store, dead in the segment
  }
  ExpectAsModel("before");
  const std::vector<std::string> files = FilesBelow(OwnSegments(), "sparse_2.seg");
  ASSERT_THAT(files, Not(IsEmpty()));
  ASSERT_EQ(FilesBelow(OwnSegments(), "sparse_3.seg").size(), files.size());
  for (const std::string& file : files) {
    for (const std::string what : {"removed", "cut", "flipped", "emptied"}) {
      Close();
      if (what == "removed") {
        ASSERT_TRUE(std::filesystem::remove(file));
      } else if (what == "cut") {
        CutFile(file, FileBytes(file) - 1);
      } else if (what == "flipped") {
        FlipBit(file, FileBytes(file) / 2);
      } else {
        PutBytes(file, "");
      }
      ASSERT_NO_FATAL_FAILURE(Reopen()) << what;
      ExpectAsModel(what);
      EXPECT_EQ(collection_->Stats().healed_segments, 1U) << what;
      EXPECT_FALSE(collection_->HasFrozenDelta()) << "the segment stays";
      ASSERT_NO_FATAL_FAILURE(Reopen());
      EXPECT_EQ(collection_->Stats().healed_segments, 0U) << what;
      ExpectAsModel(what + ", opened again");
    }
  }
  // All of the cache at once.
  Close();
  ASSERT_THAT(RemoveTree(SegmentsDirectory()), IsOk());
  ASSERT_NO_FATAL_FAILURE(Reopen());
  ExpectAsModel("replayed");
}

TEST_F(SparseFieldTest, ADamagedStoredVectorIsAnErrorAndNoAnswer) {
  ASSERT_NO_FATAL_FAILURE(PutSparse(1, {{1, 2}}));
  WriteBatch batch(*store_);
  batch.PutVector({kId, ShardId(0)}, RowNo(0), {FieldId(2), "no vector"});
  ASSERT_THAT(store_->Write(batch, /*sync=*/true), IsOk());
  GetRequest get;
  get.ids = {Id(1)};
  get.vectors = {"s"};
  EXPECT_THAT(collection_->Get(get), StatusIs(StatusCode::kDataLoss));
  Open();
  EXPECT_THAT(recovered_, StatusIs(StatusCode::kDataLoss, HasSubstr("field \"s\"")));
}

TEST_F(SparseFieldTest, ReplacedAndDeletedPointsLeaveNothingInTheStore) {
  ASSERT_NO_FATAL_FAILURE(PutSparse(1, {{1, 2}}));
  ASSERT_NO_FATAL_FAILURE(PutSparse(1, {{1, 3}}));
  ASSERT_NO_FATAL_FAILURE(PutSparse(2, {{1, 3}}));
  ASSERT_NO_FATAL_FAILURE(Remove(2));
  std::vector<uint64_t> rows;
  ASSERT_THAT(store_->ScanVectors({kId, ShardId(0)},
                                  FieldId(2),
                                  RowNo(0),
                                  RowNo(100),
                                  nullptr,
                                  [&rows](RowNo row, std::string_view) {
                                    rows.push_back(row.value());
                                    return OkStatus();
                                  }),
              IsOk());
  EXPECT_THAT(rows, ElementsAre(1));
}

TEST_F(SparseFieldTest, StatisticsKnowThem) {
  std::mt19937_64 random(4);
  ASSERT_NO_FATAL_FAILURE(PutRandom(random, 1, 100));
  CollectionStats stats = collection_->Stats();
  ASSERT_THAT(stats.fields, SizeIs(3));
  EXPECT_EQ(stats.fields[1].name, "s");
  EXPECT_GT(stats.fields[1].delta_vectors.count, 50U);
  EXPECT_GT(stats.fields[1].delta_vectors.anonymous, 1'000U);
  EXPECT_EQ(stats.fields[2].delta_vectors.count, 0U);
  const uint64_t vectors = stats.fields[1].delta_vectors.count;
  Settle();
  stats = collection_->Stats();
  EXPECT_EQ(stats.fields[1].delta_vectors.count, 0U);
  EXPECT_EQ(stats.fields[1].sealed.vectors.count, vectors);
  EXPECT_GT(stats.fields[1].sealed.vectors.mapped, 1'000U);
  EXPECT_GT(stats.fields[1].sealed.links.mapped, 500U);
  uint64_t bytes = 0;
  for (const std::string& file : FilesBelow(OwnSegments())) {
    bytes += FileBytes(file);
  }
  EXPECT_EQ(stats.disk_bytes, bytes);
}

TEST_F(SparseFieldTest, ARepeatedRequestIsKnownByItsSparseVectorsToo) {
  UpsertRequest request = MakeUpsert({WithSparse(1, {{1, 2}})});
  request.options.request_id = "one";
  ASSERT_THAT(collection_->Upsert(request), IsOk());
  const auto again = collection_->Upsert(request);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  UpsertRequest other = MakeUpsert({WithSparse(1, {{1, 3}})});
  other.options.request_id = "one";
  EXPECT_THAT(collection_->Upsert(other), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace alidade
