// Rows of the table of bad input: what the transport refuses.
#include "integration/bad_input.h"
#include "integration/raw_call.h"

namespace alidade::testing {
namespace {

v1::UpsertPointsRequest GoodUpsert() {
  return Parse<v1::UpsertPointsRequest>(
      "collection: 'c' rows { points { id { num: 500 } vectors { key: 'v' value { values { values: "
      "[1, 2, 3, 4] } } } } }");
}

}  // namespace

std::vector<BadInput> BadTransport(int port) {
  v1::UpsertPointsRequest large = GoodUpsert();
  for (int i = 0; i < 5; ++i) {
    v1::Point& point = *large.mutable_rows()->add_points();
    point.mutable_id()->set_num(501 + static_cast<uint64_t>(i));
    (*point.mutable_payload()->mutable_fields())["x"].set_string_value(
        std::string(kBadInputMessageBytes / 5, 'x'));
  }
  return {
      {"a message over the limit",
       [large](Client& client) { return client.Send(large); },
       grpc::StatusCode::RESOURCE_EXHAUSTED,
       "",
       ""},
      {"a deadline that has passed at the client",
       [](Client& client) {
         client.set_timeout(milliseconds(-1'000));
         const grpc::Status status = client.Send(GoodUpsert());
         client.set_timeout(milliseconds(20'000));
         return status;
       },
       grpc::StatusCode::DEADLINE_EXCEEDED,
       "",
       ""},
      {"a deadline that has passed when the call arrives",
       [port](Client&) {
         return RawCall(port, kUpsertMethod, GoodUpsert().SerializeAsString(), "0n");
       },
       grpc::StatusCode::DEADLINE_EXCEEDED,
       "",
       ""},
      {"bytes that are no message",
       [](Client& client) { return client.SendBytes(kUpsertMethod, "\xFF\xFF\xFF"); },
       grpc::StatusCode::INVALID_ARGUMENT,
       "",
       "MALFORMED_REQUEST"},
      {"an empty message",
       [](Client& client) { return client.SendBytes(kUpsertMethod, ""); },
       grpc::StatusCode::INVALID_ARGUMENT,
       "collection",
       "INVALID_ARGUMENT"},
      {"a method that is not there",
       [](Client& client) { return client.SendBytes("/alidade.v1.PointService/DropAll", ""); },
       grpc::StatusCode::UNIMPLEMENTED,
       "",
       ""},
      {"a service that is not there",
       [](Client& client) { return client.SendBytes("/alidade.v2.PointService/GetPoints", ""); },
       grpc::StatusCode::UNIMPLEMENTED,
       "",
       ""},
  };
}

}  // namespace alidade::testing
