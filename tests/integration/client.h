// Client: calls to a real server, and what it holds.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <google/protobuf/text_format.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "alidade/v1/admin.grpc.pb.h"
#include "alidade/v1/collections.grpc.pb.h"
#include "alidade/v1/points.grpc.pb.h"
#include "alidade/v1/search.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include "support/patience.h"

namespace alidade::testing {

using std::chrono::milliseconds;

// A connection of its own and the four stubs. Send is overloaded by the request, so that tables of
// calls need no names of methods.
class Client {
 public:
  explicit Client(const std::string& address);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  // Deadline of the calls below.
  void set_timeout(milliseconds timeout) { timeout_ = timeout; }

  grpc::Status Send(const v1::CreateCollectionRequest& request,
                    v1::CreateCollectionResponse* response = nullptr);
  grpc::Status Send(const v1::GetCollectionRequest& request,
                    v1::GetCollectionResponse* response = nullptr);
  grpc::Status Send(const v1::ListCollectionsRequest& request,
                    v1::ListCollectionsResponse* response = nullptr);
  grpc::Status Send(const v1::UpdateCollectionRequest& request,
                    v1::UpdateCollectionResponse* response = nullptr);
  grpc::Status Send(const v1::CreatePayloadIndexRequest& request,
                    v1::CreatePayloadIndexResponse* response = nullptr);
  grpc::Status Send(const v1::DeletePayloadIndexRequest& request,
                    v1::DeletePayloadIndexResponse* response = nullptr);
  grpc::Status Send(const v1::DeleteCollectionRequest& request,
                    v1::DeleteCollectionResponse* response = nullptr);
  grpc::Status Send(const v1::UpdateAliasesRequest& request,
                    v1::UpdateAliasesResponse* response = nullptr);
  grpc::Status Send(const v1::ListAliasesRequest& request,
                    v1::ListAliasesResponse* response = nullptr);
  grpc::Status Send(const v1::UpsertPointsRequest& request,
                    v1::UpsertPointsResponse* response = nullptr);
  grpc::Status Send(const v1::GetPointsRequest& request, v1::GetPointsResponse* response = nullptr);
  grpc::Status Send(const v1::DeletePointsRequest& request,
                    v1::DeletePointsResponse* response = nullptr);
  grpc::Status Send(const v1::CountPointsRequest& request,
                    v1::CountPointsResponse* response = nullptr);
  grpc::Status Send(const v1::ListPointsRequest& request,
                    v1::ListPointsResponse* response = nullptr);
  grpc::Status Send(const v1::FacetPointsRequest& request,
                    v1::FacetPointsResponse* response = nullptr);
  grpc::Status Send(const v1::GetPayloadBoundsRequest& request,
                    v1::GetPayloadBoundsResponse* response = nullptr);
  grpc::Status Send(const v1::SetPayloadRequest& request,
                    v1::SetPayloadResponse* response = nullptr);
  grpc::Status Send(const v1::OverwritePayloadRequest& request,
                    v1::OverwritePayloadResponse* response = nullptr);
  grpc::Status Send(const v1::DeletePayloadKeysRequest& request,
                    v1::DeletePayloadKeysResponse* response = nullptr);
  grpc::Status Send(const v1::WriteBatchRequest& request,
                    v1::WriteBatchResponse* response = nullptr);
  grpc::Status Send(const v1::SearchRequest& request, v1::SearchResponse* response = nullptr);
  grpc::Status Send(const v1::FlushRequest& request, v1::FlushResponse* response = nullptr);
  grpc::Status Send(const v1::WaitIndexedRequest& request,
                    v1::WaitIndexedResponse* response = nullptr);
  grpc::Status Send(const v1::GetCollectionStatsRequest& request,
                    v1::GetCollectionStatsResponse* response = nullptr);
  grpc::Status Send(const v1::GetServerInfoRequest& request,
                    v1::GetServerInfoResponse* response = nullptr);
  // The bytes as they are, as the request of the method (as in a URL).
  grpc::Status SendBytes(const std::string& method, const std::string& bytes);

  // Asynchronous searches and reads take these.
  v1::PointService::Stub& points() { return *points_; }
  v1::SearchService::Stub& search() { return *search_; }
  void SetDeadline(grpc::ClientContext& context) const {
    context.set_deadline(std::chrono::system_clock::now() + timeout_);
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  milliseconds timeout_ = milliseconds(20'000) * kPatience;
  std::unique_ptr<v1::CollectionService::Stub> collections_;
  std::unique_ptr<v1::PointService::Stub> points_;
  std::unique_ptr<v1::SearchService::Stub> search_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
};

// A message from protobuf's text form.
template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// The detail of this kind that an error carries.
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

// The field of the first violation and the reason; empty if the error has none.
std::string FieldOfError(const grpc::Status& status);
std::string ReasonOfError(const grpc::Status& status);
// For messages: code, text, field, reason.
std::string Describe(const grpc::Status& status);

// Everything a client can see of the server's data, as text: collections, aliases, all points with
// vectors and payloads, counts, and the seq of the last write.
std::string WholeState(Client& client);

// Little-endian float32.
std::string Packed(std::span<const float> values);
inline std::string Packed(std::initializer_list<float> values) {
  return Packed(std::span<const float>(values.begin(), values.size()));
}
std::vector<float> Unpacked(const std::string& bytes);

// A vector of `dim` elements in [-1, 1) that is the same for the same seed everywhere.
std::vector<float> RandomVector(uint64_t seed, size_t dim);

// One collection with one vector field "v".
v1::CreateCollectionRequest NewCollection(const std::string& name,
                                          uint32_t dim,
                                          v1::Metric metric,
                                          const std::string& index_text = "");

// The status of a call; prints all of an error.
#define EXPECT_CALL_OK(call)                                                                     \
  do {                                                                                           \
    const grpc::Status alidade_call = (call);                                                    \
    EXPECT_TRUE(alidade_call.ok()) << #call << ": " << alidade::testing::Describe(alidade_call); \
  } while (false)
#define ASSERT_CALL_OK(call)                                                                     \
  do {                                                                                           \
    const grpc::Status alidade_call = (call);                                                    \
    ASSERT_TRUE(alidade_call.ok()) << #call << ": " << alidade::testing::Describe(alidade_call); \
  } while (false)

// Calls that must succeed, answer in hand.
#define ALIDADE_DEFINE_MUST(Name)                                                    \
  inline v1::Name##Response Must(Client& client, const v1::Name##Request& request) { \
    v1::Name##Response response;                                                     \
    EXPECT_CALL_OK(client.Send(request, &response));                                 \
    return response;                                                                 \
  }
ALIDADE_DEFINE_MUST(CreateCollection)
ALIDADE_DEFINE_MUST(GetCollection)
ALIDADE_DEFINE_MUST(ListCollections)
ALIDADE_DEFINE_MUST(UpdateCollection)
ALIDADE_DEFINE_MUST(CreatePayloadIndex)
ALIDADE_DEFINE_MUST(DeletePayloadIndex)
ALIDADE_DEFINE_MUST(DeleteCollection)
ALIDADE_DEFINE_MUST(UpdateAliases)
ALIDADE_DEFINE_MUST(ListAliases)
ALIDADE_DEFINE_MUST(UpsertPoints)
ALIDADE_DEFINE_MUST(GetPoints)
ALIDADE_DEFINE_MUST(DeletePoints)
ALIDADE_DEFINE_MUST(CountPoints)
ALIDADE_DEFINE_MUST(ListPoints)
ALIDADE_DEFINE_MUST(FacetPoints)
ALIDADE_DEFINE_MUST(GetPayloadBounds)
ALIDADE_DEFINE_MUST(SetPayload)
ALIDADE_DEFINE_MUST(OverwritePayload)
ALIDADE_DEFINE_MUST(DeletePayloadKeys)
ALIDADE_DEFINE_MUST(WriteBatch)
ALIDADE_DEFINE_MUST(Search)
ALIDADE_DEFINE_MUST(Flush)
ALIDADE_DEFINE_MUST(WaitIndexed)
ALIDADE_DEFINE_MUST(GetCollectionStats)
ALIDADE_DEFINE_MUST(GetServerInfo)
#undef ALIDADE_DEFINE_MUST

}  // namespace alidade::testing
