#include "alidade/common/log.h"

#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace alidade {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

// What `fn` logs.
template <typename Fn>
std::string Logged(const LogOptions& options, const Fn& fn) {
  ::testing::internal::CaptureStderr();
  ConfigureLog(options);
  fn();
  FlushLog();
  ConfigureLog({});
  return ::testing::internal::GetCapturedStderr();
}

TEST(LogTest, JsonLinesAreEscaped) {
  std::string nasty = "quote \" backslash \\ tab \t caf\xC3\xA9 braces {}";
  for (char c = 0; c < 0x20; ++c) {
    nasty.push_back(c);
  }
  const std::string line = Logged({LogLevel::kInfo, LogFormat::kJson}, [&nasty] {
    const LogRequestScope scope("id \"7\"\n");
    ALIDADE_LOG_WARN("{}", nasty);
  });
  EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
  const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  ASSERT_TRUE(json.is_object()) << line;
  EXPECT_EQ(json["message"], nasty);
  EXPECT_EQ(json["level"], "warning");
  EXPECT_EQ(json["request_id"], "id \"7\"\n");
  EXPECT_THAT(json["time"].get<std::string>(),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"));
}

TEST(LogTest, RequestIdBelongsToTheScopeAndTheThread) {
  const std::string text = Logged({LogLevel::kInfo, LogFormat::kText}, [] {
    const LogRequestScope outer("outer");
    ALIDADE_LOG_INFO("a");
    {
      const LogRequestScope inner("inner");
      ALIDADE_LOG_INFO("b");
      std::thread([] { ALIDADE_LOG_INFO("c"); }).join();
    }
    ALIDADE_LOG_INFO("d");
  });
  EXPECT_THAT(text, HasSubstr("a request_id=outer\n"));
  EXPECT_THAT(text, HasSubstr("b request_id=inner\n"));
  EXPECT_THAT(text, HasSubstr(" c\n"));
  EXPECT_THAT(text, EndsWith("d request_id=outer\n"));
}

TEST(LogTest, LevelsBelowAreNotEvenFormatted) {
  int formatted = 0;
  const auto count = [&formatted] { return ++formatted; };
  const std::string text = Logged({LogLevel::kWarn, LogFormat::kText}, [&count] {
    ALIDADE_LOG_DEBUG("no {}", count());
    ALIDADE_LOG_INFO("no {}", count());
    ALIDADE_LOG_ERROR("yes {}", count());
  });
  EXPECT_THAT(text, HasSubstr("yes 1"));
  EXPECT_THAT(text, Not(HasSubstr("no")));
  EXPECT_EQ(formatted, 1);
}

}  // namespace
}  // namespace alidade
