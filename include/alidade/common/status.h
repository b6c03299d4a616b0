// Status and StatusOr: the way every expected failure is reported.
//
// The only file that names absl. Codes have the meaning and the numbers of gRPC's. A status may
// carry the path of the offending request field, a machine-readable reason, and a hint when to try
// again; `api` turns these into google.rpc details.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

namespace alidade {

using Status = absl::Status;
template <typename T>
using StatusOr = absl::StatusOr<T>;
using StatusCode = absl::StatusCode;

inline Status OkStatus() { return Status(); }

// Makes a status of `code`; absl's string_view differs from the standard one, this hides it.
Status MakeStatus(StatusCode code, const std::string& message);

// The message as a standard string.
std::string MessageOf(const Status& status);

// INVALID_ARGUMENT about one field of the request, e.g. FieldError("points[3].id", "is empty").
Status MakeFieldError(const std::string& field, const std::string& message);
template <typename... Args>
Status FieldError(const std::string& field, fmt::format_string<Args...> format, Args&&... args) {
  return MakeFieldError(field, fmt::format(format, std::forward<Args>(args)...));
}

// The same status with `prefix.` put before its field path (for decoders that nest).
Status WithFieldPrefix(const Status& status, const std::string& prefix);
// The same status with a reason in UPPER_SNAKE_CASE, stable for programs.
Status WithReason(Status status, std::string_view reason);
// The same status with a hint that a retry makes sense after `delay_ms`.
Status WithRetryAfter(Status status, int64_t delay_ms);
// The same status, details kept, with "context: " before its message.
Status WithContext(const Status& status, const std::string& context);

// The details put in by the functions above; nothing if there is none.
std::optional<std::string> FieldOf(const Status& status);
std::optional<std::string> ReasonOf(const Status& status);
std::optional<int64_t> RetryAfterMsOf(const Status& status);

// Debian's absl was built with a check of the order in which its locks are taken, and gRPC takes
// dozens for each call: about 2 us of processor time on each side (bench/README.md). Stops the
// check for this process. Here because this is the only module that names absl; our own locks are
// not absl's.
void DisableForeignLockChecks();

#define ALIDADE_DEFINE_STATUS_MAKER(Name, code)                                \
  template <typename... Args>                                                  \
  Status Name(fmt::format_string<Args...> format, Args&&... args) {            \
    return MakeStatus(code, fmt::format(format, std::forward<Args>(args)...)); \
  }
ALIDADE_DEFINE_STATUS_MAKER(InvalidArgument, StatusCode::kInvalidArgument)
ALIDADE_DEFINE_STATUS_MAKER(NotFound, StatusCode::kNotFound)
ALIDADE_DEFINE_STATUS_MAKER(AlreadyExists, StatusCode::kAlreadyExists)
ALIDADE_DEFINE_STATUS_MAKER(FailedPrecondition, StatusCode::kFailedPrecondition)
ALIDADE_DEFINE_STATUS_MAKER(Aborted, StatusCode::kAborted)
ALIDADE_DEFINE_STATUS_MAKER(ResourceExhausted, StatusCode::kResourceExhausted)
ALIDADE_DEFINE_STATUS_MAKER(DeadlineExceeded, StatusCode::kDeadlineExceeded)
ALIDADE_DEFINE_STATUS_MAKER(Cancelled, StatusCode::kCancelled)
ALIDADE_DEFINE_STATUS_MAKER(Unavailable, StatusCode::kUnavailable)
ALIDADE_DEFINE_STATUS_MAKER(DataLoss, StatusCode::kDataLoss)
ALIDADE_DEFINE_STATUS_MAKER(Internal, StatusCode::kInternal)
ALIDADE_DEFINE_STATUS_MAKER(Unimplemented, StatusCode::kUnimplemented)
#undef ALIDADE_DEFINE_STATUS_MAKER

}  // namespace alidade

#define ALIDADE_CONCAT_INNER(a, b) a##b
#define ALIDADE_CONCAT(a, b) ALIDADE_CONCAT_INNER(a, b)

// Returns from the enclosing function if `expression` is not OK.
#define ALIDADE_RETURN_IF_ERROR(expression)          \
  do {                                               \
    ::alidade::Status alidade_status = (expression); \
    if (!alidade_status.ok()) [[unlikely]] {         \
      return alidade_status;                         \
    }                                                \
  } while (false)

// ALIDADE_ASSIGN_OR_RETURN(auto row, FindRow(id));
#define ALIDADE_ASSIGN_OR_RETURN(target, expression) \
  ALIDADE_ASSIGN_OR_RETURN_INNER(ALIDADE_CONCAT(alidade_or_, __LINE__), target, expression)
// NOLINTBEGIN(bugprone-macro-parentheses): `target` may declare a variable.
#define ALIDADE_ASSIGN_OR_RETURN_INNER(holder, target, expression) \
  auto holder = (expression);                                      \
  if (!holder.ok()) [[unlikely]] {                                 \
    return holder.status();                                        \
  }                                                                \
  target = std::move(holder).value()
// NOLINTEND(bugprone-macro-parentheses)
