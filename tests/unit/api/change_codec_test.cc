// Deletes, changes of payloads and batches from the wire: what each becomes, the field that a bad
// one is refused for, and errors of the engine with the path of the message.
#include "change_codec.h"

#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter_text.h"

#include "codec_testing.h"
#include "support/status_matchers.h"
#include "write_codec.h"

namespace alidade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

WriteDecoding Decoding() {
  static const Limits limits = SmallLimits();
  static const Deadline deadline = Deadline::After(std::chrono::hours(1));
  return {limits, Durability::kBuffered, deadline};
}

TEST(ChangeCodec, ADeleteHasIdsOrAFilter) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const DeleteRequest by_ids,
      DecodeDelete(Parse<v1::DeletePointsRequest>(
                       "collection: 'c' request_id: 'r' durability: DURABILITY_DURABLE "
                       "ids { num: 1 } ids { str: 'x' } if_seqs: [5, 0]"),
                   Decoding()));
  EXPECT_EQ(by_ids.collection, "c");
  EXPECT_EQ(by_ids.options.request_id, "r");
  EXPECT_EQ(by_ids.options.durability, Durability::kDurable);
  EXPECT_THAT(by_ids.points.ids, ElementsAre(PointId(uint64_t{1}), PointId("x")));
  EXPECT_THAT(by_ids.points.if_seqs, ElementsAre(SeqNo(5), SeqNo(0)));
  EXPECT_EQ(by_ids.points.filter, nullptr);
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const DeleteRequest by_filter,
      DecodeDelete(Parse<v1::DeletePointsRequest>("collection: 'c' filter { exists { key: 'a' } }"),
                   Decoding()));
  EXPECT_EQ(by_filter.options.durability, Durability::kBuffered);
  EXPECT_THAT(by_filter.points.ids, IsEmpty());
  EXPECT_EQ(FilterText(*by_filter.points.filter), "exists(a)");
  EXPECT_EQ(by_filter.points.deadline.at(), Decoding().deadline.at());
}

TEST(ChangeCodec, PayloadsAreMergedOverwrittenOrCut) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const PayloadRequest merge,
      DecodePayloadChange(
          Parse<v1::SetPayloadRequest>("collection: 'c' ids { num: 1 } payload { fields { key: 'a' "
                                       "value { int64_value: 7 } } }"),
          Decoding()));
  EXPECT_EQ(merge.edit.kind, PayloadEdit::Kind::kMerge);
  EXPECT_EQ(merge.edit.merged, (Object{{"a", Value(int64_t{7})}}));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const PayloadRequest clear,
                               DecodePayloadChange(Parse<v1::OverwritePayloadRequest>(
                                                       "collection: 'c' ids { num: 1 } payload {}"),
                                                   Decoding()));
  EXPECT_EQ(clear.edit.kind, PayloadEdit::Kind::kOverwrite);
  EXPECT_THAT(DecodeObject(clear.edit.whole), IsOkAndHolds(Object()));
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const PayloadRequest cut,
      DecodePayloadChange(
          Parse<v1::DeletePayloadKeysRequest>("collection: 'c' ids { num: 1 } keys: ['a.b', 'c']"),
          Decoding()));
  EXPECT_EQ(cut.edit.kind, PayloadEdit::Kind::kDeleteKeys);
  EXPECT_THAT(cut.edit.keys, ElementsAre("a.b", "c"));
}

TEST(ChangeCodec, ABatchHoldsItsOperationsInOrder) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const BatchRequest batch,
      DecodeBatch(
          Parse<v1::WriteBatchRequest>(
              "request_id: 'b' durability: DURABILITY_DURABLE "
              "operations { upsert_points { collection: 'a' mode: UPSERT_MODE_INSERT_ONLY rows { "
              "points { id { num: 1 } } } } } "
              "operations { delete_points { collection: 'b' ids { num: 2 } } } "
              "operations { overwrite_payload { collection: 'c' ids { num: 3 } payload {} } }"),
          Decoding()));
  EXPECT_EQ(batch.options.request_id, "b");
  EXPECT_EQ(batch.options.durability, Durability::kDurable);
  ASSERT_EQ(batch.parts.size(), 3U);
  EXPECT_EQ(std::get<UpsertRequest>(batch.parts[0]).mode, UpsertMode::kInsertOnly);
  EXPECT_EQ(std::get<DeleteRequest>(batch.parts[1]).collection, "b");
  EXPECT_EQ(std::get<PayloadRequest>(batch.parts[2]).edit.kind, PayloadEdit::Kind::kOverwrite);
}

TEST(ChangeCodec, BadChangesAreRefused) {
  const std::vector<Refusal> refusals = {
      {"no points", "collection: 'c'", "ids", "empty"},
      {"both", "collection: 'c' ids { num: 1 } filter { exists { key: 'a' } }", "ids", "filter"},
      {"bad filter", "collection: 'c' filter {}", "filter", ""},
      {"too many ids",
       "collection: 'c' ids { num: 1 } ids { num: 2 } ids { num: 3 } ids { num: 4 }",
       "ids",
       "limit is 3"},
      {"seqs", "collection: 'c' ids { num: 1 } if_seqs: [1, 2]", "if_seqs", "2 entries for 1"},
      {"no payload", "collection: 'c' ids { num: 1 }", "payload", "missing"},
      {"empty payload", "collection: 'c' ids { num: 1 } payload {}", "payload", "no keys"},
      {"large payload",
       "collection: 'c' ids { num: 1 } payload { fields { key: 'a' value { string_value: '" +
           std::string(100, 'x') + "' } } }",
       "payload",
       "limit is 100"},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused<v1::SetPayloadRequest>(refusal, [](const v1::SetPayloadRequest& message) {
      return DecodePayloadChange(message, Decoding()).status();
    });
  }
}

TEST(ChangeCodec, BadBatchesAreRefusedWithThePlaceOfTheOperation) {
  const std::string first = "operations { delete_points { collection: 'c' ids { num: 1 } } } ";
  const std::vector<Refusal> refusals = {
      {"nothing", "", "operations", "0 entries"},
      {"not set", first + "operations {}", "operations[1]", "no operation"},
      {"request id",
       first + "operations { delete_points { request_id: 'x' } }",
       "operations[1].delete_points.request_id",
       "whole batch"},
      {"durability",
       first + "operations { upsert_points { durability: DURABILITY_BUFFERED } }",
       "operations[1].upsert_points.durability",
       "whole batch"},
      {"inside",
       first + "operations { delete_payload_keys { collection: 'c' ids { num: 1 } keys: '' } }",
       "operations[1].delete_payload_keys.keys",
       "0 bytes"},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused<v1::WriteBatchRequest>(refusal, [](const v1::WriteBatchRequest& message) {
      return DecodeBatch(message, Decoding()).status();
    });
  }
}

TEST(ChangeCodec, ErrorsOfTheEngineNameTheFieldOfTheMessage) {
  const auto message = Parse<v1::WriteBatchRequest>(
      "operations { upsert_points { columns { vectors { field: 'v' } } } } "
      "operations { upsert_points { rows { points { vectors { key: 'w' } } } } } "
      "operations { set_payload {} }");
  struct Case {
    const char* engine;
    const char* wire;
  };
  for (const Case& known : {
           Case{"operations[0].points[3].vectors[\"v\"]",
                "operations[0].upsert_points.columns.vectors[0].data"},
           Case{"operations[1].points[0].vectors[\"w\"][2]",
                "operations[1].upsert_points.rows.points[0].vectors[\"w\"][2]"},
           Case{"operations[1].if_seqs[0]", "operations[1].upsert_points.if_seqs[0]"},
           Case{"operations[2].payload", "operations[2].set_payload.payload"},
           Case{"operations[7].payload", "operations[7].payload"},  // never said by the engine
           Case{"request_id", "request_id"},
       }) {
    const Status status =
        WithWirePath(WithReason(FieldError(known.engine, "is bad"), "REASON"), message);
    EXPECT_EQ(FieldOf(status), known.wire);
    EXPECT_EQ(ReasonOf(status), "REASON");
    EXPECT_THAT(MessageOf(status), HasSubstr("is bad"));
    EXPECT_THAT(MessageOf(status), testing::StartsWith(known.wire));
  }
  const Status other = Aborted("operations[0]: if_seqs[0]: no");
  EXPECT_EQ(WithWirePath(other, message), other);
}

TEST(ChangeCodec, TheReplyOfABatchCountsByOperation) {
  WriteReceipt receipt;
  receipt.seq = SeqNo(9);
  receipt.parts = {{.points = 4, .skipped = 1}, {.points = 2, .skipped = 0}};
  v1::WriteBatchResponse reply;
  EncodeBatch(receipt, reply);
  EXPECT_EQ(reply.receipt().seq(), 9U);
  ASSERT_EQ(reply.results_size(), 2);
  EXPECT_EQ(reply.results(0).points_count(), 4U);
  EXPECT_EQ(reply.results(0).skipped_count(), 1U);
  EXPECT_EQ(reply.results(1).points_count(), 2U);
}

}  // namespace
}  // namespace alidade
