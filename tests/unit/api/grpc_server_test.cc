// GrpcServer over real sockets: ports, connections, health, reflection, shutdown.
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include <grpcpp/generic/generic_stub.h>

#include "alidade/v1/admin.grpc.pb.h"

#include "server_testing.h"

namespace alidade {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::system_clock;
using testing::HasSubstr;

TEST_F(GrpcServerTest, ASecondServerOnThePortIsRefused) {
  Start();
  GrpcServerOptions options;
  options.port = server_->port();
  const auto second = GrpcServer::Start(options, *engine_);
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(second.status()), HasSubstr("another server"));
  options.host = "no-such-host.invalid";
  EXPECT_EQ(GrpcServer::Start(options, *engine_).status().code(), StatusCode::kInvalidArgument);
}

// True if the peer closed; false if it sent something.
bool ClosedByPeer(int fd) {
  pollfd waiting = {fd, POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 10'000), 1);
  char byte = 0;
  return recv(fd, &byte, 1, 0) <= 0;
}

TEST_F(GrpcServerTest, ConnectionsPastTheCapAreClosedAndPlacesAreGivenBack) {
  Limits limits;
  limits.connections_max = 2;
  Start(limits);
  const int first = Connect(socket(AF_INET, SOCK_STREAM, 0), server_->port());
  const int second = Connect(socket(AF_INET, SOCK_STREAM, 0), server_->port());
  EXPECT_FALSE(ClosedByPeer(first));  // gRPC's settings frame
  EXPECT_FALSE(ClosedByPeer(second));
  const int third = Connect(socket(AF_INET, SOCK_STREAM, 0), server_->port());
  EXPECT_TRUE(ClosedByPeer(third));
  EXPECT_EQ(server_->connections_refused(), 1U);
  close(first);
  close(second);
  close(third);
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
  EXPECT_TRUE(Count().ok());
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(GrpcServerTest, AcceptsAgainAfterRunningOutOfDescriptors) {
  Start();
  ASSERT_TRUE(Count().ok());
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(client, 0);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = std::min<rlim_t>(before.rlim_cur, 512);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  std::vector<int> hogs;
  for (int fd = dup(client); fd >= 0; fd = dup(client)) {
    hogs.push_back(fd);
  }
  ASSERT_EQ(errno, EMFILE);
  Connect(client, server_->port());  // the kernel completes it; the server cannot accept it
  pollfd waiting = {client, POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 300), 0);
  for (const int fd : hogs) {
    close(fd);
  }
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(ClosedByPeer(client));  // accepted now: gRPC sends its settings
  close(client);
  points_ = v1::PointService::NewStub(NewChannel());
  EXPECT_TRUE(Count().ok());
}

TEST_F(GrpcServerTest, HealthFollowsSetServing) {
  Start();
  // HealthCheckRequest{service = 1}; HealthCheckResponse{status = 1: SERVING 1, NOT_SERVING 2}.
  const std::string check = "/grpc.health.v1.Health/Check";
  const std::string name = "alidade.v1.SearchService";
  const std::string for_service = std::string("\x0A") + static_cast<char>(name.size()) + name;
  std::string reply;
  ASSERT_TRUE(RawCall(check, "", &reply).ok());
  EXPECT_EQ(reply, "\x08\x02");
  EXPECT_FALSE(server_->serving());
  server_->SetServing(true);
  ASSERT_TRUE(RawCall(check, "", &reply).ok());
  EXPECT_EQ(reply, "\x08\x01");
  ASSERT_TRUE(RawCall(check, for_service, &reply).ok());
  EXPECT_EQ(reply, "\x08\x01");
  server_->SetServing(false);
  ASSERT_TRUE(RawCall(check, for_service, &reply).ok());
  EXPECT_EQ(reply, "\x08\x02");
}

// Opens the reflection stream, asks for the list of services, returns the answer's bytes.
grpc::Status ListServices(const std::shared_ptr<grpc::Channel>& channel, std::string& reply) {
  grpc::ClientContext context;
  context.set_deadline(system_clock::now() + seconds(10));
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  auto stream = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  stream->StartCall(nullptr);
  EXPECT_TRUE(wait());
  const grpc::Slice slice(std::string("\x3A\x01*", 3));  // list_services = 7
  stream->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  wait();
  grpc::ByteBuffer buffer;
  stream->Read(&buffer, nullptr);
  if (wait()) {
    grpc::Slice whole;
    EXPECT_TRUE(buffer.DumpToSingleSlice(&whole).ok());
    reply.assign(reinterpret_cast<const char*>(whole.begin()), whole.size());
  }
  grpc::Status status;
  stream->Finish(&status, nullptr);
  wait();
  return status;
}

TEST_F(GrpcServerTest, ReflectionListsTheServicesUnlessSwitchedOff) {
  Start();
  std::string reply;
  ASSERT_TRUE(ListServices(channel_, reply).ok());
  EXPECT_THAT(reply, HasSubstr("alidade.v1.SearchService"));
  EXPECT_THAT(reply, HasSubstr("grpc.health.v1.Health"));
  server_.reset();
  GrpcServerOptions options;
  options.reflection = false;
  Start({}, options);
  EXPECT_EQ(ListServices(channel_, reply).error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcServerTest, ShutdownDrainsRunningCallsAndRefusesNewOnes) {
  Start();
  std::atomic<bool> running{false};
  std::atomic<bool> release{false};
  Hooks().count = [&](const CountRequest&) -> StatusOr<CountResponse> {
    running.store(true);
    while (!release.load()) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    return CountResponse{SeqNo(1), 3};
  };
  std::thread caller([&] { EXPECT_TRUE(Count().ok()); });
  EXPECT_TRUE(Eventually([&] { return running.load(); }));
  std::thread stopper([&] { server_->Shutdown(system_clock::now() + seconds(20)); });
  EXPECT_TRUE(Eventually([&] { return !server_->serving(); }));
  std::this_thread::sleep_for(milliseconds(50));
  release.store(true);
  caller.join();
  stopper.join();
  EXPECT_EQ(Count(nullptr, milliseconds(500)).error_code(), grpc::StatusCode::UNAVAILABLE);
}

// As of clients that do not hear the server out.
TEST_F(GrpcServerTest, ShutdownWaitsForCallsAndNotForSilentConnections) {
  Start();
  const int silent = Connect(socket(AF_INET, SOCK_STREAM, 0), server_->port());
  EXPECT_FALSE(ClosedByPeer(silent));
  std::atomic<bool> running{false};
  Hooks().count = [&](const CountRequest&) -> StatusOr<CountResponse> {
    running.store(true);
    std::this_thread::sleep_for(milliseconds(2'500));  // longer than silent connections have
    return CountResponse{SeqNo(1), 3};
  };
  std::thread caller([&] { EXPECT_TRUE(Count(nullptr, seconds(30)).ok()); });
  EXPECT_TRUE(Eventually([&] { return running.load(); }));
  const auto start = std::chrono::steady_clock::now();
  server_->Shutdown(system_clock::now() + seconds(120));
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(60));
  caller.join();
  close(silent);
}

TEST_F(GrpcServerTest, ShutdownCancelsCallsThatOutstayItsDeadline) {
  Start();
  std::atomic<bool> running{false};
  Hooks().wait_indexed = [&](const Deadline& deadline, CollectionStats&) {
    running.store(true);
    while (deadline.Check().ok()) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    return deadline.Check();
  };
  std::thread caller([&] {
    const auto admin = v1::AdminService::NewStub(channel_);
    grpc::ClientContext context;
    v1::WaitIndexedRequest request;
    request.set_collection("c");
    v1::WaitIndexedResponse response;
    EXPECT_FALSE(admin->WaitIndexed(&context, request, &response).ok());
  });
  EXPECT_TRUE(Eventually([&] { return running.load(); }));
  const auto start = std::chrono::steady_clock::now();
  server_->Shutdown(system_clock::now() + milliseconds(100));
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(5));
  caller.join();
}

}  // namespace
}  // namespace alidade
