#include "alidade/query/ordered_rows.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "alidade/filter/payload_order.h"
#include "alidade/query/executor.h"

#include "changed_rows.h"
#include "paced_deadline.h"

namespace alidade {
namespace {

// The first positions of those that are offered, within the query's bounds.
class FirstPositions {
 public:
  FirstPositions(const OrderQuery& query, const PayloadOrder& order)
      : query_(query), order_(order) {}

  // No position at this place or behind it will be taken.
  bool Past(std::string_view place) const {
    return full() && order_.Before(heap_.front().place, place);
  }
  bool Wants(std::string_view place, std::string_view encoded_id) const {
    if (query_.start.has_value() && order_.Before(place, *query_.start)) {
      return false;
    }
    if (query_.after.has_value() &&
        !Before(query_.after->place, query_.after->encoded_id, place, encoded_id)) {
      return false;
    }
    return !full() || Before(place, encoded_id, heap_.front().place, heap_.front().encoded_id);
  }
  // Requires: Wants(place, encoded_id).
  void Take(std::string_view place, std::string_view encoded_id) {
    const auto before = [this](const OrderPosition& a, const OrderPosition& b) {
      return Before(a.place, a.encoded_id, b.place, b.encoded_id);
    };
    if (full()) {
      std::ranges::pop_heap(heap_, before);
      heap_.pop_back();
    }
    heap_.push_back({std::string(place), std::string(encoded_id)});
    std::ranges::push_heap(heap_, before);
  }
  std::vector<OrderPosition> Finish() && {
    std::ranges::sort_heap(heap_, [this](const OrderPosition& a, const OrderPosition& b) {
      return Before(a.place, a.encoded_id, b.place, b.encoded_id);
    });
    return std::move(heap_);
  }

 private:
  bool full() const { return heap_.size() == query_.count; }
  bool Before(std::string_view place,
              std::string_view encoded_id,
              std::string_view other_place,
              std::string_view other_id) const {
    return place == other_place ? encoded_id < other_id : order_.Before(place, other_place);
  }

  const OrderQuery& query_;
  const PayloadOrder& order_;
  std::vector<OrderPosition> heap_;  // the last one in front
};

// The rows of one segment.
class SegmentWalk {
 public:
  SegmentWalk(const Segment& segment,
              SeqNo at,
              const PayloadOrder& order,
              const Deadline& deadline,
              FirstPositions& found)
      : segment_(segment), at_(at), order_(order), pace_(deadline), found_(found) {}

  // Looks at the payload of every row of the set.
  Status LookAt(const RowBitmap& rows) {
    Status status;
    rows.ForEach([&](RowId row) {
      if (!status.ok()) {
        return;
      }
      const std::string_view payload = segment_.payload(row, at_);
      status = pace_.Pass(payload.size());
      if (!status.ok()) {
        return;
      }
      if (const auto place = order_.PlaceOf(payload);
          place.has_value() && found_.Wants(*place, segment_.encoded_id(row))) {
        found_.Take(*place, segment_.encoded_id(row));
      }
    });
    return status;
  }

  // Goes through the values of the index, from `bound` on; requires that the rows of the set have
  // the payloads that it was made of.
  Status GoThrough(const PayloadIndex& index,
                   const std::optional<std::string>& bound,
                   const RowBitmap& rows) {
    if (order_.descending()) {
      for (uint64_t i = bound.has_value() ? index.UpperBound(*bound) : index.values(); i > 0; --i) {
        if (found_.Past(index.value(i - 1))) {
          break;
        }
        ALIDADE_RETURN_IF_ERROR(Offer(index, i - 1, rows));
      }
      return OkStatus();
    }
    for (uint64_t i = bound.has_value() ? index.LowerBound(*bound) : 0; i < index.values(); ++i) {
      if (found_.Past(index.value(i))) {
        break;
      }
      ALIDADE_RETURN_IF_ERROR(Offer(index, i, rows));
    }
    return OkStatus();
  }

 private:
  Status Offer(const PayloadIndex& index, uint64_t number, const RowBitmap& rows) {
    const std::string_view place = index.value(number);
    for (const RowId row : index.RowsOf(number)) {
      ALIDADE_RETURN_IF_ERROR(pace_.Pass(0));
      if (!rows.Test(row) || !found_.Wants(place, segment_.encoded_id(row))) {
        continue;
      }
      // A list has several values; the point stands at one of them.
      if (order_.PlaceOf(segment_.payload(row, at_)) == place) {
        found_.Take(place, segment_.encoded_id(row));
      }
    }
    return OkStatus();
  }

  const Segment& segment_;
  const SeqNo at_;
  const PayloadOrder& order_;
  PacedDeadline pace_;
  FirstPositions& found_;
};

// Null if the segment does not have it.
const PayloadIndex* FindIndex(const PayloadIndexes* indexes, const PayloadIndexSpec& spec) {
  if (indexes == nullptr) {
    return nullptr;
  }
  const auto found = std::ranges::find(*indexes, spec, &KeyedPayloadIndex::spec);
  return found == indexes->end() ? nullptr : std::get_if<PayloadIndex>(&found->index);
}

// The place that no wanted row stands before.
std::optional<std::string> Bound(const OrderQuery& query, const PayloadOrder& order) {
  if (!query.after.has_value()) {
    return query.start;
  }
  return query.start.has_value() && order.Before(query.after->place, *query.start)
             ? query.start
             : std::optional(query.after->place);
}

}  // namespace

StatusOr<std::vector<OrderPosition>> FindInOrder(const SegmentSet& view,
                                                 const OrderQuery& query,
                                                 const Deadline& deadline) {
  std::optional<QueryFilter> filter;
  if (query.filter != nullptr) {
    ALIDADE_ASSIGN_OR_RETURN(filter, CompileFilter(*query.filter, view.schema));
  }
  const PayloadOrder order(*query.index, query.descending);
  const std::optional<std::string> bound = Bound(query, order);
  FirstPositions found(query, order);
  for (const SegmentView& part : view.segments) {
    ALIDADE_ASSIGN_OR_RETURN(
        const Selection selection,
        SelectRows(part, view.at, filter.has_value() ? &*filter : nullptr, deadline));
    const Segment& segment = *part.segment;
    SegmentWalk walk(segment, view.at, order, deadline, found);
    const auto indexes = segment.payload_indexes();  // which keeps the values mapped
    const PayloadIndex* index = FindIndex(indexes.get(), *query.index);
    if (index == nullptr || part.visible_rows != segment.rows()) {
      ALIDADE_RETURN_IF_ERROR(walk.LookAt(selection.selected->rows));
      continue;
    }
    const auto changed = ChangedRows(segment, view.at, part.visible_rows);
    if (!changed.has_value()) {
      ALIDADE_RETURN_IF_ERROR(walk.GoThrough(*index, bound, selection.selected->rows));
      continue;
    }
    RowBitmap unchanged = selection.selected->rows;
    unchanged.Subtract(changed->words());
    RowBitmap loose = selection.selected->rows;
    loose.Intersect(changed->words());
    ALIDADE_RETURN_IF_ERROR(walk.LookAt(loose));
    ALIDADE_RETURN_IF_ERROR(walk.GoThrough(*index, bound, unchanged));
  }
  return std::move(found).Finish();
}

}  // namespace alidade
