#include "payload_change.h"

#include <algorithm>
#include <utility>

#include "alidade/collection/payload_edit.h"
#include "alidade/common/check.h"
#include "alidade/common/failpoint.h"
#include "alidade/common/payload_codec.h"

namespace alidade {
namespace {

// Payloads read at once, and between two looks at the deadline (chosen).
constexpr size_t kChunkPoints = 1'024;

// Of the bytes that may wait to be sealed, the share that one write may take (chosen).
constexpr size_t kUnsealedShare = 4;

}  // namespace

Status PayloadChange::Load() {
  ALIDADE_RETURN_IF_ERROR(selector_.Load(collection()));
  const PayloadEdit& edit = request_.edit;
  Hasher128 hasher;
  AddPart(hasher, fmt::format("payload {}", static_cast<int>(edit.kind)));
  std::string merged;
  EncodeObject(edit.merged, merged);
  AddPart(hasher, merged);
  AddPart(hasher, edit.whole);
  for (const std::string& key : edit.keys) {
    AddPart(hasher, key);
  }
  AddPart(hasher, "points");
  selector_.AddTo(hasher);
  fingerprint_ = hasher.Finish().low ^ collection().id().value();
  return OkStatus();
}

size_t PayloadChange::byte_size() const {
  return selector_.byte_size() + request_.edit.whole.size();
}

Status PayloadChange::EditSome(std::vector<SelectedPoint>& points, size_t first, size_t end) {
  Collection& c = collection();
  const Limits& limits = c.context_.limits;
  std::vector<RowNo> rows;
  for (size_t i = first; i < end; ++i) {
    if (points[i].current.payload == nullptr) {
      rows.push_back(points[i].current.row);
    }
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto stored,
                           c.context_.store->GetRows(c.space(), rows, /*snapshot=*/nullptr));
  size_t next = 0;
  for (size_t i = first; i < end; ++i) {
    const std::string* before = points[i].current.payload;
    if (before == nullptr) {
      const std::optional<StoredRow>& row = stored[next++];
      if (!row.has_value()) {
        return DataLoss("row {} is missing although its point is there", points[i].current.row);
      }
      before = &row->payload;
      points[i].current.vectors = c.VectorsOf(points[i].current.row, *row);
    }
    ALIDADE_ASSIGN_OR_RETURN(std::string after, EditPayload(*before, request_.edit));
    if (after == *before) {
      continue;
    }
    if (after.size() > limits.payload_bytes_max) {
      ALIDADE_ASSIGN_OR_RETURN(const PointId id, PointId::Decode(points[i].encoded_id));
      return FieldError("payload",
                        "the payload of the point {} would take {} bytes encoded, the limit is {}",
                        id.ToString(),
                        after.size(),
                        limits.payload_bytes_max);
    }
    bytes_ += after.size();
    changed_.push_back({.point = std::move(points[i]), .payload = std::move(after)});
  }
  if (bytes_ > limits.unsealed_bytes_max / kUnsealedShare) {
    return WithReason(ResourceExhausted("the changed payloads take more than {} bytes, which is as "
                                        "much as one write may (limits.unsealed_bytes_max / {})",
                                        limits.unsealed_bytes_max / kUnsealedShare,
                                        kUnsealedShare),
                      "WRITE_TOO_LARGE");
  }
  return OkStatus();
}

Status PayloadChange::Prepare(CommitContext& context) {
  Collection& c = collection();
  std::vector<SelectedPoint> points;
  ALIDADE_RETURN_IF_ERROR(selector_.Select(c, points));
  for (size_t first = 0; first < points.size(); first += kChunkPoints) {
    ALIDADE_RETURN_IF_ERROR(request_.points.deadline.Check());
    ALIDADE_RETURN_IF_ERROR(EditSome(points, first, std::min(points.size(), first + kChunkPoints)));
  }
  ALIDADE_RETURN_IF_ERROR(c.AdmitBytes(bytes_));
  for (const Changed& changed : changed_) {
    const std::string& id = changed.point.encoded_id;
    CurrentPoint current = changed.point.current;
    current.seq = context.seq;
    current.payload = &changed.payload;
    context.batch.PutRow(c.space(),
                         current.row,
                         {.encoded_id = id,
                          .seq = context.seq,
                          .payload = changed.payload,
                          .vectors = current.vectors});
    context.batch.PutId(c.space(), id, {current.row, context.seq});
    if (!ALIDADE_MUTANT("no_payload_change_record")) {
      context.batch.PutPayloadChange(c.space(), current.row, context.seq);
    }
    c.pending_.Set(id, current);
  }
  return OkStatus();
}

void PayloadChange::Apply(SeqNo seq) {
  for (const Changed& changed : changed_) {
    const RowNo row = changed.point.current.row;
    const auto place = collection().FindPlace(row);
    ALIDADE_CHECK(place.has_value(), "row {} is in no segment", row);
    collection().ChangeRowPayload(*place->segment, place->row, seq, changed.payload);
  }
}

}  // namespace alidade
