// What surrounds every call: admission, deadlines, exceptions, details of errors, malformed
// messages.
#include <atomic>
#include <new>
#include <stdexcept>

#include "alidade/v1/admin.grpc.pb.h"
#include "alidade/v1/collections.grpc.pb.h"
#include "alidade/v1/search.grpc.pb.h"

#include "server_testing.h"

namespace alidade {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::system_clock;
using testing::HasSubstr;

TEST_F(GrpcServerTest, AnswersACall) {
  Start();
  Hooks().count = [](const CountRequest& request) -> StatusOr<CountResponse> {
    EXPECT_EQ(request.collection, "c");
    return CountResponse{SeqNo(5), 42};
  };
  v1::CountPointsResponse response;
  const grpc::Status status = Count(&response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.count(), 42U);
  EXPECT_EQ(response.seq(), 5U);
}

TEST_F(GrpcServerTest, UpsertAnswersWithItsReceipt) {
  Start();
  Hooks().upsert = [](const UpsertRequest& request) -> StatusOr<WriteReceipt> {
    EXPECT_EQ(request.points.size(), 1U);
    return WriteReceipt{.seq = SeqNo(9), .points = 1, .skipped = 4, .replayed = true};
  };
  v1::UpsertPointsRequest request;
  request.set_collection("c");
  request.mutable_rows()->add_points()->mutable_id()->set_num(1);
  grpc::ClientContext context;
  v1::UpsertPointsResponse response;
  ASSERT_TRUE(points_->UpsertPoints(&context, request, &response).ok());
  EXPECT_EQ(response.receipt().seq(), 9U);
  EXPECT_EQ(response.receipt().durability(), v1::DURABILITY_DURABLE);
  EXPECT_TRUE(response.receipt().replayed());
  EXPECT_EQ(response.upserted_count(), 1U);
  EXPECT_EQ(response.skipped_count(), 4U);
}

TEST_F(GrpcServerTest, ErrorsNameTheRequestOfTheCaller) {
  Start();
  Hooks().count = [](const CountRequest&) -> StatusOr<CountResponse> {
    return WithReason(NotFound("there is no collection \"c\""), "COLLECTION_NOT_FOUND");
  };
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "mine-17");
  v1::CountPointsResponse response;
  const grpc::Status status = points_->CountPoints(&context, CountRequestOf("c"), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailOf<google::rpc::RequestInfo>(status)->request_id(), "mine-17");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status)->reason(), "COLLECTION_NOT_FOUND");
}

TEST_F(GrpcServerTest, MakesARequestIdWhereTheCallersIsUnfit) {
  Start();
  Hooks().count = nullptr;
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", std::string(200, 'x'));
  v1::CountPointsResponse response;
  const grpc::Status status = points_->CountPoints(&context, CountRequestOf("c"), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(DetailOf<google::rpc::RequestInfo>(status)->request_id().size(), 16U);
}

TEST_F(GrpcServerTest, NoExceptionEscapes) {
  Start();
  Hooks().count = [](const CountRequest&) -> StatusOr<CountResponse> { throw std::bad_alloc(); };
  grpc::Status status = Count();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(status).has_value());
  Hooks().count = [](const CountRequest&) -> StatusOr<CountResponse> {
    throw std::runtime_error("boom");
  };
  status = Count();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), HasSubstr("boom"));
  Hooks().count = [](const CountRequest&) -> StatusOr<CountResponse> { throw 5; };
  EXPECT_EQ(Count().error_code(), grpc::StatusCode::INTERNAL);
}

TEST_F(GrpcServerTest, MalformedMessagesAreTheCallersMistake) {
  Start();
  // A length that runs past the end.
  grpc::Status status = RawCall("/alidade.v1.PointService/CountPoints", "\x0A\x7F\x01");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status)->reason(), "MALFORMED_REQUEST");
  // Well-formed, but the string (collection) is not UTF-8.
  status = RawCall("/alidade.v1.PointService/CountPoints", std::string("\x0A\x02\xFF\xFE", 4));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(RawCall("/alidade.v1.PointService/NoSuchMethod", "").error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcServerTest, MessagesOverTheLimitAreRefused) {
  Limits limits;
  limits.message_bytes_max = 10'000;
  Start(limits);
  EXPECT_EQ(RawCall("/alidade.v1.PointService/CountPoints", std::string(20'000, 'x')).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  Hooks().get = [](const GetRequest&) -> StatusOr<GetResponse> {
    Point point;
    point.payload["a"] = Value(std::string(20'000, 'x'));
    GetResponse response;
    response.points.emplace_back(point);
    return response;
  };
  v1::GetPointsRequest request;
  request.set_collection("c");
  request.add_ids()->set_num(1);
  grpc::ClientContext context;
  v1::GetPointsResponse response;
  const grpc::Status status = points_->GetPoints(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status)->reason(), "REPLY_TOO_LARGE");
}

TEST_F(GrpcServerTest, CancellationAndDeadlineReachTheWork) {
  Start();
  std::atomic<int> outcome{-1};
  std::atomic<bool> running{false};
  Hooks().count = [&](const CountRequest& request) -> StatusOr<CountResponse> {
    running.store(true);
    while (true) {
      if (const Status status = request.options.deadline.Check(); !status.ok()) {
        outcome.store(static_cast<int>(status.code()));
        return status;
      }
      std::this_thread::sleep_for(milliseconds(1));
    }
  };
  EXPECT_EQ(Count(nullptr, milliseconds(100)).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(Eventually([&] { return outcome.load() >= 0; }));

  outcome.store(-1);
  running.store(false);
  grpc::ClientContext context;
  std::thread canceller([&] {
    EXPECT_TRUE(Eventually([&] { return running.load(); }));
    context.TryCancel();
  });
  v1::CountPointsResponse response;
  EXPECT_EQ(points_->CountPoints(&context, CountRequestOf("c"), &response).error_code(),
            grpc::StatusCode::CANCELLED);
  canceller.join();
  EXPECT_TRUE(
      Eventually([&] { return outcome.load() == static_cast<int>(StatusCode::kCancelled); }));
}

TEST_F(GrpcServerTest, CallsWithoutADeadlineGetTheServersOwn) {
  GrpcServerOptions options;
  options.deadline_max = milliseconds(50);
  Start({}, options);
  Hooks().count = [](const CountRequest& request) -> StatusOr<CountResponse> {
    while (request.options.deadline.Check().ok()) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    return request.options.deadline.Check();
  };
  grpc::ClientContext context;
  v1::CountPointsResponse response;
  EXPECT_EQ(points_->CountPoints(&context, CountRequestOf("c"), &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(GrpcServerTest, RefusesMoreCallsThanTheLimitButLeavesRoomForDeletes) {
  Limits limits;
  limits.in_flight_requests_max = 2;
  Start(limits);
  std::atomic<int> waiting{0};
  std::atomic<bool> release{false};
  Hooks().count = [&](const CountRequest&) -> StatusOr<CountResponse> {
    waiting.fetch_add(1);
    while (!release.load()) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    return CountResponse{};
  };
  Hooks().remove = [](const DeleteRequest&) -> StatusOr<WriteReceipt> {
    return WriteReceipt{SeqNo(3)};
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] { EXPECT_TRUE(Count().ok()); });
  }
  EXPECT_TRUE(Eventually([&] { return waiting.load() == 2; }));
  EXPECT_EQ(server_->calls_in_flight(), 2U);

  const grpc::Status refused = Count();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(refused)->reason(), "TOO_MANY_REQUESTS");
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(refused)->retry_delay().nanos(), 100'000'000);
  EXPECT_EQ(server_->calls_refused(), 1U);
  v1::DeletePointsRequest request;
  request.set_collection("c");
  request.add_ids()->set_num(1);
  grpc::ClientContext context;
  v1::DeletePointsResponse response;
  EXPECT_TRUE(points_->DeletePoints(&context, request, &response).ok());

  release.store(true);
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_TRUE(Count().ok());
}

v1::SearchRequest SearchOf(const std::string& collection) {
  v1::SearchRequest request;
  request.set_collection(collection);
  request.set_k(1);
  request.add_queries()->mutable_vector()->mutable_values()->add_values(1);
  return request;
}

grpc::Status Search(v1::SearchService::Stub& stub, const std::string& collection) {
  grpc::ClientContext context;
  context.set_deadline(system_clock::now() + seconds(10));
  v1::SearchResponse response;
  return stub.Search(&context, SearchOf(collection), &response);
}

// What a long search does: looks at its deadline on the way. `running` counts those under way.
StatusOr<SearchResponse> SearchUntil(const std::atomic<bool>& release,
                                     const SearchRequest& request,
                                     std::atomic<int>& running) {
  running.fetch_add(1);
  Status status;
  while (status.ok() && !release.load()) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    status = request.options.deadline.Check();
  }
  running.fetch_sub(1);
  ALIDADE_RETURN_IF_ERROR(status);
  return SearchResponse{};
}

// Searches run on gRPC's polling threads too: they must not keep them.
TEST_F(GrpcServerTest, SearchesThatTakeLongKeepNoOtherCallWaiting) {
  Limits limits;
  limits.in_flight_requests_max = 16;
  Start(limits);
  std::atomic<int> slow{0};
  std::atomic<bool> release{false};
  Hooks().search = [&](const SearchRequest& request) -> StatusOr<SearchResponse> {
    return request.collection == "slow" ? SearchUntil(release, request, slow) : SearchResponse{};
  };
  const auto stub = v1::SearchService::NewStub(channel_);
  std::vector<std::thread> callers;
  for (int i = 0; i < 12; ++i) {
    callers.emplace_back([&] { EXPECT_TRUE(Search(*stub, "slow").ok()); });
  }
  EXPECT_TRUE(Eventually([&] { return slow.load() == 12; }));
  EXPECT_EQ(server_->calls_in_flight(), 12U);
  const auto own_connection = v1::SearchService::NewStub(NewChannel());
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(Search(*own_connection, "quick").ok());
    EXPECT_TRUE(Count().ok());
    EXPECT_TRUE(RawCall("/grpc.health.v1.Health/Check", "").ok());
  }
  release.store(true);
  for (std::thread& caller : callers) {
    caller.join();
  }
}

TEST_F(GrpcServerTest, SearchesPastTheLimitAreRefusedAtOnce) {
  Limits limits;
  limits.in_flight_requests_max = 2;
  Start(limits);
  std::atomic<int> waiting{0};
  std::atomic<bool> release{false};
  Hooks().search = [&](const SearchRequest& request) {
    return SearchUntil(release, request, waiting);
  };
  const auto stub = v1::SearchService::NewStub(channel_);
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] { EXPECT_TRUE(Search(*stub, "c").ok()); });
  }
  EXPECT_TRUE(Eventually([&] { return waiting.load() == 2; }));
  const grpc::Status refused = Search(*stub, "c");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(refused)->reason(), "TOO_MANY_REQUESTS");
  release.store(true);
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_TRUE(Search(*stub, "c").ok());
  EXPECT_EQ(server_->calls_in_flight(), 0U);
}

TEST_F(GrpcServerTest, ASearchSeesThatItsCallerIsGone) {
  Start();
  std::atomic<bool> running{false};
  std::atomic<int> outcome{-1};
  Hooks().search = [&](const SearchRequest& request) -> StatusOr<SearchResponse> {
    running.store(true);
    while (request.options.deadline.Check().ok()) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    outcome.store(static_cast<int>(request.options.deadline.Check().code()));
    return request.options.deadline.Check();
  };
  const auto stub = v1::SearchService::NewStub(channel_);
  grpc::ClientContext context;
  std::thread canceller([&] {
    EXPECT_TRUE(Eventually([&] { return running.load(); }));
    context.TryCancel();
  });
  v1::SearchResponse response;
  EXPECT_EQ(stub->Search(&context, SearchOf("c"), &response).error_code(),
            grpc::StatusCode::CANCELLED);
  canceller.join();
  EXPECT_TRUE(
      Eventually([&] { return outcome.load() == static_cast<int>(StatusCode::kCancelled); }));
  EXPECT_TRUE(Eventually([&] { return server_->calls_in_flight() == 0; }));
}

TEST_F(GrpcServerTest, WaitIndexedAnswersAfterItsTimeout) {
  Start();
  Hooks().wait_indexed = [](const Deadline& deadline, CollectionStats& stats) {
    stats.pending_rows = 11;
    while (!deadline.Passed()) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    return DeadlineExceeded("still pending");
  };
  const auto admin = v1::AdminService::NewStub(channel_);
  grpc::ClientContext context;
  v1::WaitIndexedRequest request;
  request.set_collection("c");
  request.mutable_timeout()->set_nanos(20'000'000);
  v1::WaitIndexedResponse response;
  ASSERT_TRUE(admin->WaitIndexed(&context, request, &response).ok());
  EXPECT_EQ(response.pending_rows(), 11U);
}

TEST_F(GrpcServerTest, RetriedCatalogueChangesAreHarmless) {
  Start();
  CollectionInfo present;
  present.config.name = "c";
  VectorField field;
  field.name = "v";
  field.dim = 4;
  field.metric = Metric::kDot;
  present.config.fields.push_back(field);
  Hooks().create = [](const CollectionConfig&) -> StatusOr<CollectionInfo> {
    return AlreadyExists("taken");
  };
  Hooks().get_collection = [&](const std::string&) -> StatusOr<CollectionInfo> { return present; };
  Hooks().drop = [](const std::string&) -> StatusOr<WriteReceipt> { return NotFound("none"); };
  const auto stub = v1::CollectionService::NewStub(channel_);
  v1::CreateCollectionRequest request;
  request.mutable_collection()->set_name("c");
  auto& wanted = *request.mutable_collection()->add_vector_fields();
  wanted.set_name("v");
  wanted.set_dimension(4);
  wanted.set_metric(v1::METRIC_DOT);
  const auto create = [&](v1::CreateCollectionResponse& response) {
    grpc::ClientContext context;
    return stub->CreateCollection(&context, request, &response);
  };
  v1::CreateCollectionResponse response;
  EXPECT_EQ(create(response).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  request.set_allow_existing(true);
  EXPECT_TRUE(create(response).ok());
  EXPECT_TRUE(response.receipt().replayed());
  wanted.set_dimension(5);
  EXPECT_EQ(create(response).error_code(), grpc::StatusCode::ALREADY_EXISTS);

  v1::DeleteCollectionRequest removal;
  removal.set_collection("c");
  v1::DeleteCollectionResponse removed;
  grpc::ClientContext first;
  EXPECT_EQ(stub->DeleteCollection(&first, removal, &removed).error_code(),
            grpc::StatusCode::NOT_FOUND);
  removal.set_allow_missing(true);
  grpc::ClientContext second;
  EXPECT_TRUE(stub->DeleteCollection(&second, removal, &removed).ok());
}

TEST_F(GrpcServerTest, CatalogueReadsWaitForMinSeq) {
  Start();
  Hooks().stats.seq = SeqNo(5);
  Hooks().get_collection = [](const std::string&) -> StatusOr<CollectionInfo> {
    return CollectionInfo();
  };
  const auto stub = v1::CollectionService::NewStub(channel_);
  const auto get = [&](uint64_t min_seq) {
    grpc::ClientContext context;
    context.set_deadline(system_clock::now() + milliseconds(100));
    v1::GetCollectionRequest request;
    request.set_collection("c");
    request.set_min_seq(min_seq);
    v1::GetCollectionResponse response;
    return stub->GetCollection(&context, request, &response).error_code();
  };
  EXPECT_EQ(get(5), grpc::StatusCode::OK);
  EXPECT_EQ(get(6), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(GrpcServerTest, CollectionsAreListedPageByPage) {
  Start();
  for (const char* name : {"a", "b", "c"}) {
    CollectionInfo info;
    info.config.name = name;
    Hooks().collections.push_back(info);
  }
  const auto stub = v1::CollectionService::NewStub(channel_);
  v1::ListCollectionsRequest request;
  request.set_page_size(2);
  std::string names;
  do {
    grpc::ClientContext context;
    v1::ListCollectionsResponse page;
    ASSERT_TRUE(stub->ListCollections(&context, request, &page).ok());
    EXPECT_LE(page.collections_size(), 2);
    for (const auto& collection : page.collections()) {
      names += collection.name();
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(names, "abc");
}

}  // namespace
}  // namespace alidade
