// The process around the API: addresses and directories in use, the graceful stop, restarts,
// limits, deadlines and cancellation.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grpc/health/v1/health.grpc.pb.h"
#include "integration/client.h"
#include "integration/http_get.h"
#include "support/server_process.h"

namespace alidade::testing {
namespace {

using ::testing::HasSubstr;

class ServerBehaviourTest : public ::testing::Test {
 protected:
  ServerOptions Options(const std::string& data = "data") const {
    ServerOptions options;
    options.data_dir = directory_.path() + "/" + data;
    return options;
  }

  TemporaryDirectory directory_;
};

// Waits for something that the server brings about; false after ten seconds.
bool Eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) {
      return false;
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

double Metric(const ServerProcess& server, const std::string& sample) {
  return MetricValue(HttpGet(server.http_port(), "/metrics").body, sample);
}

TEST_F(ServerBehaviourTest, ASecondServerOnTheSamePortIsRefused) {
  ServerProcess first(Options());
  ASSERT_TRUE(first.ready()) << first.Log();
  for (const auto& [setting, port] : std::vector<std::pair<std::string, int>>{
           {"server.listen", first.port()}, {"server.http_listen", first.http_port()}}) {
    ServerOptions options = Options("other");
    options.settings = {fmt::format("{}=127.0.0.1:{}", setting, port)};
    ServerProcess second(options);
    EXPECT_FALSE(second.ready());
    EXPECT_EQ(second.Stop(), 69) << setting;
    EXPECT_THAT(second.Log(), HasSubstr(fmt::format("cannot listen on 127.0.0.1:{}", port)));
  }
  Client client(first.address());
  EXPECT_CALL_OK(client.Send(v1::GetServerInfoRequest()));
}

TEST_F(ServerBehaviourTest, ASecondServerOnTheSameDirectoryIsRefused) {
  ServerProcess first(Options());
  ASSERT_TRUE(first.ready()) << first.Log();
  ServerProcess second(Options());
  EXPECT_FALSE(second.ready());
  EXPECT_EQ(second.Stop(), 69);
  EXPECT_THAT(second.Log(), HasSubstr(directory_.path() + "/data"));
  Client client(first.address());
  EXPECT_CALL_OK(client.Send(NewCollection("still", 2, v1::METRIC_L2)));
  first.Kill();
  // The lock dies with its process, however that ended.
  ServerProcess third(Options());
  EXPECT_TRUE(third.ready()) << third.Log();
}

TEST_F(ServerBehaviourTest, ARestartChangesNothingThatClientsSee) {
  std::string before;
  {
    ServerProcess server(Options());
    ASSERT_TRUE(server.ready()) << server.Log();
    // Gone before the stop, which would wait for an idle client to notice.
    auto connection = std::make_unique<Client>(server.address());
    Client& client = *connection;
    Must(client, NewCollection("kept", 3, v1::METRIC_COSINE, "hnsw { m: 5 }"));
    Must(client, NewCollection("empty", 3, v1::METRIC_DOT));
    Must(client, NewCollection("dropped", 3, v1::METRIC_DOT));
    Must(client, Parse<v1::DeleteCollectionRequest>("collection: 'dropped'"));
    Must(client,
         Parse<v1::UpdateAliasesRequest>("actions { set { name: 'nick' collection: 'kept' } }"));
    for (int i = 0; i < 20; ++i) {
      if (i == 10) {
        Must(client, v1::FlushRequest());
      }
      Must(client,
           Parse<v1::UpsertPointsRequest>(fmt::format(
               "collection: 'kept' request_id: 'r{}' rows {{ points {{ id {{ num: {} }} vectors {{ "
               "key: 'v' value {{ values {{ values: [1, {}, 2] }} }} }} payload {{ fields {{ key: "
               "'i' value {{ int64_value: {} }} }} }} }} }}",
               i,
               i % 15,
               i,
               i)));
    }
    Must(client,
         Parse<v1::DeletePointsRequest>("collection: 'kept' ids { num: 7 } ids { num: 12 "
                                        "}"));
    before = WholeState(client);
    connection.reset();
    EXPECT_EQ(server.Stop(), 0) << server.Log();
  }
  ServerProcess server(Options());
  ASSERT_TRUE(server.ready()) << server.Log();
  Client client(server.address());
  EXPECT_EQ(WholeState(client), before);
  // Request ids are remembered too.
  EXPECT_TRUE(
      Must(client,
           Parse<v1::UpsertPointsRequest>(
               "collection: 'kept' request_id: 'r3' rows { points { id { num: 3 } vectors { "
               "key: 'v' value { values { values: [1, 3, 2] } } } payload { fields { key: "
               "'i' value { int64_value: 3 } } } } }"))
          .receipt()
          .replayed());
  EXPECT_EQ(WholeState(client), before);
  const auto next = Must(client, NewCollection("next", 2, v1::METRIC_L2));
  EXPECT_EQ(next.collection().id(), 4U) << "an id of a collection was used twice";
}

TEST_F(ServerBehaviourTest, AGracefulStopUnderLoadLosesNothingThatWasAnswered) {
  constexpr int kWriters = 4;
  ServerOptions options = Options();
  options.settings = {"server.shutdown_grace_ms=5000"};
  auto server = std::make_unique<ServerProcess>(options);
  ASSERT_TRUE(server->ready()) << server->Log();
  const std::string address = server->address();
  Client(address).Send(NewCollection("loaded", 8, v1::METRIC_L2));
  std::vector<std::vector<uint64_t>> answered(kWriters);
  std::atomic<uint64_t> total{0};
  std::vector<std::thread> writers;
  for (uint64_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&answered, &total, address, writer] {
      Client client(address);
      for (uint64_t id = writer * 1'000'000;; ++id) {
        v1::UpsertPointsRequest request;
        request.set_collection("loaded");
        request.set_durability(writer % 2 == 0 ? v1::DURABILITY_BUFFERED : v1::DURABILITY_DURABLE);
        v1::Point& point = *request.mutable_rows()->add_points();
        point.mutable_id()->set_num(id);
        (*point.mutable_vectors())["v"].set_packed(Packed(RandomVector(id, 8)));
        const grpc::Status status = client.Send(request);
        if (!status.ok()) {
          EXPECT_TRUE(status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                      status.error_code() == grpc::StatusCode::CANCELLED)
              << Describe(status);
          return;
        }
        answered[writer].push_back(id);
        total.fetch_add(1);
      }
    });
  }
  ASSERT_TRUE(Eventually([&] { return total.load() >= 400; }));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(server->Stop(), 0) << server->Log();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  for (std::thread& writer : writers) {
    writer.join();
  }
  server = std::make_unique<ServerProcess>(options);
  ASSERT_TRUE(server->ready()) << server->Log();
  Client client(server->address());
  for (const auto& ids : answered) {
    v1::GetPointsRequest get;
    get.set_collection("loaded");
    get.add_with_vectors("v");
    for (const uint64_t id : ids) {
      get.add_ids()->set_num(id);
    }
    const auto found = Must(client, get);
    ASSERT_EQ(static_cast<size_t>(found.points_size()), ids.size());
    for (const v1::Point& point : found.points()) {
      ASSERT_EQ(point.vectors().at("v").packed(), Packed(RandomVector(point.id().num(), 8)));
    }
  }
}

TEST_F(ServerBehaviourTest, AStopDoesNotWaitForCallsLongerThanTheGrace) {
  ServerOptions options = Options();
  options.settings = {"server.shutdown_grace_ms=300"};
  ServerProcess server(options);
  ASSERT_TRUE(server.ready()) << server.Log();
  Client client(server.address());
  Must(client, NewCollection("c", 2, v1::METRIC_L2));
  std::thread waiting([&server] {
    Client other(server.address());
    // Would wait ten seconds for a write that never comes.
    const grpc::Status status =
        other.Send(Parse<v1::CountPointsRequest>("collection: 'c' min_seq: 1000000"));
    EXPECT_FALSE(status.ok());
    EXPECT_NE(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << Describe(status);
  });
  ASSERT_TRUE(Eventually([&] { return Metric(server, "alidade_requests_in_flight") == 1; }));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(server.Stop(), 0) << server.Log();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  waiting.join();
}

// Calls that stay in the server until they are cancelled.
class Waiters {
 public:
  Waiters(Client& client, int count) {
    for (int i = 0; i < count; ++i) {
      contexts_.push_back(std::make_unique<grpc::ClientContext>());
      threads_.emplace_back([&client, context = contexts_.back().get()] {
        v1::CountPointsResponse response;
        const grpc::Status status = client.points().CountPoints(
            context, Parse<v1::CountPointsRequest>("collection: 'c' min_seq: 1000000"), &response);
        EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED) << Describe(status);
      });
    }
  }
  ~Waiters() {
    for (const auto& context : contexts_) {
      context->TryCancel();
    }
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }
  Waiters(const Waiters&) = delete;
  Waiters& operator=(const Waiters&) = delete;

 private:
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts_;
  std::vector<std::thread> threads_;
};

TEST_F(ServerBehaviourTest, CallsOverTheLimitAreRefusedAtOnceAndDeletesStillPass) {
  ServerOptions options = Options();
  options.settings = {"limits.in_flight_requests_max=3"};
  ServerProcess server(options);
  ASSERT_TRUE(server.ready()) << server.Log();
  Client client(server.address());
  Must(client, NewCollection("c", 2, v1::METRIC_L2));
  Must(client, Parse<v1::UpsertPointsRequest>("collection: 'c' rows { points { id { num: 1 } } }"));
  const auto count = Parse<v1::CountPointsRequest>("collection: 'c'");
  {
    const Waiters waiters(client, 3);
    ASSERT_TRUE(Eventually([&] { return Metric(server, "alidade_requests_in_flight") == 3; }));
    const grpc::Status refused = client.Send(count);
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Describe(refused);
    EXPECT_EQ(ReasonOfError(refused), "TOO_MANY_REQUESTS");
    const auto retry = DetailOf<google::rpc::RetryInfo>(refused);
    ASSERT_TRUE(retry.has_value());
    EXPECT_GT(retry->retry_delay().nanos(), 0);
    EXPECT_EQ(Must(client, Parse<v1::DeletePointsRequest>("collection: 'c' ids { num: 1 }"))
                  .deleted_count(),
              1U);
    EXPECT_CALL_OK(client.Send(v1::GetServerInfoRequest()));
    EXPECT_EQ(Metric(server, "alidade_requests_refused_total"), 1);
  }
  // Cancelled calls leave their places long before their ten seconds are over.
  EXPECT_TRUE(Eventually([&] { return Metric(server, "alidade_requests_in_flight") == 0; }));
  EXPECT_EQ(Must(client, count).count(), 0U);
  EXPECT_EQ(Metric(server,
                   "alidade_requests_total{method=\"alidade.v1.PointService/CountPoints\",code="
                   "\"CANCELLED\"}"),
            3);
}

TEST_F(ServerBehaviourTest, ConnectionsOverTheLimitAreClosedAndOthersGoOn) {
  ServerOptions options = Options();
  options.settings = {"limits.connections_max=4"};
  ServerProcess server(options);
  ASSERT_TRUE(server.ready()) << server.Log();
  Client client(server.address());
  EXPECT_CALL_OK(client.Send(v1::GetServerInfoRequest()));
  std::vector<int> sockets;
  for (int i = 0; i < 3; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    sockets.push_back(fd);
  }
  ASSERT_TRUE(Eventually([&] { return Metric(server, "alidade_connections") == 4; }));
  Client fifth(server.address());
  fifth.set_timeout(milliseconds(2'000));
  EXPECT_EQ(fifth.Send(v1::GetServerInfoRequest()).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_GE(Metric(server, "alidade_connections_refused_total"), 1);
  EXPECT_CALL_OK(client.Send(v1::GetServerInfoRequest()));
  for (const int fd : sockets) {
    ::close(fd);
  }
  EXPECT_TRUE(Eventually([&] {
    Client late(server.address());
    late.set_timeout(milliseconds(2'000));
    return late.Send(v1::GetServerInfoRequest()).ok();
  }));
}

TEST_F(ServerBehaviourTest, MessagesOverTheLimitAreRefusedBothWays) {
  ServerOptions options = Options();
  options.settings = {"limits.message_bytes_max=64KiB"};
  ServerProcess server(options);
  ASSERT_TRUE(server.ready()) << server.Log();
  Client client(server.address());
  EXPECT_EQ(Must(client, v1::GetServerInfoRequest()).limits().message_bytes_max(), 64U << 10);
  Must(client, NewCollection("c", 2, v1::METRIC_L2));
  v1::UpsertPointsRequest request;
  request.set_collection("c");
  v1::Point& point = *request.mutable_rows()->add_points();
  auto& text = (*point.mutable_payload()->mutable_fields())["x"];
  text.set_string_value(std::string(64 << 10, 'x'));
  EXPECT_EQ(client.Send(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  text.set_string_value(std::string(40 << 10, 'x'));
  for (uint64_t id = 1; id <= 3; ++id) {
    point.mutable_id()->set_num(id);
    Must(client, request);
  }
  const grpc::Status large = client.Send(Parse<v1::ListPointsRequest>("collection: 'c'"));
  EXPECT_EQ(large.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Describe(large);
  EXPECT_EQ(ReasonOfError(large), "REPLY_TOO_LARGE");
  EXPECT_EQ(
      Must(client, Parse<v1::ListPointsRequest>("collection: 'c' page_size: 1")).points_size(), 1);
}

TEST_F(ServerBehaviourTest, ADeadlineAndACancellationStopTheWork) {
  ServerProcess server(Options());
  ASSERT_TRUE(server.ready()) << server.Log();
  Client client(server.address());
  constexpr uint64_t kRows = 20'000;
  constexpr size_t kDim = 128;
  Must(client, NewCollection("big", kDim, v1::METRIC_L2, "flat {}"));
  for (uint64_t first = 0; first < kRows; first += 5'000) {
    v1::UpsertPointsRequest request;
    request.set_collection("big");
    for (uint64_t i = 0; i < 5'000; ++i) {
      request.mutable_columns()->mutable_number_ids()->add_values(first + i);
    }
    v1::VectorColumn& column = *request.mutable_columns()->add_vectors();
    column.set_field("v");
    column.set_data(Packed(RandomVector(first, 5'000 * kDim)));
    Must(client, request);
  }
  // A thousand exact queries compare 20 million vectors: far more than the time given below.
  auto search = Parse<v1::SearchRequest>("collection: 'big' k: 1 payload { all: false }");
  for (uint64_t i = 0; i < 1'000; ++i) {
    search.add_queries()->mutable_vector()->set_packed(Packed(RandomVector(i, kDim)));
  }
  const auto outcomes = [&server](const std::string& code) {
    return Metric(
        server,
        "alidade_requests_total{method=\"alidade.v1.SearchService/Search\",code=\"" + code + "\"}");
  };
  client.set_timeout(milliseconds(60));
  EXPECT_EQ(client.Send(search).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  // What counts is how the work ended in the server: it did not run to the end.
  EXPECT_TRUE(
      Eventually([&] { return outcomes("DEADLINE_EXCEEDED") == 1 || outcomes("CANCELLED") == 1; }));
  EXPECT_EQ(outcomes("OK"), -1);
  const double ended = std::max(0.0, outcomes("CANCELLED"));

  grpc::ClientContext context;
  std::thread caller([&] {
    v1::SearchResponse response;
    EXPECT_EQ(client.search().Search(&context, search, &response).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  ASSERT_TRUE(Eventually([&] { return Metric(server, "alidade_requests_in_flight") == 1; }));
  context.TryCancel();
  caller.join();
  EXPECT_TRUE(Eventually([&] { return outcomes("CANCELLED") == ended + 1; }));
  EXPECT_EQ(outcomes("OK"), -1);
  client.set_timeout(milliseconds(20'000));
  EXPECT_EQ(Must(client, Parse<v1::CountPointsRequest>("collection: 'big'")).count(), kRows);
}

TEST_F(ServerBehaviourTest, SettingsReachTheCallsTheyAreAbout) {
  ServerOptions options = Options();
  options.settings = {
      "server.default_durability=buffered", "server.reflection=false", "limits.collections_max=1"};
  options.environment = {{"ALIDADE__LIMITS__K_MAX", "5"}};
  ServerProcess server(options);
  ASSERT_TRUE(server.ready()) << server.Log();
  Client client(server.address());
  Must(client, NewCollection("c", 2, v1::METRIC_L2));
  EXPECT_EQ(client.Send(NewCollection("d", 2, v1::METRIC_L2)).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Must(client,
                 Parse<v1::UpsertPointsRequest>("collection: 'c' rows { points { id { num: "
                                                "1 } } }"))
                .receipt()
                .durability(),
            v1::DURABILITY_BUFFERED);
  EXPECT_EQ(Must(client,
                 Parse<v1::UpsertPointsRequest>("collection: 'c' durability: "
                                                "DURABILITY_DURABLE rows { points { id { "
                                                "num: 1 } } }"))
                .receipt()
                .durability(),
            v1::DURABILITY_DURABLE);
  const grpc::Status many =
      client.Send(Parse<v1::SearchRequest>("collection: 'c' k: 6 queries { point_id { num: 1 } }"));
  EXPECT_EQ(FieldOfError(many), "k");
  EXPECT_EQ(client.SendBytes("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "")
                .error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace alidade::testing
