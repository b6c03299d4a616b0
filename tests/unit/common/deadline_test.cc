#include "alidade/common/deadline.h"

#include <chrono>

#include <gtest/gtest.h>

#include "support/status_matchers.h"

namespace alidade {
namespace {

TEST(DeadlineTest, NeverPassesByDefault) {
  EXPECT_FALSE(Deadline().Passed());
  EXPECT_THAT(Deadline().Check(), IsOk());
}

TEST(DeadlineTest, PassesAtItsMoment) {
  EXPECT_THAT(Deadline(Deadline::Clock::now()).Check(), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(Deadline::After(std::chrono::milliseconds(-1)).Check(),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(Deadline::After(std::chrono::hours(1)).Check(), IsOk());
}

TEST(DeadlineTest, CancelStopsEarlier) {
  bool cancelled = false;
  const Deadline deadline(Deadline::Clock::time_point::max(), [&cancelled] { return cancelled; });
  EXPECT_THAT(deadline.Check(), IsOk());
  cancelled = true;
  EXPECT_THAT(deadline.Check(), StatusIs(StatusCode::kCancelled));
  EXPECT_FALSE(deadline.Passed());
}

}  // namespace
}  // namespace alidade
