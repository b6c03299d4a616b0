#include "grpc_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace alidade {
namespace {

google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

template <typename Detail>
std::optional<Detail> Find(const google::rpc::Status& status) {
  for (const auto& any : status.details()) {
    if (Detail detail; any.UnpackTo(&detail)) {
      return detail;
    }
  }
  return std::nullopt;
}

TEST(GrpcStatus, OkHasNoDetails) {
  EXPECT_TRUE(ToGrpcStatus(OkStatus(), "r").ok());
  EXPECT_TRUE(ToGrpcStatus(OkStatus(), "r").error_details().empty());
}

TEST(GrpcStatus, CarriesReasonRequestFieldAndRetry) {
  const grpc::Status status = ToGrpcStatus(
      WithRetryAfter(WithReason(FieldError("points[3].id", "is empty"), "BAD_ID"), 1500), "req-1");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "points[3].id: is empty");
  const auto details = DetailsOf(status);
  EXPECT_EQ(details.code(), 3);
  EXPECT_EQ(details.message(), status.error_message());
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(details)->reason(), "BAD_ID");
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(details)->domain(), "alidade");
  EXPECT_EQ(Find<google::rpc::RequestInfo>(details)->request_id(), "req-1");
  const auto bad = Find<google::rpc::BadRequest>(details);
  ASSERT_TRUE(bad.has_value());
  EXPECT_EQ(bad->field_violations(0).field(), "points[3].id");
  EXPECT_EQ(bad->field_violations(0).description(), "is empty");
  EXPECT_EQ(Find<google::rpc::RetryInfo>(details)->retry_delay().seconds(), 1);
  EXPECT_EQ(Find<google::rpc::RetryInfo>(details)->retry_delay().nanos(), 500'000'000);
}

TEST(GrpcStatus, NamesTheCodeWhereThereIsNoReason) {
  const auto details = DetailsOf(ToGrpcStatus(NotFound("no collection"), "r"));
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(details)->reason(), "NOT_FOUND");
  EXPECT_FALSE(Find<google::rpc::BadRequest>(details).has_value());
  EXPECT_FALSE(Find<google::rpc::RetryInfo>(details).has_value());
}

TEST(GrpcStatus, CutsLongMessagesAtACharacter) {
  std::string text = "x";
  for (int i = 0; i < 2000; ++i) {
    text += "\xC3\xA4";
  }
  const grpc::Status status = ToGrpcStatus(Internal("{}", text), "r");
  EXPECT_LE(status.error_message().size(), kStatusMessageBytesMax);
  EXPECT_GT(status.error_message().size(), kStatusMessageBytesMax - 8);
  EXPECT_THAT(status.error_message(), testing::EndsWith("\xC3\xA4..."));
}

TEST(GrpcStatus, SurvivesMessagesThatAreNotUtf8) {
  const grpc::Status status = ToGrpcStatus(FieldError("id\xFF", "bad \xFE"), "r");
  EXPECT_EQ(status.error_message(), "id?: bad ?");
  EXPECT_EQ(Find<google::rpc::BadRequest>(DetailsOf(status))->field_violations(0).field(), "id?");
}

TEST(GrpcStatus, NamesEveryCode) {
  EXPECT_EQ(StatusCodeName(0), "OK");
  EXPECT_EQ(StatusCodeName(8), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(StatusCodeName(16), "UNAUTHENTICATED");
  EXPECT_EQ(StatusCodeName(17), "CODE_17");
}

}  // namespace
}  // namespace alidade
