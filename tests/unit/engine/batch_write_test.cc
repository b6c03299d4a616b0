// Several writes as one: in order, of several collections, all or nothing.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"

#include "engine_testing.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BatchWriteTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    Create("a");
    Create("b");
    ASSERT_THAT(Put("a", 1, 10), IsOk());
    ASSERT_THAT(Put("b", 1, 10), IsOk());
  }
  static OwnedPoint Tagged(uint64_t number, const std::string& tag) {
    return MakePoint(Id(number), {static_cast<float>(number), 1}, {{"tag", Value(tag)}});
  }
  static PayloadRequest Tag(const std::string& collection,
                            std::vector<PointId> ids,
                            const std::string& tag) {
    PayloadRequest request;
    request.collection = collection;
    request.points.ids = std::move(ids);
    request.edit.merged = {{"tag", Value(tag)}};
    return request;
  }
  static DeleteRequest DeleteTagged(const std::string& collection, const std::string& tag) {
    DeleteRequest request;
    request.collection = collection;
    request.points.filter = Equals("tag", Value(tag));
    return request;
  }
  // Every point with its seq and payload.
  std::string State() const {
    std::string text = fmt::format("seq {}\n", engine_->Stats().seq);
    for (const std::string& name : Names()) {
      ListRequest request;
      request.collection = name;
      request.payload.mode = PayloadSelector::Mode::kAll;
      const auto listed = engine_->List(request);
      EXPECT_THAT(listed, IsOk());
      const auto counted = Count(name);
      EXPECT_THAT(counted, IsOk());
      text += fmt::format("{}: {}\n", name, *counted);
      for (const Point& point : listed->points) {
        std::string payload;
        EncodeObject(point.payload, payload);
        text += fmt::format("{} seq {} {}\n", point.id.ToString(), point.seq, payload);
      }
    }
    return text;
  }
};

TEST_F(BatchWriteTest, OperationsSeeWhatTheOnesBeforeThemDid) {
  BatchRequest batch;
  batch.parts.emplace_back(MakeUpsert({Tagged(1, "x"), Tagged(20, "x")}, "a"));
  batch.parts.emplace_back(Tag("a", {Id(2), Id(20)}, "y"));
  batch.parts.emplace_back(DeleteTagged("a", "x"));                     // 1
  batch.parts.emplace_back(MakeUpsert({Tagged(2, "z")}, "a"));          // a row of the batch goes
  batch.parts.emplace_back(Tag("b", {Id(1), Id(2), Id(99)}, "other"));  // 1 and 2
  UpsertRequest insert = MakeUpsert({Tagged(1, "new"), Tagged(20, "no")}, "a");
  insert.mode = UpsertMode::kInsertOnly;
  batch.parts.emplace_back(std::move(insert));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt, engine_->WriteAll(batch));
  EXPECT_EQ(receipt.seq, SeqNo(5));
  EXPECT_THAT(receipt.parts,
              ElementsAre(WriteCounts{2, 0},
                          WriteCounts{2, 0},
                          WriteCounts{1, 0},
                          WriteCounts{1, 0},
                          WriteCounts{2, 0},
                          WriteCounts{1, 1}));
  EXPECT_EQ(receipt.points, 9U);
  EXPECT_THAT(Count("a"), IsOkAndHolds(11U));
  for (int i = 0; i < 2; ++i) {
    GetRequest get;
    get.collection = "a";
    get.payload.mode = PayloadSelector::Mode::kAll;
    get.ids = {Id(1), Id(2), Id(20)};
    ALIDADE_ASSERT_OK_AND_ASSIGN(const GetResponse got, engine_->Get(get));
    EXPECT_EQ(got.points[0]->payload.at("tag"), Value("new"));
    EXPECT_EQ(got.points[1]->payload.at("tag"), Value("z"));
    EXPECT_EQ(got.points[2]->payload.at("tag"), Value("y"));
    for (const auto& point : got.points) {
      EXPECT_EQ(point->seq, SeqNo(5));
    }
    // What a search sees, after a restart too.
    SearchRequest search;
    search.collection = "a";
    search.queries.resize(1);
    search.queries[0].target = std::vector<float>{20, 1};
    search.queries[0].k = 20;
    search.queries[0].filter = Equals("tag", Value("y"));
    ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResponse found, engine_->Search(search));
    ASSERT_EQ(found.results[0].hits.size(), 1U);
    EXPECT_EQ(found.results[0].hits[0].point.id, Id(20));
    const std::string before = State();
    Open();
    EXPECT_EQ(State(), before);
  }
}

TEST_F(BatchWriteTest, ARefusalLeavesNoTraceOfTheOthers) {
  const std::string before = State();
  UpsertRequest expects = MakeUpsert({Tagged(3, "x")}, "b");
  expects.if_seqs = {SeqNo(77)};
  PayloadRequest large = Tag("b", {Id(3)}, "x");
  large.edit.merged["text"] = Value(std::string(options_.limits.payload_bytes_max, 'x'));
  UpsertRequest bad_vector = MakeUpsert({MakePoint(Id(1), {1, 2, 3})}, "b");
  struct Case {
    WritePart part;
    StatusCode code;
    std::string message;
  };
  const std::vector<Case> cases = {
      {expects, StatusCode::kAborted, "operations[3]: if_seqs[0]"},
      {large, StatusCode::kInvalidArgument, "operations[3].payload: the payload of the point 3"},
      {bad_vector, StatusCode::kInvalidArgument, "operations[3].points[0].vectors[\"v\"]"},
      {MakeDelete({Id(1)}, "nope"), StatusCode::kNotFound, "operations[3]: there is no collection"},
  };
  for (const Case& refused : cases) {
    BatchRequest batch;
    batch.parts.emplace_back(MakeUpsert({Tagged(1, "x"), Tagged(20, "x")}, "a"));
    batch.parts.emplace_back(MakeDelete({Id(2), Id(20)}, "a"));
    batch.parts.emplace_back(Tag("b", {Id(1), Id(2)}, "x"));
    batch.parts.push_back(refused.part);
    EXPECT_THAT(engine_->WriteAll(batch), StatusIs(refused.code, HasSubstr(refused.message)));
    EXPECT_EQ(State(), before);
  }
  // Row numbers and counters go on as if nothing had been.
  ASSERT_THAT(Put("a", 30, 31), IsOk());
  ASSERT_THAT(Put("b", 30, 31), IsOk());
  const std::string after = State();
  Open();
  EXPECT_EQ(State(), after);
}

TEST_F(BatchWriteTest, ARetryIsAnsweredWithTheSameCounts) {
  BatchRequest batch;
  batch.options.request_id = "r";
  batch.parts.emplace_back(MakeUpsert({Tagged(1, "x")}, "a"));
  batch.parts.emplace_back(DeleteTagged("a", "x"));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt first, engine_->WriteAll(batch));
  ASSERT_THAT(Put("a", 1, 1), IsOk());
  Open();
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt again, engine_->WriteAll(batch));
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.seq, first.seq);
  EXPECT_EQ(again.parts, first.parts);
  EXPECT_THAT(Count("a"), IsOkAndHolds(10U));
  std::swap(batch.parts[0], batch.parts[1]);
  EXPECT_EQ(ReasonOf(engine_->WriteAll(batch).status()), "REQUEST_ID_REUSED");
  // A write by itself is another request than a batch of it.
  UpsertRequest alone = MakeUpsert({Tagged(1, "x")}, "a");
  alone.options.request_id = "r";
  EXPECT_EQ(ReasonOf(engine_->Upsert(alone).status()), "REQUEST_ID_REUSED");
}

TEST_F(BatchWriteTest, ACollectionThatIsDroppedMeanwhileRefusesTheBatch) {
  ASSERT_THAT(engine_->DropCollection("b"), IsOk());
  const std::string before = State();
  BatchRequest batch;
  batch.parts.emplace_back(MakeUpsert({Tagged(1, "x")}, "a"));
  batch.parts.emplace_back(MakeUpsert({Tagged(1, "x")}, "b"));
  EXPECT_THAT(engine_->WriteAll(batch),
              StatusIs(StatusCode::kNotFound, HasSubstr("operations[1]")));
  EXPECT_EQ(State(), before);
}

}  // namespace
}  // namespace alidade
