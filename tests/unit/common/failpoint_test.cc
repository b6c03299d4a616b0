// What failpoints do is fixed when a process first meets one, so every case runs in a child of its
// own.
#include "alidade/common/failpoint.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include <gtest/gtest.h>

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

class FailpointDeathTest : public ::testing::Test {
 protected:
  void SetUp() override {
#if !ALIDADE_FAILPOINTS
    GTEST_SKIP() << "failpoints are not compiled in";
#endif
    // The child starts anew instead of going on from here: nothing is initialised in it.
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
};

#if ALIDADE_FAILPOINTS

Status Step(const char* name) {
  ALIDADE_FAILPOINT(name);
  return OkStatus();
}

// Exits with the number of the first expectation that does not hold, or with 0.
class ChildChecks {
 public:
  void Expect(bool holds) {
    ++count_;
    if (!holds) {
      ::_exit(count_);
    }
  }
  [[noreturn]] void Done() { ::_exit(0); }

 private:
  int count_ = 100;
};

TEST_F(FailpointDeathTest, NothingHappensUnlessNamed) {
  const auto child = [] {
    ::unsetenv("ALIDADE_FAILPOINTS");
    ::unsetenv("ALIDADE_MUTANTS");
    ChildChecks checks;
    checks.Expect(Step("a").ok());
    checks.Expect(!ALIDADE_MUTANT("no_sync"));
    checks.Done();
  };
  EXPECT_EXIT(child(), ExitedWithCode(0), "");
}

TEST_F(FailpointDeathTest, ErrorsAreReturnedAtTheNamedHits) {
  const auto child = [] {
    ::setenv("ALIDADE_FAILPOINTS", "always=error;third=error@3", 1);
    ChildChecks checks;
    checks.Expect(Step("always").code() == StatusCode::kInternal);
    checks.Expect(MessageOf(Step("always")).find("always") != std::string::npos);
    checks.Expect(Step("third").ok());
    checks.Expect(Step("other").ok());
    checks.Expect(Step("third").ok());
    checks.Expect(!Step("third").ok());
    checks.Expect(Step("third").ok());
    ALIDADE_FAILPOINT_VOID("always");
    checks.Done();
  };
  EXPECT_EXIT(child(), ExitedWithCode(0), "");
}

TEST_F(FailpointDeathTest, KillEndsTheProcessAtTheNthHit) {
  const auto child = [] {
    ::setenv("ALIDADE_FAILPOINTS", "commit=kill@2", 1);
    ChildChecks checks;
    checks.Expect(Step("commit").ok());
    const Status unreached = Step("commit");
    checks.Expect(unreached.ok());
    checks.Done();
  };
  EXPECT_EXIT(child(), KilledBySignal(SIGKILL), "");
}

TEST_F(FailpointDeathTest, ExitAndSleep) {
  const auto child = [] {
    ::setenv("ALIDADE_FAILPOINTS", "slow=sleep:30;end=exit", 1);
    ChildChecks checks;
    const auto start = std::chrono::steady_clock::now();
    checks.Expect(Step("slow").ok());
    checks.Expect(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(30));
    const Status unreached = Step("end");
    checks.Expect(unreached.ok());
    checks.Done();
  };
  EXPECT_EXIT(child(), ExitedWithCode(3), "");
}

TEST_F(FailpointDeathTest, ATypingMistakeInTheEnvironmentIsLoud) {
  const auto child = [](const char* text) {
    ::setenv("ALIDADE_FAILPOINTS", text, 1);
    ChildChecks checks;
    const Status unreached = Step("a");
    checks.Expect(unreached.ok());
    checks.Done();
  };
  EXPECT_EXIT(child("a=explode"), KilledBySignal(SIGABRT), "action 'explode' is unknown");
  EXPECT_EXIT(child("a"), KilledBySignal(SIGABRT), "has no action");
  EXPECT_EXIT(child("a=kill@x"), KilledBySignal(SIGABRT), "'x' is no number");
}

TEST_F(FailpointDeathTest, MutantsAreOnByName) {
  const auto child = [] {
    ::setenv("ALIDADE_MUTANTS", "no_sync,no_checksum", 1);
    ChildChecks checks;
    checks.Expect(ALIDADE_MUTANT("no_sync"));
    checks.Expect(ALIDADE_MUTANT("no_checksum"));
    checks.Expect(!ALIDADE_MUTANT("no_"));
    checks.Done();
  };
  EXPECT_EXIT(child(), ExitedWithCode(0), "");
}

#else

TEST_F(FailpointDeathTest, NotCompiledIn) {}

#endif

}  // namespace
}  // namespace alidade
