// gmock matchers for Status and StatusOr<T>.
//
//   EXPECT_THAT(writer->Append("x"), IsOk());
//   EXPECT_THAT(DecodeObject(bytes), StatusIs(StatusCode::kDataLoss, HasSubstr("malformed")));
//   EXPECT_THAT(ValidateFilter(...), FieldErrorAt("filter.is_in.key"));
//   EXPECT_THAT(CountRows(...), IsOkAndHolds(3u));
//   ALIDADE_ASSERT_OK_AND_ASSIGN(const auto file, MappedFile::Open(path));
#pragma once

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/status.h"

namespace alidade {

inline const Status& StatusOf(const Status& status) { return status; }
template <typename T>
Status StatusOf(const StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  const Status status = StatusOf(arg);
  *result_listener << "whose status is " << status.ToString();
  return status.ok();
}

MATCHER_P(StatusIs, code, "has the code " + ::testing::PrintToString(code)) {
  const Status status = StatusOf(arg);
  *result_listener << "whose status is " << status.ToString();
  return status.code() == code;
}

// `message` is a string or a matcher of strings.
MATCHER_P2(StatusIs, code, message, "has the code " + ::testing::PrintToString(code)) {
  const Status status = StatusOf(arg);
  *result_listener << "whose status is " << status.ToString();
  return status.code() == code &&
         ::testing::Matches(::testing::Matcher<std::string>(message))(MessageOf(status));
}

// INVALID_ARGUMENT about the request field `field`.
MATCHER_P(FieldErrorAt, field, "is an error of the field " + ::testing::PrintToString(field)) {
  const Status status = StatusOf(arg);
  *result_listener << "whose status is " << status.ToString() << " of the field "
                   << FieldOf(status).value_or("(none)");
  return status.code() == StatusCode::kInvalidArgument && FieldOf(status) == std::string(field);
}

// A StatusOr whose value matches `inner` (a value or a matcher).
MATCHER_P(IsOkAndHolds, inner, "is OK and its value matches") {
  if (!arg.ok()) {
    *result_listener << "whose status is " << arg.status().ToString();
    return false;
  }
  return ::testing::ExplainMatchResult(inner, *arg, result_listener);
}

}  // namespace alidade

// Takes the value out of a StatusOr or ends the test.
#define ALIDADE_ASSERT_OK_AND_ASSIGN(target, expression) \
  ALIDADE_ASSERT_OK_AND_ASSIGN_INNER(ALIDADE_CONCAT(alidade_or_, __LINE__), target, expression)
#define ALIDADE_ASSERT_OK_AND_ASSIGN_INNER(holder, target, expression) \
  auto holder = (expression);                                          \
  ASSERT_TRUE(holder.ok()) << holder.status();                         \
  target = std::move(holder).value()
