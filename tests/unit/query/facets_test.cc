// Which way facets, bounds and orders are found; that the ways agree is tested through collections.
#include "alidade/query/facets.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"
#include "alidade/query/ordered_rows.h"

#include "support/fake_segment.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;

const PayloadIndexSpec kIndex{PayloadIndexId(1), "k", PayloadIndexType::kInteger};

std::string Encoded(const Value& value) {
  std::string payload;
  EncodeObject({{"k", value}}, payload);
  return payload;
}

// An index that says other things than the payloads do, so that an answer shows whence it is.
std::shared_ptr<const PayloadIndexes> IndexOver(const std::vector<Value>& values) {
  PayloadIndexBuilder builder(kIndex, static_cast<uint32_t>(values.size()));
  for (size_t row = 0; row < values.size(); ++row) {
    builder.Add(static_cast<RowId>(row), Encoded(values[row]));
  }
  const auto body = std::make_shared<const std::string>(std::move(builder).Finish());
  auto opened = PayloadIndex::Open(kIndex.type, *body, static_cast<uint32_t>(values.size()));
  EXPECT_THAT(opened, IsOk());
  return std::make_shared<const PayloadIndexes>(PayloadIndexes{{kIndex, *opened, body}});
}

// Rows with ids 1, 2, ... and the integer 5 at "k".
std::shared_ptr<FakeSegment> Fives(uint64_t rows) {
  std::vector<FakeRow> made;
  for (uint64_t i = 0; i < rows; ++i) {
    made.push_back({.id = PointId(i + 1), .vector = {}, .payload = {{"k", Value(int64_t{5})}}});
  }
  return std::make_shared<FakeSegment>(RowNo(1), std::move(made));
}

SegmentSet ViewOf(const std::shared_ptr<FakeSegment>& segment, uint32_t visible) {
  SegmentSet view;
  view.at = SeqNo(10);
  view.segments = {{segment, visible}};
  return view;
}

std::vector<FacetCount> FacetsOf(const SegmentSet& view) {
  const auto found = CountFacets(view, {.key = "k"}, Deadline());
  EXPECT_THAT(found, IsOk());
  return found.ok() ? found->values : std::vector<FacetCount>{};
}

TEST(FacetsTest, AskAnIndexThatHoldsAllThatThereIs) {
  const auto segment = Fives(4);
  segment->SetPayloadIndexes(
      IndexOver({Value(int64_t{7}), Value(int64_t{7}), Value(1.5), Value(int64_t{7})}));
  const SegmentSet view = ViewOf(segment, 4);
  EXPECT_THAT(FacetsOf(view),
              ElementsAre(FacetCount{Value(int64_t{7}), 3}, FacetCount{Value(1.5), 1}));
  EXPECT_EQ(FindBounds(view, "k", nullptr, Deadline())->numbers,
            (ValueBounds{Value(1.5), Value(int64_t{7})}));
  // The index does not know of changes, nor of deletes.
  segment->ChangePayload(0, SeqNo(9), Encoded(Value("new")));
  segment->ChangePayload(2, SeqNo(11), Encoded(Value("later")));
  segment->MarkDeleted(3, SeqNo(10));
  EXPECT_THAT(FacetsOf(view),
              ElementsAre(FacetCount{Value(1.5), 1},
                          FacetCount{Value(int64_t{7}), 1},
                          FacetCount{Value("new"), 1}));
}

TEST(FacetsTest, LookAtPayloadsIfTheIndexDoesNotHoldAllOrIsOverOtherRows) {
  const auto segment = Fives(3);
  segment->SetPayloadIndexes(IndexOver({Value(int64_t{7}), Value("no number"), Value(int64_t{7})}));
  EXPECT_THAT(FacetsOf(ViewOf(segment, 3)), ElementsAre(FacetCount{Value(int64_t{5}), 3}));
  segment->SetPayloadIndexes(IndexOver({Value(int64_t{7}), Value(int64_t{7}), Value(int64_t{7})}));
  EXPECT_THAT(FacetsOf(ViewOf(segment, 2)), ElementsAre(FacetCount{Value(int64_t{5}), 2}));
}

TEST(OrderedRowsTest, EachRowStandsOnceWhereItsPayloadSays) {
  const auto segment = Fives(4);
  // At 5 as the payloads say, and once more elsewhere; row 2 is not there at all.
  segment->SetPayloadIndexes(IndexOver({Value(List{Value(int64_t{4}), Value(int64_t{5})}),
                                        Value(int64_t{5}),
                                        Value("none"),
                                        Value(List{Value(int64_t{9}), Value(int64_t{5})})}));
  SegmentSet view = ViewOf(segment, 4);
  view.schema.payload_indexes = {kIndex};
  const auto ids = [&view](OrderQuery query) {
    query.index = &kIndex;
    std::vector<PointId> found;
    const auto positions = FindInOrder(view, query, Deadline());
    EXPECT_THAT(positions, IsOk());
    for (const OrderPosition& position : positions.value_or(std::vector<OrderPosition>())) {
      found.push_back(PointId::Decode(position.encoded_id).value());
    }
    return found;
  };
  EXPECT_THAT(ids({.count = 10}), ElementsAre(PointId(1), PointId(2), PointId(4)));
  EXPECT_THAT(ids({.count = 2}), ElementsAre(PointId(1), PointId(2)));
  EXPECT_THAT(ids({.descending = true, .count = 10}),
              ElementsAre(PointId(1), PointId(2), PointId(4)));
  segment->ChangePayload(0, SeqNo(8), Encoded(Value(int64_t{6})));
  EXPECT_THAT(ids({.count = 10}), ElementsAre(PointId(2), PointId(4), PointId(1)));
  EXPECT_THAT(ids({.descending = true, .count = 2}), ElementsAre(PointId(1), PointId(2)));
}

TEST(FacetsTest, GiveUpWhenTheTimeIsOver) {
  const auto segment = Fives(5'000);
  const SegmentSet view = ViewOf(segment, 5'000);
  int looks = 0;
  const auto cancel_at = [&looks](int look) {
    looks = 0;
    return Deadline(Deadline::Clock::time_point::max(), [&looks, look] { return ++looks >= look; });
  };
  // One look for the segment, one for each 1,024 rows.
  EXPECT_THAT(CountFacets(view, {.key = "k"}, cancel_at(6)), IsOk());
  EXPECT_EQ(looks, 5);
  EXPECT_THAT(CountFacets(view, {.key = "k"}, cancel_at(4)), StatusIs(StatusCode::kCancelled));
  EXPECT_THAT(FindBounds(view, "k", nullptr, cancel_at(4)), StatusIs(StatusCode::kCancelled));
  EXPECT_THAT(FindInOrder(view, {.index = &kIndex, .count = 5}, cancel_at(4)),
              StatusIs(StatusCode::kCancelled));
  segment->SetPayloadIndexes(IndexOver(std::vector<Value>(5'000, Value(int64_t{5}))));
  EXPECT_THAT(CountFacets(view, {.key = "k"}, cancel_at(4)), StatusIs(StatusCode::kCancelled));
  EXPECT_THAT(FindInOrder(view, {.index = &kIndex, .count = 5}, cancel_at(4)),
              StatusIs(StatusCode::kCancelled));
}

}  // namespace
}  // namespace alidade
