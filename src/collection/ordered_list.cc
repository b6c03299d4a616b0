// Points in the order of a payload key.
#include <algorithm>
#include <utility>

#include "alidade/collection/collection.h"
#include "alidade/common/bytes.h"
#include "alidade/filter/payload_order.h"
#include "alidade/query/executor.h"
#include "alidade/query/ordered_rows.h"

#include "field_lookup.h"
#include "stored_points.h"

namespace alidade {
namespace {

StatusOr<const PayloadIndexSpec*> FindIndex(const Schema& schema, const OrderBy& order) {
  const PayloadIndexSpec* found = nullptr;
  for (const PayloadIndexSpec& spec : schema.payload_indexes) {
    if (spec.key != order.key || !HasOrder(spec.type) ||
        (order.type.has_value() && spec.type != *order.type)) {
      continue;
    }
    if (found != nullptr && !SameOrder(found->type, spec.type)) {
      return FieldError("order_by.index_type",
                        "\"{}\" has a {} and a {} index, which order it differently: say which",
                        order.key,
                        PayloadIndexTypeName(found->type),
                        PayloadIndexTypeName(spec.type));
    }
    found = found == nullptr ? &spec : found;
  }
  if (found != nullptr) {
    return found;
  }
  const std::string kind = order.type.has_value()
                               ? fmt::format("{} index", PayloadIndexTypeName(*order.type))
                               : "index with an order";
  return WithReason(FailedPrecondition("order_by.key: there is no {} on \"{}\"; CreatePayloadIndex "
                                       "makes one (keyword, integer, float, bool, datetime, uuid)",
                                       kind,
                                       order.key),
                    "ORDER_INDEX_NOT_FOUND");
}

// Positions as pages hand them on: u8 type of the index, the place with its length, the encoded id.
std::string EncodePosition(PayloadIndexType type, const OrderPosition& position) {
  std::string out(1, static_cast<char>(type));
  AppendLengthPrefixed(out, position.place);
  return out + position.encoded_id;
}

StatusOr<OrderPosition> DecodePosition(PayloadIndexType type, std::string_view bytes) {
  ByteReader in(bytes);
  const auto found_type = in.Little<uint8_t>();
  OrderPosition position;
  position.place = in.LengthPrefixed();
  position.encoded_id = in.rest();
  if (!in.ok() || found_type != static_cast<uint8_t>(type)) {
    return FieldError("page_token", "is of a listing by another index");
  }
  return position;
}

StatusOr<OrderQuery> MakeQuery(const Schema& schema,
                               const ListRequest& request,
                               const OrderBy& order) {
  OrderQuery query;
  ALIDADE_ASSIGN_OR_RETURN(query.index, FindIndex(schema, order));
  query.descending = order.descending;
  query.count = request.page_size;
  query.filter = request.filter.get();
  if (order.start_from.has_value()) {
    query.start = PayloadOrder(*query.index, query.descending).PlaceOf(*order.start_from);
    if (!query.start.has_value()) {
      return FieldError("order_by.start_from",
                        "is no value that the {} index on \"{}\" holds",
                        PayloadIndexTypeName(query.index->type),
                        query.index->key);
    }
  }
  if (!request.after.empty()) {
    ALIDADE_ASSIGN_OR_RETURN(query.after, DecodePosition(query.index->type, request.after));
  }
  return query;
}

}  // namespace

// Which points come next is found in the view, what they are is read from the store by their ids,
// a moment later: one that was written in between is returned as it is then if it still stands at
// the same position and passes, however it was written. So a point whose position stays is never
// lost, and none is shown at a position that it does not have.
StatusOr<ListResponse> Collection::ListInOrder(const ListRequest& request,
                                               const OrderBy& order) const {
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  ALIDADE_ASSIGN_OR_RETURN(const auto fields, FindFields(view->schema, request.vectors));
  ALIDADE_ASSIGN_OR_RETURN(const OrderQuery query, MakeQuery(view->schema, request, order));
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<OrderPosition> positions,
                           FindInOrder(*view, query, request.options.deadline));
  ListResponse response;
  response.at = view->at;
  if (positions.empty()) {
    return response;
  }
  if (positions.size() == query.count) {
    response.next = EncodePosition(query.index->type, positions.back());
  }
  const auto snapshot = context_.store->TakeSnapshot();
  std::vector<std::string> ids;
  ids.reserve(positions.size());
  for (const OrderPosition& position : positions) {
    ids.push_back(position.encoded_id);
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto entries,
                           context_.store->GetIds(space(), ids, snapshot.get()));
  std::vector<RowNo> rows;
  std::vector<const OrderPosition*> places;  // of the rows
  for (size_t i = 0; i < entries.size(); ++i) {
    if (const std::optional<IdEntry>& entry = entries[i]; entry.has_value()) {
      rows.push_back(entry->row);
      places.push_back(&positions[i]);
    }
  }
  std::optional<QueryFilter> filter;
  if (request.filter != nullptr) {
    ALIDADE_ASSIGN_OR_RETURN(filter, CompileFilter(*request.filter, view->schema));
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto stored,
                           context_.store->GetRows(space(), rows, snapshot.get()));
  StoredPoints reader(*context_.store, space(), view->schema, snapshot.get());
  const PayloadOrder places_of(*query.index, query.descending);
  std::vector<RowNo> kept;
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::optional<StoredRow>& row = stored[i];
    if (!row.has_value()) {
      return DataLoss("row {} is missing although its id is there", rows[i]);
    }
    bool passes = true;
    if (filter.has_value()) {
      ALIDADE_ASSIGN_OR_RETURN(const uint32_t vectors,
                               reader.Present(filter->compiled.asks_vectors(), rows[i], *row));
      passes = filter->compiled.Matches(
          {.payload = row->payload, .encoded_id = places[i]->encoded_id, .vectors = vectors});
    }
    if (passes && places_of.PlaceOf(row->payload) == places[i]->place) {
      kept.push_back(rows[i]);
    }
  }
  ALIDADE_RETURN_IF_ERROR(
      reader.Read(kept, {request.payload, request.vectors, fields}, response.points));
  return response;
}

}  // namespace alidade
