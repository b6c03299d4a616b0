#include "connection.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <google/protobuf/util/json_util.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include "alidade/common/status.h"

namespace alidade {
namespace {

const char* CodeName(grpc::StatusCode code) {
  static constexpr const char* kNames[] = {"OK",
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
                                           "UNAUTHENTICATED"};
  const auto index = static_cast<size_t>(code);
  return index < std::size(kNames) ? kNames[index] : "UNKNOWN";
}

google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) {
    details.Clear();
  }
  return details;
}

}  // namespace

void AddConnectionFlags(CLI::App& command, ConnectionOptions& options) {
  command.add_option("--server", options.server, "Address of the server")
      ->envname("ALIDADE_SERVER")
      ->capture_default_str();
  command.add_option("--timeout", options.timeout_seconds, "Seconds a call may take")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

std::shared_ptr<grpc::Channel> Connect(const ConnectionOptions& options) {
  DisableForeignLockChecks();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Retries are ours (CallWithRetry); gRPC's own cost 9 us a call even where nothing is retried.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return grpc::CreateCustomChannel(options.server, grpc::InsecureChannelCredentials(), arguments);
}

void SetDeadline(grpc::ClientContext& context, const ConnectionOptions& options) {
  context.set_deadline(
      std::chrono::system_clock::now() +
      std::chrono::milliseconds(static_cast<int64_t>(options.timeout_seconds * 1e3)));
}

int PrintError(const grpc::Status& status, const ConnectionOptions& options) {
  std::fprintf(stderr, "%s: %s\n", CodeName(status.error_code()), status.error_message().c_str());
  const google::rpc::Status details = Details(status);
  for (const auto& any : details.details()) {
    google::rpc::BadRequest bad;
    if (any.UnpackTo(&bad)) {
      for (const auto& violation : bad.field_violations()) {
        std::fprintf(
            stderr, "  field %s: %s\n", violation.field().c_str(), violation.description().c_str());
      }
    }
  }
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    std::fprintf(stderr,
                 "  Is a server running on %s? Start one with: alidade serve\n"
                 "  (another address: --server host:port or ALIDADE_SERVER)\n",
                 options.server.c_str());
  }
  return 1;
}

int64_t RetryAfterMs(const grpc::Status& status) {
  const google::rpc::Status details = Details(status);
  for (const auto& any : details.details()) {
    google::rpc::RetryInfo retry;
    if (any.UnpackTo(&retry)) {
      return retry.retry_delay().seconds() * 1'000 + retry.retry_delay().nanos() / 1'000'000;
    }
  }
  return 0;
}

void PrintJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string text;
  if (google::protobuf::util::MessageToJsonString(message, &text, options).ok()) {
    std::fputs(text.c_str(), stdout);
  }
}

alidade::v1::PointId ParsePointId(const std::string& text) {
  alidade::v1::PointId id;
  if (text.starts_with("text:")) {
    id.set_str(text.substr(5));
    return id;
  }
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) {
    id.set_num(number);
  } else {
    id.set_str(text);
  }
  return id;
}

std::string FormatPointId(const alidade::v1::PointId& id) {
  return id.has_num() ? std::to_string(id.num()) : id.str();
}

}  // namespace alidade
