// Path: upsert 4/7 (from engine/engine.cc, to collection/write_operation.cc), and 6/7 (to
// segment/delta.cc)
#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <variant>

#include "alidade/collection/collection.h"
#include "alidade/collection/config_codec.h"
#include "alidade/common/check.h"
#include "alidade/query/executor.h"

#include "delete_change.h"
#include "payload_change.h"
#include "upsert_change.h"
#include "write_operation.h"

namespace alidade {
namespace {

constexpr int64_t kUnsealedRetryMs = 500;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

// Ends the open delta, so that it can be sealed. Writes nothing.
class FreezeOperation final : public CommitOperation {
 public:
  explicit FreezeOperation(Collection& collection) : collection_(collection) {}
  Status Prepare(CommitContext&) override {
    // Later operations of the group take row numbers before this one is applied.
    end_row_ = collection_.next_row_;
    return OkStatus();
  }
  void Apply(SeqNo) override {
    Collection& c = collection_;
    if (c.open_delta_ != nullptr && c.open_delta_->rows() > 0) {
      c.open_delta_->Freeze(RowNo(end_row_.value() - 1));
      c.open_delta_ = nullptr;
    }
  }
  bool takes_seq() const override { return false; }
  Durability durability() const override { return Durability::kBuffered; }
  bool allowed_on_full_disk() const override { return true; }

 private:
  Collection& collection_;
  RowNo end_row_;  // the first row number behind the delta
};

namespace {

// The change that a part asks for, made ready as far as it can be outside the commit group.
// `options` are those of the whole write.
StatusOr<std::unique_ptr<PointChange>> MakeChange(Collection& collection,
                                                  const UpsertRequest& request,
                                                  const WriteOptions& options) {
  auto change = std::make_unique<UpsertChange>(collection, request);
  ALIDADE_RETURN_IF_ERROR(
      change->Load(collection.config()->schema(), /*fingerprint=*/!options.request_id.empty()));
  return std::unique_ptr<PointChange>(std::move(change));
}

StatusOr<std::unique_ptr<PointChange>> MakeChange(Collection& collection,
                                                  const DeleteRequest& request,
                                                  const WriteOptions& /*options*/) {
  auto change = std::make_unique<DeleteChange>(collection, request);
  ALIDADE_RETURN_IF_ERROR(change->Load());
  return std::unique_ptr<PointChange>(std::move(change));
}

StatusOr<std::unique_ptr<PointChange>> MakeChange(Collection& collection,
                                                  const PayloadRequest& request,
                                                  const WriteOptions& /*options*/) {
  auto change = std::make_unique<PayloadChange>(collection, request);
  ALIDADE_RETURN_IF_ERROR(change->Load());
  return std::unique_ptr<PointChange>(std::move(change));
}

template <typename Request>
StatusOr<WriteReceipt> WriteOne(Collection& collection,
                                CommitGroup& commits,
                                const Request& request) {
  std::vector<std::unique_ptr<PointChange>> parts(1);
  ALIDADE_ASSIGN_OR_RETURN(parts.front(), MakeChange(collection, request, request.options));
  WriteOperation operation(request.options, std::move(parts), /*batch=*/false);
  return commits.Submit(operation);
}

}  // namespace

StatusOr<WriteReceipt> Collection::Upsert(const UpsertRequest& request) {
  return WriteOne(*this, *context_.commits, request);
}

StatusOr<WriteReceipt> Collection::Delete(const DeleteRequest& request) {
  return WriteOne(*this, *context_.commits, request);
}

StatusOr<WriteReceipt> Collection::ChangePayload(const PayloadRequest& request) {
  return WriteOne(*this, *context_.commits, request);
}

StatusOr<WriteReceipt> Collection::WriteAll(CommitGroup& commits,
                                            const std::vector<std::shared_ptr<Collection>>& targets,
                                            const BatchRequest& request) {
  std::vector<std::unique_ptr<PointChange>> parts;
  parts.reserve(targets.size());
  for (size_t i = 0; i < targets.size(); ++i) {
    auto change =
        std::visit([&](const auto& part) { return MakeChange(*targets[i], part, request.options); },
                   request.parts[i]);
    if (!change.ok()) {
      return InPart(change.status(), i);
    }
    parts.push_back(std::move(change).value());
  }
  WriteOperation operation(request.options, std::move(parts), /*batch=*/true);
  return commits.Submit(operation);
}

Status Collection::FreezeDelta() {
  FreezeOperation operation(*this);
  return context_.commits->Submit(operation).status();
}

WriterMark Collection::BeginWrite(uint64_t group) {
  pending_.BeginWrite(group);
  return {.next_row = next_row_, .live_rows = live_rows_};
}

void Collection::TakeBack(const WriterMark& mark) {
  pending_.TakeBack();
  next_row_ = mark.next_row;
  live_rows_ = mark.live_rows;
}

Status Collection::AdmitBytes(size_t bytes) const {
  const uint64_t waiting = unsealed_bytes_.load(std::memory_order_relaxed);
  if (waiting + bytes <= context_.limits.unsealed_bytes_max) {
    return OkStatus();
  }
  const auto problem = seal_problem_.Get();
  return WithRetryAfter(
      WithReason(ResourceExhausted("{} bytes wait to be sealed (limits.unsealed_bytes_max){}",
                                   waiting,
                                   problem == nullptr ? "" : "; sealing fails: " + *problem),
                 "WRITES_AHEAD_OF_SEALING"),
      kUnsealedRetryMs);
}

Status Collection::ResolveIds(const std::vector<std::string>& encoded_ids,
                              std::vector<std::optional<CurrentPoint>>& points) const {
  ALIDADE_ASSIGN_OR_RETURN(const auto entries,
                           context_.store->GetIds(space(), encoded_ids, /*snapshot=*/nullptr));
  points.resize(encoded_ids.size());
  for (size_t i = 0; i < encoded_ids.size(); ++i) {
    const auto found = pending_.points().find(encoded_ids[i]);
    if (found != pending_.points().end()) {
      points[i] = found->second;
    } else if (const std::optional<IdEntry>& entry = entries[i]; entry.has_value()) {
      points[i] = CurrentPoint{.row = entry->row, .seq = entry->seq};
    }
  }
  return OkStatus();
}

std::vector<FieldId> Collection::FieldIds() const {
  std::vector<FieldId> ids;
  ids.reserve(schema_.fields.size() + schema_.sparse_fields.size() +
              schema_.multi_vector_fields.size());
  for (const VectorField& field : schema_.fields) {
    ids.push_back(field.id);
  }
  for (const SparseField& field : schema_.sparse_fields) {
    ids.push_back(field.id);
  }
  for (const MultiVectorField& field : schema_.multi_vector_fields) {
    ids.push_back(field.id);
  }
  return ids;
}

void Collection::PutState(WriteBatch& batch, SeqNo seq) const {
  batch.PutMeta(
      MetaKind::kState, CollectionMetaName(id_), EncodeState({next_row_, live_rows_, seq}));
}

void Collection::AppendRow(const NewRow& row) {
  if (open_delta_ == nullptr || !open_delta_->Append(row)) {
    if (open_delta_ != nullptr) {
      open_delta_->Freeze(RowNo(row.row.value() - 1));
    }
    open_delta_ = std::make_shared<Delta>(
        schema_,
        row.row,
        Delta::Options{context_.limits.delta_rows_max, context_.limits.delta_bytes_max});
    segments_.push_back(open_delta_);
    ALIDADE_CHECK(open_delta_->Append(row), "an empty delta refused row {}", row.row);
  }
  size_t bytes = row.encoded_id.size() + row.payload.size();
  for (const auto& vector : row.vectors) {
    bytes += vector.size();
  }
  for (const std::string_view vector : row.sparse) {
    bytes += vector.size();
  }
  unsealed_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

std::optional<Collection::RowPlace> Collection::FindPlace(RowNo row) const {
  const auto after = std::upper_bound(
      segments_.begin(), segments_.end(), row, [](RowNo number, const auto& segment) {
        return number < segment->first_row();
      });
  if (after == segments_.begin()) {
    return std::nullopt;
  }
  Segment& segment = **std::prev(after);
  const std::optional<RowId> found = segment.FindRow(row);
  return found.has_value() ? std::optional<RowPlace>({&segment, *found}) : std::nullopt;
}

uint32_t Collection::VectorsOf(RowNo row, const StoredRow& stored) const {
  if (stored.vectors.has_value()) {
    return *stored.vectors;
  }
  const auto place = FindPlace(row);
  ALIDADE_CHECK(place.has_value(), "row {} is in no segment", row);
  return VectorsAt(*place->segment, place->row, ~uint32_t{0});
}

void Collection::MarkRowDeleted(RowNo row, SeqNo seq) {
  if (const auto place = FindPlace(row); place.has_value()) {
    place->segment->MarkDeleted(place->row, seq);
  }
}

void Collection::ChangeRowPayload(Segment& segment,
                                  RowId row,
                                  SeqNo seq,
                                  std::string_view payload) {
  const size_t before = segment.payload_changes().memory_bytes();
  segment.ChangePayload(row, seq, payload);
  unsealed_bytes_.fetch_add(segment.payload_changes().memory_bytes() - before,
                            std::memory_order_relaxed);
}

// Payloads that change again and again make no row, so no append finds the delta full.
void Collection::FreezeIfLarge(RowNo end_row) {
  if (open_delta_ == nullptr) {
    return;
  }
  const size_t changes = open_delta_->payload_changes().memory_bytes();
  if (changes > 0 && open_delta_->byte_size() + changes > context_.limits.delta_bytes_max) {
    open_delta_->Freeze(RowNo(end_row.value() - 1));
    open_delta_ = nullptr;
  }
}

void Collection::PublishView(SeqNo seq) {
  seq_ = seq;
  auto view = std::make_shared<SegmentSet>();
  view->at = seq;
  view->schema = schema_;
  view->live_rows = applied_live_rows_;
  view->segments.reserve(segments_.size());
  for (const auto& segment : segments_) {
    view->segments.push_back({segment, segment->rows()});
  }
  view_.Set(std::move(view));
  last_write_ms_.store(NowMs(), std::memory_order_relaxed);
}

}  // namespace alidade
