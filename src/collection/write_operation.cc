#include "write_operation.h"

#include <algorithm>

#include "alidade/common/file.h"

namespace alidade {
namespace {

// What a write may take without the disk being asked again (chosen: far below the space kept free).
constexpr size_t kUnaskedBytes = size_t{4} << 20;

}  // namespace

Status InPart(const Status& status, size_t part) {
  const std::string path = fmt::format("operations[{}]", part);
  return FieldOf(status).has_value() ? WithFieldPrefix(status, path) : WithContext(status, path);
}

WriteOperation::WriteOperation(const WriteOptions& options,
                               std::vector<std::unique_ptr<PointChange>> parts,
                               bool batch)
    : options_(options), parts_(std::move(parts)), batch_(batch) {
  for (const auto& part : parts_) {
    Collection* collection = &part->collection();
    if (std::ranges::find(targets_, collection, &Target::collection) == targets_.end()) {
      targets_.push_back({.collection = collection, .before = {}, .after = {}});
    }
  }
}

size_t WriteOperation::byte_size() const {
  size_t bytes = 0;
  for (const auto& part : parts_) {
    bytes += part->byte_size();
  }
  return bytes;
}

bool WriteOperation::allowed_on_full_disk() const {
  return std::ranges::all_of(parts_, [](const auto& part) { return part->allowed_on_full_disk(); });
}

uint64_t WriteOperation::fingerprint() const {
  if (!batch_) {
    return parts_.front()->fingerprint();
  }
  Hasher128 hasher;
  AddPart(hasher, "batch");
  for (const auto& part : parts_) {
    const uint64_t value = part->fingerprint();
    AddPart(hasher, {reinterpret_cast<const char*>(&value), sizeof(value)});
  }
  return hasher.Finish().low;
}

void WriteOperation::Count(WriteReceipt& receipt) const {
  for (const auto& part : parts_) {
    const WriteCounts counts = part->counts();
    receipt.points += counts.points;
    receipt.skipped += counts.skipped;
    if (batch_) {
      receipt.parts.push_back(counts);
    }
  }
}

// The commit group has asked the disk for byte_size(), which cannot tell how much a filter chooses.
Status WriteOperation::CheckRoom(size_t bytes) const {
  if (bytes <= byte_size() + kUnaskedBytes) {
    return OkStatus();
  }
  const CollectionContext& surroundings = targets_.front().collection->context_;
  const uint64_t kept = allowed_on_full_disk() ? bytes : surroundings.limits.disk_free_bytes_min;
  const StatusOr<uint64_t> free_bytes = FreeBytes(surroundings.store->directory());
  return free_bytes.ok() && *free_bytes < bytes + kept ? DiskFull(*free_bytes, bytes + kept)
                                                       : OkStatus();
}

Status WriteOperation::PrepareParts(CommitContext& context) {
  const size_t before = context.batch.byte_size();
  for (size_t i = 0; i < parts_.size(); ++i) {
    PointChange& part = *parts_[i];
    const Status status =
        part.collection().dropped_ ? NotFound("the collection was dropped") : part.Prepare(context);
    if (!status.ok()) {
      return batch_ ? InPart(status, i) : status;
    }
  }
  return CheckRoom(context.batch.byte_size() - before);
}

Status WriteOperation::Prepare(CommitContext& context) {
  for (Target& target : targets_) {
    target.before = target.collection->BeginWrite(context.group);
  }
  context.batch.SetSavePoint();
  if (Status status = PrepareParts(context); !status.ok()) {
    for (const Target& target : targets_) {
      target.collection->TakeBack(target.before);
    }
    context.batch.RollBack();
    return status;
  }
  context.batch.Keep();
  for (Target& target : targets_) {
    Collection& c = *target.collection;
    target.after = {.next_row = c.next_row_, .live_rows = c.live_rows_};
    c.PutState(context.batch, context.seq);
  }
  return OkStatus();
}

void WriteOperation::Apply(SeqNo seq) {
  for (const auto& part : parts_) {
    part->Apply(seq);
  }
  for (const Target& target : targets_) {
    Collection& c = *target.collection;
    c.applied_live_rows_ = target.after.live_rows;
    c.FreezeIfLarge(target.after.next_row);
    c.PublishView(seq);
  }
}

}  // namespace alidade
