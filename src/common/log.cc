#include "alidade/common/log.h"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "alidade/common/published.h"

namespace alidade {
namespace {

thread_local std::string request_id_of_thread;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

void AppendJsonString(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

// One JSON object a line: spdlog's patterns cannot escape, so the line is made here.
class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto since_epoch = message.time.time_since_epoch();
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
    const std::time_t seconds = static_cast<std::time_t>(millis / 1000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    std::string line = fmt::format("{{\"time\":\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\"",
                                   utc.tm_year + 1900,
                                   utc.tm_mon + 1,
                                   utc.tm_mday,
                                   utc.tm_hour,
                                   utc.tm_min,
                                   utc.tm_sec,
                                   millis % 1000);
    const auto level = spdlog::level::to_string_view(message.level);
    line += ",\"level\":";
    AppendJsonString({level.data(), level.size()}, line);
    line += ",\"message\":";
    AppendJsonString({message.payload.data(), message.payload.size()}, line);
    if (!request_id_of_thread.empty()) {
      line += ",\"request_id\":";
      AppendJsonString(request_id_of_thread, line);
    }
    line += "}\n";
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

bool& JsonFlag() {
  static bool json = false;
  return json;
}

}  // namespace

void ConfigureLog(const LogOptions& options) {
  auto logger = std::make_shared<spdlog::logger>(
      "alidade", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  JsonFlag() = options.format == LogFormat::kJson;
  if (options.format == LogFormat::kJson) {
    logger->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v");
  }
  logger->set_level(ToSpdlog(options.level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

bool LogEnabled(LogLevel level) {
  return spdlog::default_logger_raw()->should_log(ToSpdlog(level));
}

void LogMessage(LogLevel level, const std::string& message) {
  if (!JsonFlag() && !request_id_of_thread.empty()) {
    spdlog::default_logger_raw()->log(
        ToSpdlog(level), "{} request_id={}", message, request_id_of_thread);
    return;
  }
  spdlog::default_logger_raw()->log(ToSpdlog(level), "{}", message);
}

void FlushLog() { spdlog::default_logger_raw()->flush(); }

LogRequestScope::LogRequestScope(std::string_view request_id)
    : previous_(std::move(request_id_of_thread)) {
  request_id_of_thread = std::string(request_id);
}

LogRequestScope::~LogRequestScope() { request_id_of_thread = std::move(previous_); }

}  // namespace alidade
