#include "alidade/common/status.h"

#include <charconv>

#include <absl/synchronization/mutex.h>

namespace alidade {
namespace {

constexpr char kFieldKey[] = "alidade/field";
constexpr char kReasonKey[] = "alidade/reason";
constexpr char kRetryKey[] = "alidade/retry_after_ms";

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

std::optional<std::string> Detail(const Status& status, const char* key) {
  const auto payload = status.GetPayload(key);
  if (!payload.has_value()) {
    return std::nullopt;
  }
  return std::string(*payload);
}

}  // namespace

Status MakeStatus(StatusCode code, const std::string& message) { return Status(code, message); }

std::string MessageOf(const Status& status) {
  return std::string(status.message().data(), status.message().size());
}

void DisableForeignLockChecks() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

Status MakeFieldError(const std::string& field, const std::string& message) {
  Status status(StatusCode::kInvalidArgument, field + ": " + message);
  status.SetPayload(kFieldKey, absl::Cord(field));
  return status;
}

Status WithFieldPrefix(const Status& status, const std::string& prefix) {
  const std::optional<std::string> field = FieldOf(status);
  if (!field.has_value()) {
    return status;
  }
  const std::string whole = prefix + "." + *field;
  Status result(status.code(), prefix + "." + MessageOf(status));
  status.ForEachPayload([&result](absl::string_view key, const absl::Cord& payload) {
    result.SetPayload(key, payload);
  });
  result.SetPayload(kFieldKey, absl::Cord(whole));
  return result;
}

Status WithReason(Status status, std::string_view reason) {
  status.SetPayload(kReasonKey, absl::Cord(View(reason)));
  return status;
}

Status WithRetryAfter(Status status, int64_t delay_ms) {
  status.SetPayload(kRetryKey, absl::Cord(std::to_string(delay_ms)));
  return status;
}

Status WithContext(const Status& status, const std::string& context) {
  if (status.ok()) {
    return status;
  }
  Status result(status.code(), context + ": " + MessageOf(status));
  status.ForEachPayload([&result](absl::string_view key, const absl::Cord& payload) {
    result.SetPayload(key, payload);
  });
  return result;
}

std::optional<std::string> FieldOf(const Status& status) { return Detail(status, kFieldKey); }

std::optional<std::string> ReasonOf(const Status& status) { return Detail(status, kReasonKey); }

std::optional<int64_t> RetryAfterMsOf(const Status& status) {
  const std::optional<std::string> text = Detail(status, kRetryKey);
  if (!text.has_value()) {
    return std::nullopt;
  }
  int64_t value = 0;
  std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

}  // namespace alidade
