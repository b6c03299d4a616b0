// FakeServer: the services that the load generator calls, in this process, over real gRPC.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "alidade/v1/points.grpc.pb.h"
#include "alidade/v1/search.grpc.pb.h"

#include "alidade/common/mutex.h"

#include "connection.h"

namespace alidade {

// Remembers what it is asked. Answers hit i of a query at distance i, unless told otherwise.
// Thread-safe.
class FakeServer {
 public:
  FakeServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&points_);
    builder.RegisterService(&searches_);
    server_ = builder.BuildAndStart();
    EXPECT_NE(port_, 0);
  }
  ~FakeServer() { server_->Shutdown(); }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  ConnectionOptions connection() const {
    return {.server = "127.0.0.1:" + std::to_string(port_), .timeout_seconds = 20};
  }

  // What a call is answered with; gets its number, from 0.
  using Verdict = std::function<grpc::Status(size_t number)>;
  void OnUpsert(Verdict verdict) { points_.verdict.Set(std::move(verdict)); }
  void OnSearch(Verdict verdict) { searches_.verdict.Set(std::move(verdict)); }
  // Distances of the hits of a query, nearest first.
  using Hits = std::function<std::vector<float>(const v1::SearchRequest&, const v1::Query&)>;
  void Answer(Hits hits) { searches_.hits.Set(std::move(hits)); }

  std::vector<v1::UpsertPointsRequest> upserts() { return points_.seen.All(); }
  std::vector<v1::SearchRequest> searches() { return searches_.seen.All(); }

 private:
  // Set by the test, read by the server's threads.
  template <typename Function>
  class Setting {
   public:
    void Set(Function function) {
      const MutexLock lock(mutex_);
      function_ = std::move(function);
    }
    Function Get() {
      const MutexLock lock(mutex_);
      return function_;
    }

   private:
    Mutex mutex_;
    Function function_ ALIDADE_GUARDED_BY(mutex_);
  };

  template <typename Request>
  class Seen {
   public:
    size_t Add(const Request& request) {
      const MutexLock lock(mutex_);
      all_.push_back(request);
      return all_.size() - 1;
    }
    std::vector<Request> All() {
      const MutexLock lock(mutex_);
      return all_;
    }

   private:
    Mutex mutex_;
    std::vector<Request> all_ ALIDADE_GUARDED_BY(mutex_);
  };

  struct Points final : v1::PointService::Service {
    grpc::Status UpsertPoints(grpc::ServerContext* /*context*/,
                              const v1::UpsertPointsRequest* request,
                              v1::UpsertPointsResponse* response) override {
      const size_t number = seen.Add(*request);
      response->mutable_receipt()->set_seq(number + 100);
      const Verdict decide = verdict.Get();
      return decide ? decide(number) : grpc::Status::OK;
    }
    Seen<v1::UpsertPointsRequest> seen;
    Setting<Verdict> verdict;
  };

  struct Searches final : v1::SearchService::Service {
    grpc::Status Search(grpc::ServerContext* /*context*/,
                        const v1::SearchRequest* request,
                        v1::SearchResponse* response) override {
      const size_t number = seen.Add(*request);
      const Hits answer = hits.Get();
      for (const v1::Query& query : request->queries()) {
        v1::QueryResult& result = *response->add_results();
        std::vector<float> distances(request->k());
        for (size_t i = 0; i < distances.size(); ++i) {
          distances[i] = static_cast<float>(i);
        }
        for (const float distance : answer ? answer(*request, query) : distances) {
          result.add_hits()->set_distance(distance);
        }
      }
      const Verdict decide = verdict.Get();
      return decide ? decide(number) : grpc::Status::OK;
    }
    Seen<v1::SearchRequest> seen;
    Setting<Verdict> verdict;
    Setting<Hits> hits;
  };

  int port_ = 0;
  Points points_;
  Searches searches_;
  std::unique_ptr<grpc::Server> server_;
};

inline std::vector<float> FloatsOf(const std::string& packed) {
  std::vector<float> values(packed.size() / sizeof(float));
  std::memcpy(values.data(), packed.data(), values.size() * sizeof(float));
  return values;
}

}  // namespace alidade
