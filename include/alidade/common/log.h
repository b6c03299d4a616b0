// Logging: one process-wide spdlog logger, set up by `server`, used through these macros only.
//
//   ALIDADE_LOG_INFO("segment {} published, {} rows", id, rows);
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace alidade {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kText, kJson };

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
};

// Replaces the logger (default: text on standard error, info). Call once at start.
void ConfigureLog(const LogOptions& options);
bool LogEnabled(LogLevel level);
void LogMessage(LogLevel level, const std::string& message);
// Writes out what is buffered.
void FlushLog();

// Puts `request_id` into every line this thread logs, for a scope.
class LogRequestScope {
 public:
  explicit LogRequestScope(std::string_view request_id);
  ~LogRequestScope();
  LogRequestScope(const LogRequestScope&) = delete;
  LogRequestScope& operator=(const LogRequestScope&) = delete;

 private:
  std::string previous_;
};

}  // namespace alidade

#define ALIDADE_LOG(level, ...)                                 \
  do {                                                          \
    if (::alidade::LogEnabled(level)) {                         \
      ::alidade::LogMessage(level, ::fmt::format(__VA_ARGS__)); \
    }                                                           \
  } while (false)
#define ALIDADE_LOG_DEBUG(...) ALIDADE_LOG(::alidade::LogLevel::kDebug, __VA_ARGS__)
#define ALIDADE_LOG_INFO(...) ALIDADE_LOG(::alidade::LogLevel::kInfo, __VA_ARGS__)
#define ALIDADE_LOG_WARN(...) ALIDADE_LOG(::alidade::LogLevel::kWarn, __VA_ARGS__)
#define ALIDADE_LOG_ERROR(...) ALIDADE_LOG(::alidade::LogLevel::kError, __VA_ARGS__)
