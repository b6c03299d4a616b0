// BadInput: one row of the table of requests that must be refused and must change nothing.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "integration/client.h"

namespace alidade::testing {

struct BadInput {
  std::string name;
  std::function<grpc::Status(Client&)> call;
  grpc::StatusCode code = grpc::StatusCode::INVALID_ARGUMENT;
  std::string field;   // of google.rpc.BadRequest; empty: there must be none
  std::string reason;  // of google.rpc.ErrorInfo; empty: the error comes from gRPC itself
  // For what is accepted by design: checks the effect and takes it back.
  std::function<void(Client&)> after = nullptr;
};

// The rows, by theme. They rely on the data of MakeBadInputData.
std::vector<BadInput> BadUpserts();
std::vector<BadInput> BadBatches();
std::vector<BadInput> BadWrites();
std::vector<BadInput> BadReads();
std::vector<BadInput> BadOrdersAndFacets();
std::vector<BadInput> BadFilters();
std::vector<BadInput> BadSearches();
std::vector<BadInput> BadCollections();
std::vector<BadInput> BadTransport(int port);

// "c": vector field v (4, cosine), a handful of points, alias "other". "two": fields a (3, L2) and
// b (3, dot), point 1 has only a. "empty": as c, without points.
void MakeBadInputData(Client& client);
// limits.message_bytes_max of that server.
inline constexpr size_t kBadInputMessageBytes = 1 << 20;

// INVALID_ARGUMENT about `field`.
template <typename Request>
BadInput Invalid(std::string name,
                 Request request,
                 std::string field,
                 std::string reason = "INVALID_ARGUMENT") {
  return {std::move(name),
          [request = std::move(request)](Client& client) { return client.Send(request); },
          grpc::StatusCode::INVALID_ARGUMENT,
          std::move(field),
          std::move(reason)};
}
template <typename Request>
BadInput Invalid(std::string name,
                 const char* text,
                 std::string field,
                 std::string reason = "INVALID_ARGUMENT") {
  return Invalid(std::move(name), Parse<Request>(text), std::move(field), std::move(reason));
}

// Another code; no field is at fault.
template <typename Request>
BadInput Refused(std::string name, const char* text, grpc::StatusCode code, std::string reason) {
  return {std::move(name),
          [request = Parse<Request>(text)](Client& client) { return client.Send(request); },
          code,
          "",
          std::move(reason)};
}

// A request that is no message of its type: `marker` in its bytes is replaced by bytes of the same
// length.
template <typename Request>
BadInput Malformed(std::string name,
                   const char* method,
                   const Request& request,
                   const std::string& marker,
                   const std::string& bytes) {
  std::string wire = request.SerializeAsString();
  if (!marker.empty()) {
    const size_t at = wire.find(marker);
    EXPECT_NE(at, std::string::npos) << name;
    EXPECT_EQ(marker.size(), bytes.size()) << name;
    wire.replace(at, marker.size(), bytes);
  }
  return {std::move(name),
          [wire, method](Client& client) { return client.SendBytes(method, wire); },
          grpc::StatusCode::INVALID_ARGUMENT,
          "",
          "MALFORMED_REQUEST"};
}

inline constexpr char kUpsertMethod[] = "/alidade.v1.PointService/UpsertPoints";
inline constexpr char kCountMethod[] = "/alidade.v1.PointService/CountPoints";
inline constexpr char kSearchMethod[] = "/alidade.v1.SearchService/Search";

inline std::string Repeat(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

}  // namespace alidade::testing
