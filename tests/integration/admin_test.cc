// Administration over gRPC: flush, waiting for indexes, statistics, receipts, min_seq, request ids,
// health, reflection; and the HTTP pages.
#include <future>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/sync_stream.h>
#include <gtest/gtest.h>

#include "grpc/health/v1/health.grpc.pb.h"
#include "integration/command.h"
#include "integration/http_get.h"
#include "integration/shared_server.h"

namespace alidade::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

class AdminTest : public SharedServerTest {
 protected:
  // Points first .. first + count - 1 with random vectors.
  v1::WriteReceipt Fill(const std::string& collection,
                        uint64_t first,
                        uint64_t count,
                        size_t dim,
                        v1::Durability durability = v1::DURABILITY_UNSPECIFIED) {
    v1::UpsertPointsRequest request;
    request.set_collection(collection);
    request.set_durability(durability);
    for (uint64_t i = 0; i < count; ++i) {
      request.mutable_columns()->mutable_number_ids()->add_values(first + i);
    }
    v1::VectorColumn& column = *request.mutable_columns()->add_vectors();
    column.set_field("v");
    column.set_data(Packed(RandomVector(first + 1, count * dim)));
    return Must(client_, request).receipt();
  }

  v1::GetCollectionStatsResponse Stats(const std::string& collection) {
    v1::GetCollectionStatsRequest request;
    request.set_collection(collection);
    return Must(client_, request);
  }
};

TEST_F(AdminTest, AReceiptStatesTheLevelReached) {
  Must(client_, NewCollection("levels", 2, v1::METRIC_L2));
  EXPECT_EQ(Fill("levels", 0, 1, 2).durability(), v1::DURABILITY_DURABLE);
  EXPECT_EQ(Fill("levels", 1, 1, 2, v1::DURABILITY_DURABLE).durability(), v1::DURABILITY_DURABLE);
  const auto buffered = Fill("levels", 2, 1, 2, v1::DURABILITY_BUFFERED);
  EXPECT_EQ(buffered.durability(), v1::DURABILITY_BUFFERED);
  const auto removed = Must(client_,
                            Parse<v1::DeletePointsRequest>("collection: 'levels' durability: "
                                                           "DURABILITY_BUFFERED ids { num: 0 }"));
  EXPECT_EQ(removed.receipt().durability(), v1::DURABILITY_BUFFERED);
  EXPECT_EQ(removed.receipt().seq(), buffered.seq() + 1);
  const auto flushed = Must(client_, v1::FlushRequest());
  EXPECT_GE(flushed.seq(), removed.receipt().seq());
}

TEST_F(AdminTest, AFlushSealsWhatIsInMemory) {
  Must(client_, NewCollection("flushed", 4, v1::METRIC_L2));
  Fill("flushed", 0, 100, 4);
  auto before = Stats("flushed");
  EXPECT_EQ(before.stats().delta_rows(), 100U);
  EXPECT_GT(before.stats().delta_bytes(), 0U);
  ASSERT_EQ(before.segments_size(), 1);
  EXPECT_FALSE(before.segments(0).sealed());
  Must(client_, Parse<v1::FlushRequest>("collection: 'flushed'"));
  Must(client_,
       Parse<v1::DeletePointsRequest>("collection: 'flushed' ids { num: 3 } ids { num: 4 "
                                      "}"));
  const auto after = Stats("flushed");
  EXPECT_EQ(after.stats().point_count(), 98U);
  EXPECT_EQ(after.stats().delta_rows(), 0U);
  EXPECT_EQ(after.stats().dead_rows(), 2U);
  EXPECT_EQ(after.stats().indexed_rows(), 98U);
  EXPECT_EQ(after.stats().pending_rows(), 0U);
  EXPECT_GT(after.stats().disk_bytes(), 100U * 4 * sizeof(float));
  EXPECT_EQ(after.stats().healed_segments(), 0U);
  EXPECT_EQ(after.stats().builds_failed(), 0U);
  ASSERT_EQ(after.segments_size(), 1);
  EXPECT_TRUE(after.segments(0).sealed());
  EXPECT_GT(after.segments(0).segment_id(), 0U);
  EXPECT_EQ(after.segments(0).rows(), 100U);
  EXPECT_EQ(after.segments(0).last_row() - after.segments(0).first_row(), 99U);
}

TEST_F(AdminTest, WaitIndexedBlocksUntilTheGraphIsThere) {
  Must(client_, NewCollection("waited", 32, v1::METRIC_L2, "hnsw { m: 16 ef_construction: 400 }"));
  Fill("waited", 0, 4'000, 32);
  const auto at_once =
      Must(client_, Parse<v1::WaitIndexedRequest>("collection: 'waited' timeout {}"));
  EXPECT_EQ(at_once.pending_rows(), 4'000U);
  EXPECT_EQ(at_once.indexed_rows(), 0U);
  const auto soon = Must(
      client_, Parse<v1::WaitIndexedRequest>("collection: 'waited' timeout { nanos: 50000000 }"));
  EXPECT_EQ(soon.pending_rows(), 4'000U);
  // The deadline of the call is an error, unlike the timeout in it.
  client_.set_timeout(milliseconds(100));
  EXPECT_EQ(client_.Send(Parse<v1::WaitIndexedRequest>("collection: 'waited'")).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  client_.set_timeout(milliseconds(60'000) * kPatience);
  const auto done = Must(client_, Parse<v1::WaitIndexedRequest>("collection: 'waited'"));
  EXPECT_EQ(done.pending_rows(), 0U);
  EXPECT_EQ(done.indexed_rows(), 4'000U);
  const auto stats = Stats("waited");
  EXPECT_GE(stats.stats().builds_done(), 1U);
  ASSERT_EQ(stats.segments_size(), 1);
  EXPECT_THAT(stats.segments(0).indexes(), Each(std::string("hnsw")));
}

TEST_F(AdminTest, ARunningBuildTellsHowManyOfItsVectorsAreDone) {
  constexpr uint64_t kRows = 9'000;  // a graph grows in pieces of 4,096
  Must(client_, NewCollection("growing", 32, v1::METRIC_L2, "hnsw { m: 16 ef_construction: 200 }"));
  Fill("growing", 0, kRows, 32);
  Must(client_, Parse<v1::FlushRequest>("collection: 'growing'"));
  EXPECT_NE(MetricValue(HttpGet(server().http_port(), "/metrics").body,
                        "alidade_index_build_rows_total{collection=\"growing\"}"),
            -1);
  const auto ask =
      Parse<v1::WaitIndexedRequest>("collection: 'growing' timeout { nanos: 10000000 }");
  std::set<uint64_t> seen;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60) * kPatience;
  for (auto state = Must(client_, ask); state.pending_rows() > 0; state = Must(client_, ask)) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    if (state.build_rows_total() > 0) {
      EXPECT_EQ(state.build_rows_total(), kRows);
      EXPECT_TRUE(seen.empty() || state.build_rows_done() >= *seen.rbegin()) << "it goes back";
      EXPECT_DOUBLE_EQ(state.build_progress(),
                       static_cast<double>(state.build_rows_done()) / kRows);
      seen.insert(state.build_rows_done());
    }
  }
  seen.erase(0);
  seen.erase(kRows);
  EXPECT_GE(seen.size(), 2U) << "a build that grows unseen";
  EXPECT_EQ(Stats("growing").stats().build_rows_total(), 0U);
}

TEST_F(AdminTest, StatisticsTellWhereTheBytesLie) {
  constexpr uint64_t kRows = 2'500;
  constexpr uint64_t kLinkBytes = kRows * 2 * 8 * sizeof(uint32_t);
  Must(client_,
       NewCollection("bytes",
                     32,
                     v1::METRIC_L2,
                     "hnsw { m: 8 ef_construction: 40 codes: "
                     "HNSW_CODES_BIT1 }"));
  Fill("bytes", 0, kRows, 32);
  auto stats = Stats("bytes");
  ASSERT_EQ(stats.memory().fields_size(), 1);
  EXPECT_EQ(stats.memory().fields(0).delta_vectors().anonymous_bytes(),
            kRows * (32 * sizeof(float) + 1));
  Must(client_, Parse<v1::FlushRequest>("collection: 'bytes'"));
  Must(client_, Parse<v1::WaitIndexedRequest>("collection: 'bytes'"));
  // The copies are made by the next step of the background.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30) * kPatience;
  do {
    stats = Stats("bytes");
    ASSERT_LT(std::chrono::steady_clock::now(), end);
  } while (stats.memory().fields(0).links().anonymous_bytes() == 0);

  const v1::FieldMemory& field = stats.memory().fields(0);
  EXPECT_EQ(field.field(), "v");
  EXPECT_EQ(field.links().anonymous_bytes(), kLinkBytes);
  EXPECT_GT(field.links().mapped_bytes(), 0U);
  EXPECT_EQ(field.links().count(), kRows);
  EXPECT_GE(field.walk_codes().anonymous_bytes(), kRows * 32 / 8);
  EXPECT_GE(field.rank_codes().anonymous_bytes(), kRows * 32);
  EXPECT_EQ(field.walk_codes().mapped_bytes() + field.rank_codes().mapped_bytes(), 0U);
  EXPECT_EQ(field.vectors().anonymous_bytes(), 0U);
  EXPECT_EQ(field.vectors().mapped_bytes(), kRows * 32 * sizeof(float));
  EXPECT_EQ(field.vectors().bytes_each(), 32 * sizeof(float));
  EXPECT_EQ(field.delta_vectors().count(), 0U);
  ASSERT_EQ(field.codes_size(), 1);
  EXPECT_EQ(field.codes(0).codes(), "bit1");
  EXPECT_EQ(field.codes(0).vector_count(), kRows);
  EXPECT_DOUBLE_EQ(field.codes(0).bytes_per_vector(),
                   field.walk_codes().bytes_each() + field.rank_codes().bytes_each());
  EXPECT_DOUBLE_EQ(field.index_bytes_per_vector(),
                   field.codes(0).bytes_per_vector() + field.links().bytes_each());
  const uint64_t copies =
      field.walk_codes().anonymous_bytes() + field.rank_codes().anonymous_bytes() + kLinkBytes;
  EXPECT_EQ(stats.stats().memory_bytes(), copies + stats.memory().rows().anonymous_bytes());
  EXPECT_EQ(stats.memory().rows().count(), kRows);
  EXPECT_GE(stats.memory().resident_bytes_used(), copies);  // other collections have theirs
  EXPECT_EQ(stats.memory().resident_bytes_max(),
            Must(client_, v1::GetServerInfoRequest()).limits().resident_bytes_max());
  ASSERT_EQ(stats.segments_size(), 1);
  EXPECT_THAT(stats.segments(0).codes(), ElementsAre("bit1"));

  const std::string page = HttpGet(server().http_port(), "/metrics").body;
  const auto component = [&](const std::string& name, const std::string& memory) {
    return MetricValue(page,
                       "alidade_collection_component_bytes{collection=\"bytes\",component=\"" +
                           name + "\",memory=\"" + memory + "\"}");
  };
  EXPECT_EQ(component("links", "anonymous"), kLinkBytes);
  EXPECT_EQ(component("walk_codes", "anonymous"), field.walk_codes().anonymous_bytes());
  EXPECT_EQ(component("vectors", "mapped"), field.vectors().mapped_bytes());
  EXPECT_EQ(
      MetricValue(page, "alidade_collection_graph_vectors{collection=\"bytes\",codes=\"bit1\"}"),
      kRows);
  EXPECT_GE(MetricValue(page, "alidade_resident_bytes_used"), copies);
}

TEST_F(AdminTest, TheServerTellsItsVersionAndLimits) {
  const auto info = Must(client_, v1::GetServerInfoRequest());
  EXPECT_THAT(RunCommand({"--version"}).out, HasSubstr(info.version()));
  EXPECT_FALSE(info.version().empty());
  EXPECT_FALSE(info.instruction_set().empty());
  EXPECT_EQ(info.limits().k_max(), 10'000U);
  EXPECT_EQ(info.limits().message_bytes_max(), 64U << 20);
  EXPECT_EQ(info.limits().dimension_max(), 65'536U);
  EXPECT_EQ(info.limits().in_flight_requests_max(), 128U);
  EXPECT_EQ(info.limits().resident_bytes_max(), uint64_t{4} << 30);
  EXPECT_GT(info.start_time().seconds(), 1'600'000'000);
  Must(client_, NewCollection("counted", 2, v1::METRIC_L2));
  const auto later = Must(client_, v1::GetServerInfoRequest());
  EXPECT_EQ(later.collections(), info.collections() + 1);
  EXPECT_GT(later.seq(), info.seq());
}

TEST_F(AdminTest, AReadWaitsForTheWriteItAsksFor) {
  Must(client_, NewCollection("awaited", 2, v1::METRIC_L2));
  const uint64_t next = Fill("awaited", 0, 1, 2).seq() + 1;
  v1::CountPointsRequest count;
  count.set_collection("awaited");
  count.set_min_seq(next);
  auto waiting = std::async(std::launch::async, [&count] {
    Client other(server().address());
    return Must(other, count);
  });
  // It cannot answer before the write; a little patience makes it wait for real.
  EXPECT_EQ(waiting.wait_for(milliseconds(100)), std::future_status::timeout);
  EXPECT_EQ(Fill("awaited", 1, 1, 2).seq(), next);
  const auto answer = waiting.get();
  EXPECT_EQ(answer.count(), 2U);
  EXPECT_GE(answer.seq(), next);
}

TEST_F(AdminTest, AWriteThatNeverComesIsGivenUpAfterTenSeconds) {
  Must(client_, NewCollection("never", 2, v1::METRIC_L2));
  Fill("never", 0, 1, 2);
  const std::string more = "collection: 'never' min_seq: 1000000000 ";
  std::vector<std::future<grpc::Status>> answers;
  const auto ask = [&answers](const auto& request) {
    answers.push_back(std::async(std::launch::async, [request] {
      Client other(server().address());
      return other.Send(request);
    }));
  };
  const auto start = std::chrono::steady_clock::now();
  ask(Parse<v1::GetPointsRequest>(more + "ids { num: 0 }"));
  ask(Parse<v1::CountPointsRequest>(more));
  ask(Parse<v1::ListPointsRequest>(more));
  ask(Parse<v1::ListPointsRequest>(more + "order_by { key: 'n' }"));
  ask(Parse<v1::FacetPointsRequest>(more + "key: 'n'"));
  ask(Parse<v1::GetPayloadBoundsRequest>(more + "key: 'n'"));
  ask(Parse<v1::SearchRequest>(more + "k: 1 queries { point_id { num: 0 } }"));
  ask(Parse<v1::GetCollectionRequest>(more));
  ask(Parse<v1::GetCollectionStatsRequest>(more));
  ask(Parse<v1::ListCollectionsRequest>("min_seq: 1000000000"));
  ask(Parse<v1::ListAliasesRequest>("min_seq: 1000000000"));
  for (auto& answer : answers) {
    const grpc::Status status = answer.get();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << Describe(status);
    EXPECT_EQ(ReasonOfError(status), "MIN_SEQ_NOT_REACHED");
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_THAT(seconds, AllOf(Ge(9.5), Le(15.0)));
}

TEST_F(AdminTest, ARequestIdMakesARetryHarmless) {
  Must(client_, NewCollection("retried", 2, v1::METRIC_L2));
  auto upsert = Parse<v1::UpsertPointsRequest>(
      "collection: 'retried' request_id: 'u1' rows { points { id { num: 1 } } points { id { num: 2 "
      "} } }");
  const auto first = Must(client_, upsert);
  const auto remove = Parse<v1::DeletePointsRequest>(
      "collection: 'retried' request_id: 'd1' ids { num: 1 } ids { num: 9 }");
  const auto removed = Must(client_, remove);
  EXPECT_EQ(removed.deleted_count(), 1U);
  // The upsert again would bring point 1 back.
  const auto again = Must(client_, upsert);
  EXPECT_TRUE(again.receipt().replayed());
  EXPECT_EQ(again.receipt().seq(), first.receipt().seq());
  EXPECT_EQ(again.upserted_count(), 2U);
  const auto removed_again = Must(client_, remove);
  EXPECT_TRUE(removed_again.receipt().replayed());
  EXPECT_EQ(removed_again.deleted_count(), 1U);
  EXPECT_EQ(Must(client_, Parse<v1::CountPointsRequest>("collection: 'retried'")).count(), 1U);

  // Of many at once, one writes.
  upsert.set_request_id("u2");
  std::vector<std::future<v1::UpsertPointsResponse>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(std::async(std::launch::async, [&upsert] {
      Client other(server().address());
      return Must(other, upsert);
    }));
  }
  int written = 0;
  std::set<uint64_t> seqs;
  for (auto& answer : answers) {
    const auto response = answer.get();
    written += response.receipt().replayed() ? 0 : 1;
    seqs.insert(response.receipt().seq());
  }
  EXPECT_EQ(written, 1);
  EXPECT_EQ(seqs.size(), 1U);
}

TEST_F(AdminTest, ErrorsCarryTheRequestIdOfTheCaller) {
  grpc::ClientContext context;
  client_.SetDeadline(context);
  context.AddMetadata("x-request-id", "my-call-17");
  v1::CountPointsResponse response;
  const grpc::Status status = client_.points().CountPoints(
      &context, Parse<v1::CountPointsRequest>("collection: 'nowhere'"), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  const auto request = DetailOf<google::rpc::RequestInfo>(status);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->request_id(), "my-call-17");
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->domain(), "alidade");
}

TEST_F(AdminTest, TheHealthServiceKnowsEveryService) {
  const auto health = grpc::health::v1::Health::NewStub(client_.channel());
  for (const std::string name : {"",
                                 "alidade.v1.CollectionService",
                                 "alidade.v1.PointService",
                                 "alidade.v1.SearchService",
                                 "alidade.v1.AdminService"}) {
    grpc::ClientContext context;
    client_.SetDeadline(context);
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(name);
    grpc::health::v1::HealthCheckResponse response;
    EXPECT_CALL_OK(health->Check(&context, request, &response));
    EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING) << name;
  }
  grpc::ClientContext context;
  client_.SetDeadline(context);
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("alidade.v1.Nothing");
  grpc::health::v1::HealthCheckResponse response;
  EXPECT_EQ(health->Check(&context, request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminTest, ReflectionListsTheServices) {
  // ServerReflectionRequest{list_services: ""}; the answer holds the names as plain text.
  const grpc::Slice slice(std::string("\x3A\x00", 2));
  const grpc::ByteBuffer request(&slice, 1);
  const grpc::internal::RpcMethod method(
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      grpc::internal::RpcMethod::BIDI_STREAMING,
      client_.channel());
  grpc::ClientContext context;
  client_.SetDeadline(context);
  const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
      grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
          client_.channel().get(), method, &context));
  ASSERT_TRUE(stream->Write(request));
  stream->WritesDone();
  grpc::ByteBuffer reply;
  ASSERT_TRUE(stream->Read(&reply));
  grpc::Slice whole;
  ASSERT_TRUE(reply.DumpToSingleSlice(&whole).ok());
  const std::string text(reinterpret_cast<const char*>(whole.begin()), whole.size());
  for (const std::string name : {"alidade.v1.CollectionService",
                                 "alidade.v1.PointService",
                                 "alidade.v1.SearchService",
                                 "alidade.v1.AdminService",
                                 "grpc.health.v1.Health"}) {
    EXPECT_THAT(text, HasSubstr(name));
  }
  EXPECT_CALL_OK(stream->Finish());
}

// Checks one page of Prometheus' text form line by line.
void ExpectWellFormed(const std::string& page) {
  const std::regex help(R"(# HELP [a-z_]+ .+)");
  const std::regex type(R"(# TYPE ([a-z_]+) (counter|gauge|histogram))");
  const std::regex sample(
      R"re(([a-z_]+)(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? (-?[0-9.e+-]+|\+Inf|NaN))re");
  std::map<std::string, std::string> types;
  std::set<std::string> seen;
  std::istringstream lines(page);
  std::string line;
  while (std::getline(lines, line)) {
    std::smatch parts;
    if (std::regex_match(line, parts, type)) {
      EXPECT_TRUE(types.emplace(parts[1], parts[2]).second) << "twice: " << line;
    } else if (std::regex_match(line, parts, sample)) {
      EXPECT_TRUE(seen.insert(line.substr(0, line.rfind(' '))).second) << "twice: " << line;
      std::string family = parts[1];
      for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
        if (!types.contains(family) && family.ends_with(suffix)) {
          family.resize(family.size() - suffix.size());
          EXPECT_EQ(types[family], "histogram") << line;
        }
      }
      EXPECT_TRUE(types.contains(family)) << "no type before: " << line;
    } else {
      EXPECT_TRUE(std::regex_match(line, help)) << "malformed: " << line;
    }
  }
  EXPECT_GT(types.size(), 25U);
}

TEST_F(AdminTest, TheMetricsPageIsWellFormedAndCounts) {
  Must(client_, NewCollection("measured", 2, v1::METRIC_L2));
  Fill("measured", 0, 7, 2);
  const HttpReply before = HttpGet(server().http_port(), "/metrics");
  ASSERT_EQ(before.code, 200);
  ExpectWellFormed(before.body);
  EXPECT_EQ(MetricValue(before.body, "alidade_collection_points{collection=\"measured\"}"), 7);
  EXPECT_EQ(MetricValue(before.body, "alidade_ready"), 1);
  EXPECT_EQ(MetricValue(before.body, "alidade_disk_full"), 0);
  EXPECT_GT(MetricValue(before.body, "process_resident_memory_bytes"), 1e6);
  const std::string good =
      "alidade_requests_total{method=\"alidade.v1.PointService/CountPoints\",code=\"OK\"}";
  const std::string bad =
      "alidade_requests_total{method=\"alidade.v1.PointService/CountPoints\",code=\"NOT_FOUND\"}";
  Must(client_, Parse<v1::CountPointsRequest>("collection: 'measured'"));
  Must(client_, Parse<v1::CountPointsRequest>("collection: 'measured'"));
  EXPECT_FALSE(client_.Send(Parse<v1::CountPointsRequest>("collection: 'missing'")).ok());
  Must(client_,
       Parse<v1::SearchRequest>(
           "collection: 'measured' k: 2 params { exact: true } queries { vector { "
           "values { values: [1, 2] } } } queries { point_id { num: 0 } }"));
  const HttpReply after = HttpGet(server().http_port(), "/metrics");
  const auto grown = [&](const std::string& name) {
    return MetricValue(after.body, name) - std::max(0.0, MetricValue(before.body, name));
  };
  EXPECT_EQ(grown(good), 2);
  EXPECT_EQ(grown(bad), 1);
  EXPECT_EQ(grown("alidade_queries_total"), 2);
  EXPECT_EQ(grown("alidade_queries_exact_total"), 2);
  EXPECT_EQ(grown("alidade_query_distances_total"), 14);
  EXPECT_EQ(grown("alidade_query_rows_scanned_total"), 14);
  EXPECT_EQ(grown("alidade_request_seconds_count{method=\"alidade.v1.PointService/CountPoints\"}"),
            3);
  EXPECT_EQ(
      MetricValue(after.body,
                  "alidade_request_seconds_bucket{method=\"alidade.v1.PointService/"
                  "CountPoints\",le=\"+Inf\"}"),
      MetricValue(after.body,
                  "alidade_request_seconds_count{method=\"alidade.v1.PointService/CountPoints\"}"));
}

TEST_F(AdminTest, TheHttpPagesAnswer) {
  EXPECT_EQ(HttpGet(server().http_port(), "/healthz").code, 200);
  EXPECT_EQ(HttpGet(server().http_port(), "/readyz").body, "ready\n");
  EXPECT_EQ(HttpGet(server().http_port(), "/nothing").code, 404);
}

}  // namespace
}  // namespace alidade::testing
