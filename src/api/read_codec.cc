#include "read_codec.h"

#include <string>
#include <utility>

#include "alidade/common/bytes.h"
#include "alidade/filter/payload_order.h"

#include "field_path.h"
#include "filter_codec.h"
#include "page_token.h"
#include "point_codec.h"
#include "value_codec.h"

namespace alidade {
namespace {

// What a token of ListPoints belongs to. Filters and orders hold no maps that could be serialised
// in another order: objects are refused as operands.
std::string ListScope(const v1::ListPointsRequest& in) {
  std::string scope = in.has_order_by() ? "ListPointsInOrder/" : "ListPoints/";
  AppendLengthPrefixed(scope, in.collection());
  if (in.has_order_by()) {
    AppendLengthPrefixed(scope, in.order_by().SerializeAsString());
  }
  if (in.has_filter()) {
    scope += in.filter().SerializeAsString();
  }
  return scope;
}

StatusOr<OrderBy> DecodeOrder(const v1::OrderBy& in, const FieldPath& path) {
  OrderBy out;
  ALIDADE_RETURN_IF_ERROR(CheckKey(in.key(), path.Field("key")));
  out.key = in.key();
  if (!v1::OrderDirection_IsValid(in.direction())) {
    return FieldError(path.Field("direction").ToString(),
                      "is {}, which this server does not know",
                      static_cast<int>(in.direction()));
  }
  out.descending = in.direction() == v1::ORDER_DIRECTION_DESCENDING;
  if (in.has_start_from()) {
    ALIDADE_ASSIGN_OR_RETURN(out.start_from,
                             DecodeScalar(in.start_from(), path.Field("start_from")));
  }
  if (in.index_type() != v1::PAYLOAD_INDEX_TYPE_UNSPECIFIED) {
    out.type = static_cast<PayloadIndexType>(in.index_type());
    if (!v1::PayloadIndexType_IsValid(in.index_type()) || !HasOrder(*out.type)) {
      return FieldError(path.Field("index_type").ToString(),
                        "is {}; one of KEYWORD, INTEGER, FLOAT, BOOL, DATETIME, UUID is required",
                        static_cast<int>(in.index_type()));
    }
  }
  return out;
}

}  // namespace

StatusOr<GetRequest> DecodeGet(const v1::GetPointsRequest& in,
                               const Limits& limits,
                               const Deadline& deadline) {
  GetRequest out;
  ALIDADE_RETURN_IF_ERROR(CheckName(in.collection(), FieldPath("collection")));
  out.collection = in.collection();
  out.options = {SeqNo(in.min_seq()), deadline};
  ALIDADE_ASSIGN_OR_RETURN(out.ids, DecodePointIds(in.ids(), limits, FieldPath("ids")));
  ALIDADE_ASSIGN_OR_RETURN(
      out.payload, DecodePayloadSelector(in.has_payload(), in.payload(), FieldPath("payload")));
  ALIDADE_ASSIGN_OR_RETURN(out.vectors, DecodeWithVectors(in.with_vectors()));
  return out;
}

StatusOr<CountRequest> DecodeCount(const v1::CountPointsRequest& in,
                                   const Limits& limits,
                                   const Deadline& deadline) {
  CountRequest out;
  ALIDADE_RETURN_IF_ERROR(CheckName(in.collection(), FieldPath("collection")));
  out.collection = in.collection();
  out.options = {SeqNo(in.min_seq()), deadline};
  if (in.has_filter()) {
    ALIDADE_ASSIGN_OR_RETURN(out.filter, DecodeFilter(in.filter(), limits, FieldPath("filter")));
  }
  return out;
}

StatusOr<ListRequest> DecodeList(const v1::ListPointsRequest& in,
                                 const Limits& limits,
                                 const Deadline& deadline) {
  ListRequest out;
  ALIDADE_RETURN_IF_ERROR(CheckName(in.collection(), FieldPath("collection")));
  out.collection = in.collection();
  out.options = {SeqNo(in.min_seq()), deadline};
  if (in.has_filter()) {
    ALIDADE_ASSIGN_OR_RETURN(out.filter, DecodeFilter(in.filter(), limits, FieldPath("filter")));
  }
  if (in.has_order_by()) {
    ALIDADE_ASSIGN_OR_RETURN(out.order, DecodeOrder(in.order_by(), FieldPath("order_by")));
  }
  ALIDADE_ASSIGN_OR_RETURN(out.after, ReadPageToken(ListScope(in), in.page_token()));
  out.page_size = ClampPageSize(in.page_size(), kPageSizeDefault, limits.page_size_max);
  ALIDADE_ASSIGN_OR_RETURN(
      out.payload, DecodePayloadSelector(in.has_payload(), in.payload(), FieldPath("payload")));
  ALIDADE_ASSIGN_OR_RETURN(out.vectors, DecodeWithVectors(in.with_vectors()));
  return out;
}

void EncodeGet(const GetResponse& in, v1::GetPointsResponse& out) {
  for (const std::optional<Point>& point : in.points) {
    if (point.has_value()) {
      EncodePoint(*point, *out.add_points());
    }
  }
  out.set_seq(in.at.value());
}

void EncodeList(const ListResponse& in,
                const v1::ListPointsRequest& request,
                v1::ListPointsResponse& out) {
  for (const Point& point : in.points) {
    EncodePoint(point, *out.add_points());
  }
  if (!in.next.empty()) {
    out.set_next_page_token(MakePageToken(ListScope(request), in.next));
  }
  out.set_seq(in.at.value());
}

}  // namespace alidade
