// Messages between bytes and protobuf: whole, in pieces, malformed, too large.
#include "message_codec.h"

#include <vector>

#include <gtest/gtest.h>

#include "alidade/v1/search.pb.h"

#include "support/status_matchers.h"

namespace alidade {
namespace {

v1::SearchRequest Example() {
  v1::SearchRequest request;
  request.set_collection("c");
  for (int i = 0; i < 3; ++i) {
    request.add_queries()->mutable_vector()->set_packed(std::string(1'000, static_cast<char>(i)));
  }
  return request;
}

grpc::ByteBuffer BufferOf(const std::string& bytes, size_t piece) {
  std::vector<grpc::Slice> slices;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    slices.emplace_back(bytes.substr(at, piece));
  }
  return {slices.data(), slices.size()};
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  grpc::Slice whole;
  EXPECT_TRUE(buffer.DumpToSingleSlice(&whole).ok());
  return {reinterpret_cast<const char*>(whole.begin()), whole.size()};
}

TEST(MessageCodecTest, ParsesRequestsWholeAndInPieces) {
  const std::string bytes = Example().SerializeAsString();
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{1'024}, bytes.size()}) {
    const grpc::ByteBuffer buffer = BufferOf(bytes, piece);
    v1::SearchRequest parsed;
    ASSERT_THAT(ParseRequest(buffer, parsed), IsOk()) << piece;
    EXPECT_EQ(parsed.SerializeAsString(), bytes) << piece;
    EXPECT_EQ(BytesOf(buffer), bytes) << "parsing must leave the bytes as they are";
  }
}

TEST(MessageCodecTest, AnEmptyRequestIsAMessage) {
  const grpc::Slice empty;
  v1::SearchRequest parsed;
  EXPECT_THAT(ParseRequest(grpc::ByteBuffer(&empty, 1), parsed), IsOk());
}

TEST(MessageCodecTest, RefusesWhatIsNoMessageWholeAndInPieces) {
  const std::string truncated = Example().SerializeAsString().substr(0, 500);
  const std::string no_utf8("\x0A\x02\xFF\xFE", 4);
  for (const std::string& bytes : {truncated, no_utf8}) {
    for (const size_t piece : {size_t{3}, bytes.size()}) {
      v1::SearchRequest parsed;
      const Status status = ParseRequest(BufferOf(bytes, piece), parsed);
      EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument)) << piece;
      EXPECT_EQ(ReasonOf(status), "MALFORMED_REQUEST");
    }
  }
}

TEST(MessageCodecTest, WritesRepliesUpToTheLimit) {
  v1::SearchResponse reply;
  for (int i = 0; i < 100; ++i) {
    reply.add_results()->add_hits()->mutable_id()->set_num(static_cast<uint64_t>(i) << 40);
  }
  const std::string bytes = reply.SerializeAsString();
  grpc::ByteBuffer written;
  ASSERT_THAT(WriteReply(reply, bytes.size(), written), IsOk());
  EXPECT_EQ(BytesOf(written), bytes);

  grpc::ByteBuffer refused;
  const Status status = WriteReply(reply, bytes.size() - 1, refused);
  EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(ReasonOf(status), "REPLY_TOO_LARGE");
}

TEST(MessageCodecTest, WritesAnEmptyReply) {
  grpc::ByteBuffer written;
  ASSERT_THAT(WriteReply(v1::SearchResponse(), 10, written), IsOk());
  EXPECT_EQ(BytesOf(written), "");
}

}  // namespace
}  // namespace alidade
