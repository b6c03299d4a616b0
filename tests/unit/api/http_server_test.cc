// HttpServer over real sockets.
#include "alidade/api/http_server.h"

#include <unistd.h>

#include "server_testing.h"

namespace alidade {
namespace {

using testing::HasSubstr;

// GET over a plain socket: the whole answer.
std::string HttpGet(uint16_t port, const std::string& path, const std::string& verb = "GET") {
  const int fd = Connect(socket(AF_INET, SOCK_STREAM, 0), port);
  const std::string request = verb + " " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_EQ(send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t n = recv(fd, buffer, sizeof(buffer), 0); n > 0;
       n = recv(fd, buffer, sizeof(buffer), 0)) {
    answer.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  return answer;
}

TEST_F(GrpcServerTest, HttpHasExactlyThreePaths) {
  GrpcServerOptions options;
  options.version = "1.2.3";
  Start({}, options);
  ASSERT_TRUE(Count().ok());
  CollectionStats stats;
  stats.name = "words";
  stats.indexed_rows = 12;
  stats.build_rows_done = 4'096;
  stats.build_rows_total = 5'000;
  stats.rows = {.anonymous = 16, .mapped = 900, .count = 2};
  for (const uint64_t part : {1U, 2U}) {  // fields are added up
    FieldStats& field = stats.fields.emplace_back();
    field.sealed.walk_codes = {.anonymous = 100 * part, .mapped = 0, .count = part};
    field.sealed.links = {.anonymous = 10 * part, .mapped = part, .count = part};
    field.delta_vectors = {.anonymous = 7 * part, .count = part};
    field.codes[CodesSetting::kBit1] = {.anonymous = 100 * part, .count = part};
  }
  Hooks().stats.collections.push_back(stats);
  Hooks().stats.resident_bytes_used = 330;
  Hooks().stats.resident_bytes_max = 1'000;
  auto started = HttpServer::Start({}, *engine_, *server_);
  ASSERT_TRUE(started.ok()) << MessageOf(started.status());
  const auto http = std::move(started).value();

  EXPECT_THAT(HttpGet(http->port(), "/healthz"), HasSubstr("200 OK"));
  EXPECT_THAT(HttpGet(http->port(), "/readyz"), HasSubstr("503"));
  server_->SetServing(true);
  EXPECT_THAT(HttpGet(http->port(), "/readyz"), HasSubstr("200 OK"));
  const std::string metrics = HttpGet(http->port(), "/metrics");
  EXPECT_THAT(metrics, HasSubstr("alidade_build_info{version=\"1.2.3\""));
  EXPECT_THAT(
      metrics,
      HasSubstr(
          "alidade_requests_total{method=\"alidade.v1.PointService/CountPoints\",code=\"OK\"} 1"));
  EXPECT_THAT(
      metrics,
      HasSubstr("alidade_request_seconds_bucket{method=\"alidade.v1.PointService/CountPoints\""));
  EXPECT_THAT(metrics, HasSubstr("le=\"+Inf\"} 1"));
  EXPECT_THAT(metrics,
              HasSubstr("alidade_collection_rows{collection=\"words\",state=\"indexed\"} 12"));
  const auto component = [&](const std::string& name, const std::string& memory) {
    return "alidade_collection_component_bytes{collection=\"words\",component=\"" + name +
           "\",memory=\"" + memory + "\"} ";
  };
  EXPECT_THAT(metrics, HasSubstr(component("walk_codes", "anonymous") + "300\n"));
  EXPECT_THAT(metrics, HasSubstr(component("walk_codes", "mapped") + "0\n"));
  EXPECT_THAT(metrics, HasSubstr(component("rank_codes", "anonymous") + "0\n"));
  EXPECT_THAT(metrics, HasSubstr(component("links", "anonymous") + "30\n"));
  EXPECT_THAT(metrics, HasSubstr(component("links", "mapped") + "3\n"));
  EXPECT_THAT(metrics, HasSubstr(component("rows", "mapped") + "900\n"));
  EXPECT_THAT(metrics, HasSubstr(component("delta_vectors", "anonymous") + "21\n"));
  EXPECT_THAT(
      metrics,
      HasSubstr("alidade_collection_graph_vectors{collection=\"words\",codes=\"bit1\"} 3\n"));
  EXPECT_THAT(
      metrics,
      HasSubstr("alidade_collection_graph_vectors{collection=\"words\",codes=\"none\"} 0\n"));
  EXPECT_THAT(metrics, HasSubstr("alidade_index_build_rows_done{collection=\"words\"} 4096\n"));
  EXPECT_THAT(metrics, HasSubstr("alidade_index_build_rows_total{collection=\"words\"} 5000\n"));
  EXPECT_THAT(metrics, HasSubstr("alidade_resident_bytes_used 330\n"));
  EXPECT_THAT(metrics, HasSubstr("alidade_resident_bytes_max 1000\n"));
  EXPECT_THAT(metrics, HasSubstr("alidade_wal_sync_seconds_count 0"));
  EXPECT_THAT(metrics, HasSubstr("process_resident_memory_bytes"));
  EXPECT_THAT(HttpGet(http->port(), "/"), HasSubstr("404"));
  EXPECT_THAT(HttpGet(http->port(), "/metrics/../healthz/x"), HasSubstr("404"));
  EXPECT_THAT(HttpGet(http->port(), "/metrics", "DELETE"), HasSubstr("404"));

  HttpServerOptions taken;
  taken.port = http->port();
  EXPECT_EQ(HttpServer::Start(taken, *engine_, *server_).status().code(),
            StatusCode::kFailedPrecondition);
  http->Stop();
  EXPECT_EQ(HttpServer::Start(taken, *engine_, *server_).status().code(), StatusCode::kOk);
}

}  // namespace
}  // namespace alidade
