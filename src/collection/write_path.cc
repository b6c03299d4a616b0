// Path: upsert 4/7 (from engine/engine.cc, to collection/commit_group.cc), and 6/7 (to
// segment/delta.cc)
#include <algorithm>
#include <chrono>
#include <utility>

#include "alidade/collection/collection.h"
#include "alidade/collection/config_codec.h"
#include "alidade/common/bytes.h"
#include "alidade/common/check.h"
#include "alidade/common/checksum.h"
#include "alidade/common/failpoint.h"
#include "alidade/vec/vector_matrix.h"

namespace alidade {
namespace {

constexpr int64_t kUnsealedRetryMs = 500;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string_view BytesOf(std::span<const float> vector) {
  return {reinterpret_cast<const char*>(vector.data()), vector.size_bytes()};
}

// With its length, so that no two requests differ only in where a part ends.
void AddPart(Hasher128& hasher, std::string_view part) {
  const uint64_t bytes = part.size();
  hasher.Update({reinterpret_cast<const char*>(&bytes), sizeof(bytes)});
  hasher.Update(part);
}

}  // namespace

// One upsert on its way through the commit group. The points are distinct and valid.
class UpsertOperation final : public CommitOperation {
 public:
  struct Row {
    std::string encoded_id;
    const std::string* payload = nullptr;
    std::vector<std::span<const float>> vectors;  // by FieldIndex
    RowNo number;
    std::optional<RowNo> replaces;
  };

  UpsertOperation(Collection& collection, const WriteOptions& options)
      : collection_(collection), options_(options) {}

  // Fills `rows` from the request: last of equal ids wins; checks fields, dimensions, values.
  Status Load(const UpsertRequest& request, const Schema& schema);

  Status Prepare(CommitContext& context) override;
  void Apply(SeqNo seq) override;
  Durability durability() const override { return options_.durability; }
  size_t byte_size() const override { return bytes_; }
  const std::string& request_id() const override { return options_.request_id; }
  uint64_t fingerprint() const override { return fingerprint_; }
  uint64_t points() const override { return rows_.size(); }

 private:
  Status CheckPoint(const UpsertRequest& request,
                    const std::vector<FieldIndex>& fields,
                    const Schema& schema,
                    size_t index) const;
  void Fingerprint();

  Collection& collection_;
  const WriteOptions& options_;
  std::vector<Row> rows_;
  uint64_t live_rows_after_ = 0;
  size_t bytes_ = 0;
  uint64_t fingerprint_ = 0;
};

Status UpsertOperation::CheckPoint(const UpsertRequest& request,
                                   const std::vector<FieldIndex>& fields,
                                   const Schema& schema,
                                   size_t index) const {
  const UpsertPoint& point = request.points[index];
  for (size_t i = 0; i < point.vectors.size(); ++i) {
    if (point.vectors[i].empty()) {
      continue;
    }
    const VectorField& field = schema.fields[fields[i]];
    const std::string path = fmt::format("points[{}].vectors[\"{}\"]", index, field.name);
    if (point.vectors[i].size() != field.dim) {
      return FieldError(
          path, "has {} dimensions, the field has {}", point.vectors[i].size(), field.dim);
    }
    ALIDADE_RETURN_IF_ERROR(ValidateVector(point.vectors[i], field.metric, path));
  }
  return OkStatus();
}

Status UpsertOperation::Load(const UpsertRequest& request, const Schema& schema) {
  std::vector<FieldIndex> fields;
  for (const std::string& name : request.field_names) {
    ALIDADE_ASSIGN_OR_RETURN(
        const FieldIndex field,
        collection_.FindFieldOrError(schema, name, fmt::format("field_names[\"{}\"]", name)));
    fields.push_back(field);
  }
  std::unordered_map<std::string, size_t> newest;
  for (size_t i = 0; i < request.points.size(); ++i) {
    ALIDADE_RETURN_IF_ERROR(CheckPoint(request, fields, schema, i));
    newest[request.points[i].id.Encode()] = i;
  }
  rows_.reserve(newest.size());
  for (size_t i = 0; i < request.points.size(); ++i) {
    const UpsertPoint& point = request.points[i];
    std::string encoded = point.id.Encode();
    if (newest[encoded] != i) {
      continue;
    }
    Row row;
    row.encoded_id = std::move(encoded);
    row.payload = &point.payload;
    row.vectors.resize(schema.fields.size());
    bytes_ += row.encoded_id.size() + point.payload.size();
    for (size_t k = 0; k < point.vectors.size(); ++k) {
      row.vectors[fields[k]] = point.vectors[k];
      bytes_ += point.vectors[k].size_bytes();
    }
    rows_.push_back(std::move(row));
  }
  Fingerprint();
  return OkStatus();
}

void UpsertOperation::Fingerprint() {
  if (options_.request_id.empty()) {
    return;
  }
  Hasher128 hasher;
  for (const Row& row : rows_) {
    AddPart(hasher, row.encoded_id);
    AddPart(hasher, *row.payload);
    for (const auto& vector : row.vectors) {
      AddPart(hasher, BytesOf(vector));
    }
  }
  fingerprint_ = hasher.Finish().low ^ collection_.id().value();
}

Status UpsertOperation::Prepare(CommitContext& context) {
  Collection& c = collection_;
  if (c.dropped_) {
    return NotFound("the collection was dropped");
  }
  if (c.unsealed_bytes_.load(std::memory_order_relaxed) + bytes_ >
      c.context_.limits.unsealed_bytes_max) {
    const auto problem = c.seal_problem_.Get();
    return WithRetryAfter(
        WithReason(ResourceExhausted("{} bytes wait to be sealed (limits.unsealed_bytes_max){}",
                                     c.unsealed_bytes_.load(std::memory_order_relaxed),
                                     problem == nullptr ? "" : "; sealing fails: " + *problem),
                   "WRITES_AHEAD_OF_SEALING"),
        kUnsealedRetryMs);
  }
  std::vector<std::string> ids;
  ids.reserve(rows_.size());
  for (const Row& row : rows_) {
    ids.push_back(row.encoded_id);
  }
  std::vector<std::optional<RowNo>> old_rows;
  ALIDADE_RETURN_IF_ERROR(c.ResolveIds(context, ids, old_rows));

  const std::vector<FieldId> field_ids = c.FieldIds();
  for (size_t i = 0; i < rows_.size(); ++i) {
    Row& row = rows_[i];
    row.number = c.next_row_;
    c.next_row_ = c.next_row_.Next();
    row.replaces = old_rows[i];
    context.batch.PutRow(c.space(), row.number, row.encoded_id, context.seq, *row.payload);
    for (FieldIndex field = 0; field < row.vectors.size(); ++field) {
      if (!row.vectors[field].empty()) {
        context.batch.PutVector(
            c.space(), row.number, {field_ids[field], BytesOf(row.vectors[field])});
      }
    }
    context.batch.PutId(c.space(), row.encoded_id, {row.number, context.seq});
    if (row.replaces.has_value()) {
      context.batch.DeleteRow(c.space(), *row.replaces, field_ids);
      context.batch.PutTombstone(c.space(), *row.replaces, context.seq);
    } else {
      ++c.live_rows_;
    }
    c.overlay_[row.encoded_id] = row.number;
  }
  live_rows_after_ = c.live_rows_;
  c.PutState(context.batch, context.seq);
  return OkStatus();
}

void UpsertOperation::Apply(SeqNo seq) {
  for (const Row& row : rows_) {
    collection_.AppendRow({row.number, row.encoded_id, *row.payload, row.vectors});
    if (row.replaces.has_value()) {
      collection_.MarkRowDeleted(*row.replaces, seq);
    }
  }
  collection_.applied_live_rows_ = live_rows_after_;
  collection_.PublishView(seq);
}

// One delete by ids; ids that do not exist are passed over.
class DeleteOperation final : public CommitOperation {
 public:
  DeleteOperation(Collection& collection, const DeleteRequest& request)
      : collection_(collection), options_(request.options) {
    Hasher128 hasher;
    for (const PointId& id : request.ids) {
      ids_.push_back(id.Encode());
    }
    std::sort(ids_.begin(), ids_.end());
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
    for (const std::string& id : ids_) {
      AddPart(hasher, id);
    }
    fingerprint_ = ~hasher.Finish().low ^ collection.id().value();
  }

  Status Prepare(CommitContext& context) override {
    Collection& c = collection_;
    if (c.dropped_) {
      return NotFound("the collection was dropped");
    }
    std::vector<std::optional<RowNo>> rows;
    ALIDADE_RETURN_IF_ERROR(c.ResolveIds(context, ids_, rows));
    const std::vector<FieldId> field_ids = c.FieldIds();
    for (size_t i = 0; i < ids_.size(); ++i) {
      const std::optional<RowNo>& row = rows[i];
      if (!row.has_value()) {
        continue;
      }
      context.batch.DeleteId(c.space(), ids_[i]);
      context.batch.DeleteRow(c.space(), *row, field_ids);
      context.batch.PutTombstone(c.space(), *row, context.seq);
      c.overlay_[ids_[i]] = std::nullopt;
      --c.live_rows_;
      deleted_.push_back(*row);
    }
    live_rows_after_ = c.live_rows_;
    c.PutState(context.batch, context.seq);
    return OkStatus();
  }

  void Apply(SeqNo seq) override {
    for (const RowNo row : deleted_) {
      collection_.MarkRowDeleted(row, seq);
    }
    collection_.applied_live_rows_ = live_rows_after_;
    collection_.PublishView(seq);
  }

  Durability durability() const override { return options_.durability; }
  bool allowed_on_full_disk() const override { return true; }
  size_t byte_size() const override { return 64 * ids_.size(); }
  const std::string& request_id() const override { return options_.request_id; }
  uint64_t fingerprint() const override { return fingerprint_; }
  uint64_t points() const override { return deleted_.size(); }

 private:
  Collection& collection_;
  const WriteOptions& options_;
  std::vector<std::string> ids_;
  std::vector<RowNo> deleted_;
  uint64_t live_rows_after_ = 0;
  uint64_t fingerprint_ = 0;
};

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

StatusOr<WriteReceipt> Collection::Upsert(const UpsertRequest& request) {
  UpsertOperation operation(*this, request.options);
  Schema schema;
  schema.fields = config()->fields;
  ALIDADE_RETURN_IF_ERROR(operation.Load(request, schema));
  return context_.commits->Submit(operation);
}

StatusOr<WriteReceipt> Collection::Delete(const DeleteRequest& request) {
  DeleteOperation operation(*this, request);
  return context_.commits->Submit(operation);
}

Status Collection::FreezeDelta() {
  FreezeOperation operation(*this);
  return context_.commits->Submit(operation).status();
}

Status Collection::ResolveIds(const CommitContext& context,
                              const std::vector<std::string>& encoded_ids,
                              std::vector<std::optional<RowNo>>& rows) {
  if (overlay_group_ != context.group) {
    overlay_.clear();
    overlay_group_ = context.group;
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto entries,
                           context_.store->GetIds(space(), encoded_ids, /*snapshot=*/nullptr));
  rows.resize(encoded_ids.size());
  for (size_t i = 0; i < encoded_ids.size(); ++i) {
    const auto found = overlay_.find(encoded_ids[i]);
    if (found != overlay_.end()) {
      rows[i] = found->second;
    } else if (const std::optional<IdEntry>& entry = entries[i]; entry.has_value()) {
      rows[i] = entry->row;
    }
  }
  return OkStatus();
}

std::vector<FieldId> Collection::FieldIds() const {
  std::vector<FieldId> ids;
  ids.reserve(schema_.fields.size());
  for (const VectorField& field : schema_.fields) {
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
    bytes += vector.size_bytes();
  }
  unsealed_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

void Collection::MarkRowDeleted(RowNo row, SeqNo seq) {
  const auto after = std::upper_bound(
      segments_.begin(), segments_.end(), row, [](RowNo number, const auto& segment) {
        return number < segment->first_row();
      });
  if (after == segments_.begin()) {
    return;
  }
  Segment& segment = **std::prev(after);
  if (const std::optional<RowId> found = segment.FindRow(row); found.has_value()) {
    segment.MarkDeleted(*found, seq);
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
