// Connection: what every client command shares: the address, the deadline, printing errors and
// replies.
#pragma once

#include <memory>
#include <string>

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include "alidade/v1/admin.grpc.pb.h"
#include "alidade/v1/collections.grpc.pb.h"
#include "alidade/v1/points.grpc.pb.h"
#include "alidade/v1/search.grpc.pb.h"

namespace CLI {
class App;
}

namespace alidade {

struct ConnectionOptions {
  std::string server = "127.0.0.1:6500";
  double timeout_seconds = 60;
};

// --server (or ALIDADE_SERVER) and --timeout.
void AddConnectionFlags(CLI::App& command, ConnectionOptions& options);

// A channel of its own (and so a connection of its own) for each call.
std::shared_ptr<grpc::Channel> Connect(const ConnectionOptions& options);
void SetDeadline(grpc::ClientContext& context, const ConnectionOptions& options);

// Prints code, message, the fields at fault, and what to do about the commonest mistakes. Returns
// exit code 1.
int PrintError(const grpc::Status& status, const ConnectionOptions& options);
// Milliseconds that a refusal asks to wait before the next try; 0 if it does not say.
int64_t RetryAfterMs(const grpc::Status& status);

void PrintJson(const google::protobuf::Message& message);

// 42 is a number, anything else (or "text:42") a string.
alidade::v1::PointId ParsePointId(const std::string& text);
std::string FormatPointId(const alidade::v1::PointId& id);

}  // namespace alidade
