// What the tests of the servers share: a server on a stand-in for the engine, and calls to it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/client_unary_call.h>
#include <gtest/gtest.h>

#include "alidade/v1/points.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include "alidade/api/grpc_server.h"

#include "fake_engine.h"

namespace alidade {

template <typename Detail>
std::optional<Detail> DetailOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  for (const auto& any : details.details()) {
    if (Detail detail; any.UnpackTo(&detail)) {
      return detail;
    }
  }
  return std::nullopt;
}

// Waits for something that another thread brings about; false after ten seconds.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

inline v1::CountPointsRequest CountRequestOf(const std::string& collection) {
  v1::CountPointsRequest request;
  request.set_collection(collection);
  return request;
}

class GrpcServerTest : public testing::Test {
 protected:
  void Start(const Limits& limits = {}, GrpcServerOptions options = {}) {
    engine_ = MakeFakeEngine(limits);
    auto server = GrpcServer::Start(options, *engine_);
    ASSERT_TRUE(server.ok()) << MessageOf(server.status());
    server_ = std::move(server).value();
    channel_ = NewChannel();
    points_ = v1::PointService::NewStub(channel_);
    Hooks().count = [](const CountRequest&) { return CountResponse{SeqNo(1), 7}; };
  }

  std::shared_ptr<grpc::Channel> NewChannel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server_->port()),
                                     grpc::InsecureChannelCredentials(),
                                     arguments);
  }

  grpc::Status Count(v1::CountPointsResponse* response = nullptr,
                     std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    v1::CountPointsResponse ignored;
    return points_->CountPoints(
        &context, CountRequestOf("c"), response != nullptr ? response : &ignored);
  }

  // A unary call with bytes of our choice.
  grpc::Status RawCall(const std::string& method,
                       const std::string& bytes,
                       std::string* reply = nullptr) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    const grpc::internal::RpcMethod rpc(
        method.c_str(), grpc::internal::RpcMethod::NORMAL_RPC, channel_);
    const grpc::Status status =
        grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>(
            channel_.get(), rpc, &context, request, &response);
    if (status.ok() && reply != nullptr) {
      grpc::Slice whole;
      EXPECT_TRUE(response.DumpToSingleSlice(&whole).ok());
      *reply = std::string(reinterpret_cast<const char*>(whole.begin()), whole.size());
    }
    return status;
  }

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::PointService::Stub> points_;
};

// A connected TCP socket to the server.
inline int Connect(int fd, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  return fd;
}

}  // namespace alidade
