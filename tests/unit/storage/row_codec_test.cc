// Values and their checksums.
#include "row_codec.h"

#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/bytes.h"

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

TEST(RowCodecTest, ASealedValueOpensUnderItsKey) {
  for (const std::string body : {"", "x", "some bytes\0with a zero"}) {
    std::string sealed = body;
    SealValue("key", sealed);
    EXPECT_EQ(sealed.size(), body.size() + sizeof(uint64_t));
    ALIDADE_ASSERT_OK_AND_ASSIGN(const std::string_view opened, OpenValue("key", sealed));
    EXPECT_EQ(opened, body);
  }
}

TEST(RowCodecTest, AValueUnderAnotherKeyIsDataLoss) {
  std::string sealed = "body";
  SealValue("key 1", sealed);
  EXPECT_THAT(OpenValue("key 2", sealed), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(OpenValue("", sealed), StatusIs(StatusCode::kDataLoss));
  // The key is named, so that it can be found in the store.
  EXPECT_THAT(OpenValue("AB", sealed), StatusIs(StatusCode::kDataLoss, HasSubstr("4142")));
}

TEST(RowCodecTest, EveryFlippedBitIsDataLoss) {
  std::string sealed = EncodeRow(
      {.encoded_id = PointId(uint64_t{7}).Encode(), .seq = SeqNo(9), .payload = "payload"});
  SealValue("key", sealed);
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string damaged = sealed;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_THAT(OpenValue("key", damaged), StatusIs(StatusCode::kDataLoss)) << "bit " << bit;
  }
}

TEST(RowCodecTest, EveryTruncationIsDataLoss) {
  std::string sealed = "a value of some length";
  SealValue("key", sealed);
  for (size_t bytes = 0; bytes < sealed.size(); ++bytes) {
    ASSERT_THAT(OpenValue("key", sealed.substr(0, bytes)), StatusIs(StatusCode::kDataLoss));
  }
  ASSERT_THAT(OpenValue("key", sealed + '\0'), StatusIs(StatusCode::kDataLoss));
}

TEST(RowCodecTest, RowsComeBack) {
  for (const PointId& id : {PointId(uint64_t{0}), PointId(~uint64_t{0}), PointId("a word")}) {
    for (const std::string payload : {"", "bytes\0and more"}) {
      for (const uint32_t vectors : {0U, 1U, 0x80000001U}) {
        ALIDADE_ASSERT_OK_AND_ASSIGN(const StoredRow row,
                                     DecodeRow(EncodeRow({.encoded_id = id.Encode(),
                                                          .seq = SeqNo(1),
                                                          .payload = payload,
                                                          .vectors = vectors})));
        EXPECT_EQ(row.id, id);
        EXPECT_EQ(row.seq, SeqNo(1));
        EXPECT_EQ(row.payload, payload);
        EXPECT_EQ(row.vectors, vectors);
      }
    }
  }
}

TEST(RowCodecTest, ARowOfTheFirstFormatSaysNothingOfVectors) {
  const std::string id = PointId("id").Encode();
  std::string old(1, '\x01');
  AppendLittleEndian(old, uint64_t{5});
  AppendLengthPrefixed(old, id);
  AppendLengthPrefixed(old, std::string_view("payload"));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const StoredRow row, DecodeRow(old));
  EXPECT_EQ(row.id, PointId("id"));
  EXPECT_EQ(row.seq, SeqNo(5));
  EXPECT_EQ(row.payload, "payload");
  EXPECT_EQ(row.vectors, std::nullopt);
  for (size_t bytes = 0; bytes < old.size(); ++bytes) {
    ASSERT_THAT(DecodeRow(old.substr(0, bytes)), StatusIs(StatusCode::kDataLoss)) << bytes;
  }
}

TEST(RowCodecTest, EveryTruncatedOrLengthenedRowIsDataLoss) {
  const std::string id = PointId("id").Encode();
  const std::string whole =
      EncodeRow({.encoded_id = id, .seq = SeqNo(5), .payload = "payload", .vectors = 3});
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    ASSERT_THAT(DecodeRow(whole.substr(0, bytes)), StatusIs(StatusCode::kDataLoss)) << bytes;
  }
  EXPECT_THAT(DecodeRow(whole + "x"), StatusIs(StatusCode::kDataLoss));
  std::string newer = whole;
  newer[0] = 3;
  EXPECT_THAT(DecodeRow(newer), StatusIs(StatusCode::kDataLoss));
  newer[0] = 0;
  EXPECT_THAT(DecodeRow(newer), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(DecodeRow(EncodeRow({.encoded_id = "\x09 no id", .seq = SeqNo(5), .payload = ""})),
              StatusIs(StatusCode::kDataLoss));
}

TEST(RowCodecTest, IdEntriesAndSeqsComeBackAndAreMeasured) {
  const std::string entry = EncodeIdEntry({RowNo(0x0102030405060708), SeqNo(9)});
  ALIDADE_ASSERT_OK_AND_ASSIGN(const IdEntry read, DecodeIdEntry(entry));
  EXPECT_EQ(read.row, RowNo(0x0102030405060708));
  EXPECT_EQ(read.seq, SeqNo(9));
  EXPECT_THAT(DecodeIdEntry(entry.substr(1)), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(DecodeIdEntry(entry + "x"), StatusIs(StatusCode::kDataLoss));

  EXPECT_THAT(DecodeSeq(EncodeSeq(SeqNo(77))), IsOkAndHolds(SeqNo(77)));
  EXPECT_THAT(DecodeSeq("1234567"), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(DecodeSeq("123456789"), StatusIs(StatusCode::kDataLoss));
}

}  // namespace
}  // namespace alidade
