#include "integration/client.h"

#include <cstring>
#include <random>

#include <fmt/format.h>
#include <grpcpp/impl/client_unary_call.h>

namespace alidade::testing {
namespace {

// A string, because gcc 12 warns of an overlap (-Wrestrict) where a literal of one byte is
// assigned.
const std::string kAllVectors = "*";

template <typename Stub, typename Request, typename Response>
grpc::Status Invoke(const Client& client,
                    Stub& stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request,
                    Response* response) {
  grpc::ClientContext context;
  client.SetDeadline(context);
  Response ignored;
  return (stub.*method)(&context, request, response != nullptr ? response : &ignored);
}

// Waits for the first two attempts to connect. One can fail although the server is there: gRPC 1.51
// looks at connect()'s errno only after calls that may overwrite it (grpc/grpc#35064), as absl does
// where threads meet at a lock for the first time: it looks for a file with the clock's frequency.
// Where nobody listens, the call that follows says so.
void ConnectTwice(grpc::Channel& channel) {
  const auto deadline = std::chrono::system_clock::now() + milliseconds(2'000) * kPatience;
  int failures = 0;
  grpc_connectivity_state state = channel.GetState(true);
  while (state != GRPC_CHANNEL_READY && failures < 2 &&
         channel.WaitForStateChange(state, deadline)) {
    state = channel.GetState(true);
    failures += state == GRPC_CHANNEL_TRANSIENT_FAILURE ? 1 : 0;
  }
}

// One line, maps in the order of their keys, every bit of the numbers in it.
std::string Text(const google::protobuf::Message& message) {
  std::string line = message.ShortDebugString();
  line.push_back('\n');
  return line;
}

}  // namespace

Client::Client(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  ConnectTwice(*channel_);
  collections_ = v1::CollectionService::NewStub(channel_);
  points_ = v1::PointService::NewStub(channel_);
  search_ = v1::SearchService::NewStub(channel_);
  admin_ = v1::AdminService::NewStub(channel_);
}

#define ALIDADE_DEFINE_SEND(stub, Service, Name)                                              \
  grpc::Status Client::Send(const v1::Name##Request& request, v1::Name##Response* response) { \
    return Invoke(*this, *stub, &v1::Service::Stub::Name, request, response);                 \
  }
ALIDADE_DEFINE_SEND(collections_, CollectionService, CreateCollection)
ALIDADE_DEFINE_SEND(collections_, CollectionService, GetCollection)
ALIDADE_DEFINE_SEND(collections_, CollectionService, ListCollections)
ALIDADE_DEFINE_SEND(collections_, CollectionService, UpdateCollection)
ALIDADE_DEFINE_SEND(collections_, CollectionService, CreatePayloadIndex)
ALIDADE_DEFINE_SEND(collections_, CollectionService, DeletePayloadIndex)
ALIDADE_DEFINE_SEND(collections_, CollectionService, DeleteCollection)
ALIDADE_DEFINE_SEND(collections_, CollectionService, UpdateAliases)
ALIDADE_DEFINE_SEND(collections_, CollectionService, ListAliases)
ALIDADE_DEFINE_SEND(points_, PointService, UpsertPoints)
ALIDADE_DEFINE_SEND(points_, PointService, GetPoints)
ALIDADE_DEFINE_SEND(points_, PointService, DeletePoints)
ALIDADE_DEFINE_SEND(points_, PointService, CountPoints)
ALIDADE_DEFINE_SEND(points_, PointService, ListPoints)
ALIDADE_DEFINE_SEND(points_, PointService, FacetPoints)
ALIDADE_DEFINE_SEND(points_, PointService, GetPayloadBounds)
ALIDADE_DEFINE_SEND(points_, PointService, SetPayload)
ALIDADE_DEFINE_SEND(points_, PointService, OverwritePayload)
ALIDADE_DEFINE_SEND(points_, PointService, DeletePayloadKeys)
ALIDADE_DEFINE_SEND(points_, PointService, WriteBatch)
ALIDADE_DEFINE_SEND(search_, SearchService, Search)
ALIDADE_DEFINE_SEND(admin_, AdminService, Flush)
ALIDADE_DEFINE_SEND(admin_, AdminService, WaitIndexed)
ALIDADE_DEFINE_SEND(admin_, AdminService, GetCollectionStats)
ALIDADE_DEFINE_SEND(admin_, AdminService, GetServerInfo)
#undef ALIDADE_DEFINE_SEND

grpc::Status Client::SendBytes(const std::string& method, const std::string& bytes) {
  grpc::ClientContext context;
  SetDeadline(context);
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  const grpc::internal::RpcMethod rpc(
      method.c_str(), grpc::internal::RpcMethod::NORMAL_RPC, channel_);
  return grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>(
      channel_.get(), rpc, &context, request, &response);
}

std::string FieldOfError(const grpc::Status& status) {
  const auto bad = DetailOf<google::rpc::BadRequest>(status);
  return bad.has_value() && bad->field_violations_size() > 0 ? bad->field_violations(0).field()
                                                             : std::string();
}

std::string ReasonOfError(const grpc::Status& status) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  return info.has_value() ? info->reason() : std::string();
}

std::string Describe(const grpc::Status& status) {
  return fmt::format("code {}, \"{}\", field \"{}\", reason {}",
                     static_cast<int>(status.error_code()),
                     status.error_message(),
                     FieldOfError(status),
                     ReasonOfError(status));
}

std::string WholeState(Client& client) {
  std::string state = fmt::format("seq {}\n", Must(client, v1::GetServerInfoRequest()).seq());
  const auto collections = Must(client, v1::ListCollectionsRequest());
  state += Text(collections);
  state += Text(Must(client, v1::ListAliasesRequest()));
  for (const v1::Collection& collection : collections.collections()) {
    v1::GetCollectionStatsRequest stats;
    stats.set_collection(collection.name());
    const auto counted = Must(client, stats);
    v1::CountPointsRequest count;
    count.set_collection(collection.name());
    state += fmt::format("{} stats {} at {}, count {}\n",
                         collection.name(),
                         counted.stats().point_count(),
                         counted.seq(),
                         Must(client, count).count());
    v1::ListPointsRequest list;
    list.set_collection(collection.name());
    list.add_with_vectors(kAllVectors);
    do {
      const auto page = Must(client, list);
      state += Text(page);
      list.set_page_token(page.next_page_token());
    } while (!list.page_token().empty());
  }
  return state;
}

std::string Packed(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

std::vector<float> Unpacked(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

std::vector<float> RandomVector(uint64_t seed, size_t dim) {
  std::mt19937_64 generator(seed);
  std::vector<float> vector(dim);
  for (float& x : vector) {
    x = static_cast<float>(static_cast<int64_t>(generator() % 2'000'000) - 1'000'000) * 1e-6F;
  }
  return vector;
}

v1::CreateCollectionRequest NewCollection(const std::string& name,
                                          uint32_t dim,
                                          v1::Metric metric,
                                          const std::string& index_text) {
  v1::CreateCollectionRequest request;
  request.mutable_collection()->set_name(name);
  v1::VectorField& field = *request.mutable_collection()->add_vector_fields();
  field.set_name("v");
  field.set_dimension(dim);
  field.set_metric(metric);
  if (!index_text.empty()) {
    *field.mutable_index() = Parse<v1::IndexSpec>(index_text);
  }
  return request;
}

}  // namespace alidade::testing
