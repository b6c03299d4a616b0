#include "alidade/common/status.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "support/status_matchers.h"

namespace alidade {
namespace {

TEST(StatusTest, MakersFormatTheMessage) {
  const Status status = InvalidArgument("dim {} != {}", 3, 4);
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument, "dim 3 != 4"));
  EXPECT_THAT(NotFound("x"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(AlreadyExists("x"), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_THAT(FailedPrecondition("x"), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(ResourceExhausted("x"), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(DeadlineExceeded("x"), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(Cancelled("x"), StatusIs(StatusCode::kCancelled));
  EXPECT_THAT(Unavailable("x"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(DataLoss("x"), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(Internal("x"), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(Unimplemented("x"), StatusIs(StatusCode::kUnimplemented));
  EXPECT_THAT(OkStatus(), IsOk());
}

TEST(StatusTest, PlainStatusHasNoDetails) {
  const Status status = Internal("x");
  EXPECT_EQ(FieldOf(status), std::nullopt);
  EXPECT_EQ(ReasonOf(status), std::nullopt);
  EXPECT_EQ(RetryAfterMsOf(status), std::nullopt);
}

TEST(StatusTest, FieldErrorsCarryTheirPath) {
  const Status status = FieldError("points[3].id", "has {} bytes", 300);
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument, "points[3].id: has 300 bytes"));
  EXPECT_EQ(FieldOf(status), "points[3].id");
  const Status outer = WithReason(WithFieldPrefix(status, "request"), "BAD_ID");
  EXPECT_EQ(FieldOf(outer), "request.points[3].id");
  EXPECT_EQ(MessageOf(outer), "request.points[3].id: has 300 bytes");
  EXPECT_EQ(ReasonOf(outer), "BAD_ID");
  // Nothing to prefix: unchanged.
  EXPECT_EQ(WithFieldPrefix(Internal("x"), "request"), Internal("x"));
  EXPECT_THAT(WithFieldPrefix(OkStatus(), "request"), IsOk());
}

TEST(StatusTest, ContextKeepsCodeAndDetails) {
  const Status inner = WithRetryAfter(WithReason(ResourceExhausted("full"), "DISK_FULL"), 1'500);
  const Status outer = WithContext(inner, "segment 7");
  EXPECT_THAT(outer, StatusIs(StatusCode::kResourceExhausted, "segment 7: full"));
  EXPECT_EQ(ReasonOf(outer), "DISK_FULL");
  EXPECT_EQ(RetryAfterMsOf(outer), 1'500);
  EXPECT_EQ(FieldOf(WithContext(FieldError("a", "b"), "c")), "a");
  EXPECT_THAT(WithContext(OkStatus(), "segment 7"), IsOk());
}

TEST(StatusTest, AnOkStatusTakesNoDetails) {
  EXPECT_EQ(ReasonOf(WithReason(OkStatus(), "X")), std::nullopt);
  EXPECT_THAT(WithRetryAfter(OkStatus(), 5), IsOk());
}

// The numbers are those of the wire.
TEST(StatusTest, CodesHaveTheNumbersOfGrpc) {
  EXPECT_EQ(static_cast<int>(StatusCode::kOk), 0);
  EXPECT_EQ(static_cast<int>(StatusCode::kCancelled), 1);
  EXPECT_EQ(static_cast<int>(StatusCode::kInvalidArgument), 3);
  EXPECT_EQ(static_cast<int>(StatusCode::kResourceExhausted), 8);
  EXPECT_EQ(static_cast<int>(StatusCode::kDataLoss), 15);
}

Status FailIf(bool fail) { return fail ? Internal("told so") : OkStatus(); }
StatusOr<std::unique_ptr<int>> Make(bool fail) {
  ALIDADE_RETURN_IF_ERROR(FailIf(fail));
  return std::make_unique<int>(7);
}
StatusOr<int> Use(bool fail) {
  ALIDADE_ASSIGN_OR_RETURN(const auto made, Make(fail));
  ALIDADE_ASSIGN_OR_RETURN(const auto again, Make(fail));
  return *made + *again;
}

TEST(StatusTest, MacrosPassErrorsUpAndMoveValues) {
  EXPECT_THAT(Use(false), IsOkAndHolds(14));
  EXPECT_THAT(Use(true), StatusIs(StatusCode::kInternal, "told so"));
}

TEST(StatusMatchersTest, TellOneStatusFromAnother) {
  using ::testing::HasSubstr;
  using ::testing::Not;
  EXPECT_THAT(Internal("boo"), Not(IsOk()));
  EXPECT_THAT(OkStatus(), Not(StatusIs(StatusCode::kInternal)));
  EXPECT_THAT(Internal("boo"), Not(StatusIs(StatusCode::kNotFound)));
  EXPECT_THAT(Internal("boo"), Not(StatusIs(StatusCode::kInternal, HasSubstr("far"))));
  EXPECT_THAT(FieldError("a.b", "x"), FieldErrorAt("a.b"));
  EXPECT_THAT(FieldError("a.b", "x"), Not(FieldErrorAt("a")));
  EXPECT_THAT(InvalidArgument("x"), Not(FieldErrorAt("a")));
  EXPECT_THAT(Use(false), Not(IsOkAndHolds(13)));
  EXPECT_THAT(Use(true), Not(IsOkAndHolds(14)));
}

}  // namespace
}  // namespace alidade
