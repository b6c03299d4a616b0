// Points by id, counted and listed.
#include <algorithm>
#include <utility>

#include "alidade/collection/collection.h"
#include "alidade/query/executor.h"

#include "field_lookup.h"
#include "stored_points.h"

namespace alidade {
namespace {

constexpr uint32_t kListChunkRows = 256;  // rows read at once while a page is filled

}  // namespace

StatusOr<GetResponse> Collection::Get(const GetRequest& request) const {
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  ALIDADE_ASSIGN_OR_RETURN(const auto fields, FindFields(view->schema, request.vectors));
  const auto snapshot = context_.store->TakeSnapshot();
  std::vector<std::string> ids;
  ids.reserve(request.ids.size());
  for (const PointId& id : request.ids) {
    ids.push_back(id.Encode());
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto entries,
                           context_.store->GetIds(space(), ids, snapshot.get()));
  std::vector<RowNo> rows;
  for (const auto& entry : entries) {
    if (entry.has_value()) {
      rows.push_back(entry->row);
    }
  }
  std::vector<Point> points;
  StoredPoints stored(*context_.store, space(), view->schema, snapshot.get());
  ALIDADE_RETURN_IF_ERROR(stored.Read(rows, {request.payload, request.vectors, fields}, points));
  GetResponse response;
  response.at = view->at;
  size_t next = 0;
  for (const auto& entry : entries) {
    response.points.push_back(entry.has_value() ? std::optional<Point>(std::move(points[next++]))
                                                : std::nullopt);
  }
  return response;
}

StatusOr<CountResponse> Collection::Count(const CountRequest& request) const {
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  CountResponse response;
  response.at = view->at;
  response.points = view->live_rows;
  if (request.filter != nullptr) {
    ALIDADE_ASSIGN_OR_RETURN(response.points,
                             CountRows(*view, request.filter.get(), request.options.deadline));
  }
  return response;
}

StatusOr<ListResponse> Collection::List(const ListRequest& request) const {
  if (request.order.has_value()) {
    return ListInOrder(request, *request.order);
  }
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  ALIDADE_ASSIGN_OR_RETURN(const auto fields, FindFields(view->schema, request.vectors));
  std::optional<QueryFilter> filter;
  if (request.filter != nullptr) {
    ALIDADE_ASSIGN_OR_RETURN(filter, CompileFilter(*request.filter, view->schema));
  }
  const auto snapshot = context_.store->TakeSnapshot();
  StoredPoints reader(*context_.store, space(), view->schema, snapshot.get());
  ListResponse response;
  response.at = view->at;
  std::string after = request.after;
  bool more = true;
  while (more && response.points.size() < request.page_size) {
    ALIDADE_RETURN_IF_ERROR(request.options.deadline.Check());
    std::vector<RowNo> rows;
    std::vector<std::string> ids;
    const size_t wanted =
        !filter.has_value()
            ? std::min<size_t>(kListChunkRows, request.page_size - response.points.size())
            : kListChunkRows;
    ALIDADE_RETURN_IF_ERROR(
        context_.store->ScanIds(space(),
                                after,
                                snapshot.get(),
                                [&](std::string_view encoded_id, IdEntry entry) -> StatusOr<bool> {
                                  ids.emplace_back(encoded_id);
                                  rows.push_back(entry.row);
                                  return rows.size() < wanted;
                                }));
    more = rows.size() == wanted;
    if (filter.has_value() && !rows.empty()) {
      ALIDADE_ASSIGN_OR_RETURN(const auto stored,
                               context_.store->GetRows(space(), rows, snapshot.get()));
      std::vector<RowNo> kept;
      for (size_t i = 0;
           i < rows.size() && kept.size() + response.points.size() < request.page_size;
           ++i) {
        after = ids[i];
        const std::optional<StoredRow>& row = stored[i];
        if (!row.has_value()) {
          continue;
        }
        ALIDADE_ASSIGN_OR_RETURN(const uint32_t vectors,
                                 reader.Present(filter->compiled.asks_vectors(), rows[i], *row));
        if (filter->compiled.Matches(
                {.payload = row->payload, .encoded_id = ids[i], .vectors = vectors})) {
          kept.push_back(rows[i]);
        }
      }
      more = more || after != ids.back();
      rows = std::move(kept);
    } else if (!ids.empty()) {
      after = ids.back();
    }
    std::vector<Point> points;
    ALIDADE_RETURN_IF_ERROR(reader.Read(rows, {request.payload, request.vectors, fields}, points));
    std::move(points.begin(), points.end(), std::back_inserter(response.points));
  }
  if (more) {
    response.next = after;
  }
  return response;
}

}  // namespace alidade
