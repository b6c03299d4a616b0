// What values a payload key has.
#include <utility>

#include "alidade/collection/collection.h"
#include "alidade/common/bytes.h"
#include "alidade/query/facets.h"

namespace alidade {
namespace {

// Positions as pages hand them on: u64 points, the sort key of the value.
std::string EncodePosition(const FacetPosition& position) {
  std::string out;
  AppendLittleEndian(out, position.points);
  return out + position.key;
}

StatusOr<FacetPosition> DecodePosition(std::string_view bytes) {
  ByteReader in(bytes);
  FacetPosition position;
  position.points = in.Little<uint64_t>();
  position.key = in.rest();
  if (!in.ok()) {
    return FieldError("page_token", "is malformed");
  }
  return position;
}

std::optional<PayloadBounds> BoundsOf(std::optional<ValueBounds> found) {
  return found.has_value()
             ? std::optional(PayloadBounds{std::move(found->low), std::move(found->high)})
             : std::nullopt;
}

}  // namespace

StatusOr<FacetResponse> Collection::Facet(const FacetRequest& request) const {
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  FacetQuery query{.key = request.key,
                   .filter = request.filter.get(),
                   .contains = request.contains,
                   .by_value = request.by_value,
                   .count = request.page_size,
                   .values_max = context_.limits.facet_values_max};
  if (!request.after.empty()) {
    ALIDADE_ASSIGN_OR_RETURN(query.after, DecodePosition(request.after));
  }
  ALIDADE_ASSIGN_OR_RETURN(FacetOutcome found, CountFacets(*view, query, request.options.deadline));
  FacetResponse response;
  response.at = view->at;
  response.distinct = found.distinct;
  for (FacetCount& counted : found.values) {
    response.values.push_back({std::move(counted.value), counted.points});
  }
  if (found.next.has_value()) {
    response.next = EncodePosition(*found.next);
  }
  return response;
}

StatusOr<BoundsResponse> Collection::Bounds(const BoundsRequest& request) const {
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  ALIDADE_ASSIGN_OR_RETURN(
      KindBounds found,
      FindBounds(*view, request.key, request.filter.get(), request.options.deadline));
  return BoundsResponse{view->at,
                        BoundsOf(std::move(found.numbers)),
                        BoundsOf(std::move(found.strings)),
                        BoundsOf(std::move(found.datetimes))};
}

}  // namespace alidade
