#include "facet_codec.h"

#include <optional>
#include <string>

#include "alidade/common/bytes.h"

#include "field_path.h"
#include "filter_codec.h"
#include "page_token.h"
#include "point_codec.h"
#include "read_codec.h"
#include "value_codec.h"

namespace alidade {
namespace {

bool ByValue(const v1::FacetPointsRequest& in) { return in.order() == v1::FACET_ORDER_VALUE; }

// What a token of FacetPoints belongs to.
std::string FacetScope(const v1::FacetPointsRequest& in) {
  std::string scope = ByValue(in) ? "FacetPoints/value/" : "FacetPoints/count/";
  AppendLengthPrefixed(scope, in.collection());
  AppendLengthPrefixed(scope, in.key());
  AppendLengthPrefixed(scope, in.contains());
  if (in.has_filter()) {
    scope += in.filter().SerializeAsString();
  }
  return scope;
}

// What requests about a key have in common.
template <typename Out, typename In>
StatusOr<Out> DecodeKeyRequest(const In& in, const Limits& limits, const Deadline& deadline) {
  Out out;
  ALIDADE_RETURN_IF_ERROR(CheckName(in.collection(), FieldPath("collection")));
  out.collection = in.collection();
  out.options = {SeqNo(in.min_seq()), deadline};
  ALIDADE_RETURN_IF_ERROR(CheckKey(in.key(), FieldPath("key")));
  out.key = in.key();
  if (in.has_filter()) {
    ALIDADE_ASSIGN_OR_RETURN(out.filter, DecodeFilter(in.filter(), limits, FieldPath("filter")));
  }
  return out;
}

void EncodePair(const PayloadBounds& in, v1::PayloadBounds& out) {
  EncodeValue(in.low, *out.mutable_minimum());
  EncodeValue(in.high, *out.mutable_maximum());
}

}  // namespace

StatusOr<FacetRequest> DecodeFacet(const v1::FacetPointsRequest& in,
                                   const Limits& limits,
                                   const Deadline& deadline) {
  ALIDADE_ASSIGN_OR_RETURN(auto out, DecodeKeyRequest<FacetRequest>(in, limits, deadline));
  if (in.contains().size() > limits.filter_text_bytes_max) {
    return FieldError("contains",
                      "has {} bytes, the limit is {}",
                      in.contains().size(),
                      limits.filter_text_bytes_max);
  }
  out.contains = in.contains();
  if (!v1::FacetOrder_IsValid(in.order())) {
    return FieldError(
        "order", "is {}, which this server does not know", static_cast<int>(in.order()));
  }
  out.by_value = ByValue(in);
  out.page_size = ClampPageSize(in.page_size(), kPageSizeDefault, limits.page_size_max);
  ALIDADE_ASSIGN_OR_RETURN(out.after, ReadPageToken(FacetScope(in), in.page_token()));
  return out;
}

StatusOr<BoundsRequest> DecodeBounds(const v1::GetPayloadBoundsRequest& in,
                                     const Limits& limits,
                                     const Deadline& deadline) {
  return DecodeKeyRequest<BoundsRequest>(in, limits, deadline);
}

void EncodeFacet(const FacetResponse& in,
                 const v1::FacetPointsRequest& request,
                 v1::FacetPointsResponse& out) {
  for (const FacetValue& value : in.values) {
    auto* encoded = out.add_values();
    EncodeValue(value.value, *encoded->mutable_value());
    encoded->set_points_count(value.points);
  }
  if (!in.next.empty()) {
    out.set_next_page_token(MakePageToken(FacetScope(request), in.next));
  }
  out.set_values_count(in.distinct);
  out.set_seq(in.at.value());
}

void EncodeBounds(const BoundsResponse& in, v1::GetPayloadBoundsResponse& out) {
  if (in.numbers.has_value()) {
    EncodePair(*in.numbers, *out.mutable_numbers());
  }
  if (in.strings.has_value()) {
    EncodePair(*in.strings, *out.mutable_strings());
  }
  if (in.datetimes.has_value()) {
    EncodePair(*in.datetimes, *out.mutable_datetimes());
  }
  out.set_seq(in.at.value());
}

}  // namespace alidade
