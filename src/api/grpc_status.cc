#include "grpc_status.h"

#include <array>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include "alidade/common/point_id.h"

namespace alidade {
namespace {

constexpr char kDomain[] = "alidade";

constexpr bool Same(StatusCode ours, grpc::StatusCode theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(Same(StatusCode::kOk, grpc::StatusCode::OK));
static_assert(Same(StatusCode::kCancelled, grpc::StatusCode::CANCELLED));
static_assert(Same(StatusCode::kUnknown, grpc::StatusCode::UNKNOWN));
static_assert(Same(StatusCode::kInvalidArgument, grpc::StatusCode::INVALID_ARGUMENT));
static_assert(Same(StatusCode::kDeadlineExceeded, grpc::StatusCode::DEADLINE_EXCEEDED));
static_assert(Same(StatusCode::kNotFound, grpc::StatusCode::NOT_FOUND));
static_assert(Same(StatusCode::kAlreadyExists, grpc::StatusCode::ALREADY_EXISTS));
static_assert(Same(StatusCode::kPermissionDenied, grpc::StatusCode::PERMISSION_DENIED));
static_assert(Same(StatusCode::kResourceExhausted, grpc::StatusCode::RESOURCE_EXHAUSTED));
static_assert(Same(StatusCode::kFailedPrecondition, grpc::StatusCode::FAILED_PRECONDITION));
static_assert(Same(StatusCode::kAborted, grpc::StatusCode::ABORTED));
static_assert(Same(StatusCode::kOutOfRange, grpc::StatusCode::OUT_OF_RANGE));
static_assert(Same(StatusCode::kUnimplemented, grpc::StatusCode::UNIMPLEMENTED));
static_assert(Same(StatusCode::kInternal, grpc::StatusCode::INTERNAL));
static_assert(Same(StatusCode::kUnavailable, grpc::StatusCode::UNAVAILABLE));
static_assert(Same(StatusCode::kDataLoss, grpc::StatusCode::DATA_LOSS));
static_assert(Same(StatusCode::kUnauthenticated, grpc::StatusCode::UNAUTHENTICATED));

constexpr std::array<const char*, 17> kCodeNames = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};

// Cuts to at most `bytes_max` without splitting a UTF-8 sequence. Bytes that are not UTF-8 (a
// message may quote input) become '?', since the details are protobuf strings.
std::string CutMessage(std::string_view message, size_t bytes_max) {
  if (message.size() > bytes_max) {
    constexpr std::string_view kCut = "...";
    size_t end = bytes_max - kCut.size();
    while (end > 0 && (static_cast<uint8_t>(message[end]) & 0xC0) == 0x80) {
      --end;
    }
    return std::string(message.substr(0, end)) + std::string(kCut);
  }
  return std::string(message);
}

std::string Printable(std::string text) {
  if (!IsValidUtf8(text)) {
    for (char& c : text) {
      if (static_cast<uint8_t>(c) >= 0x80) {
        c = '?';
      }
    }
  }
  return text;
}

}  // namespace

std::string StatusCodeName(int code) {
  if (code < 0 || static_cast<size_t>(code) >= kCodeNames.size()) {
    return "CODE_" + std::to_string(code);
  }
  return kCodeNames[static_cast<size_t>(code)];
}

grpc::Status ToGrpcStatus(const Status& status, std::string_view request_id) {
  if (status.ok()) {
    return grpc::Status::OK;
  }
  const int code = static_cast<int>(status.code());
  const std::string message = Printable(CutMessage(MessageOf(status), kStatusMessageBytesMax));

  google::rpc::Status details;
  details.set_code(code);
  details.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(ReasonOf(status).value_or(StatusCodeName(code)));
  info.set_domain(kDomain);
  details.add_details()->PackFrom(info);
  google::rpc::RequestInfo request;
  request.set_request_id(std::string(request_id));
  details.add_details()->PackFrom(request);
  if (const std::optional<std::string> field = FieldOf(status); field.has_value()) {
    google::rpc::BadRequest bad;
    auto* violation = bad.add_field_violations();
    violation->set_field(Printable(CutMessage(*field, kStatusMessageBytesMax / 2)));
    // The message starts with the field; what follows says why.
    const std::string prefix = *field + ": ";
    const std::string whole = MessageOf(status);
    violation->set_description(
        Printable(CutMessage(whole.starts_with(prefix) ? whole.substr(prefix.size()) : whole,
                             kStatusMessageBytesMax / 2)));
    details.add_details()->PackFrom(bad);
  }
  if (const std::optional<int64_t> delay_ms = RetryAfterMsOf(status); delay_ms.has_value()) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(*delay_ms / 1000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(*delay_ms % 1000) * 1'000'000);
    details.add_details()->PackFrom(retry);
  }
  return grpc::Status(static_cast<grpc::StatusCode>(code), message, details.SerializeAsString());
}

}  // namespace alidade
