// Life of a segment 3/4 (from collection/maintenance.cc)
#include "publish_operation.h"

#include <algorithm>

#include "alidade/collection/config_codec.h"

namespace alidade {

Status PublishOperation::Prepare(CommitContext& context) {
  Collection& c = collection_;
  const auto first = std::find(c.segments_.begin(), c.segments_.end(), run_.inputs.front());
  if (c.dropped_ || first == c.segments_.end()) {
    return Cancelled("the collection changed under the build");
  }
  for (const auto& input : run_.inputs) {
    if (input->sealed()) {
      const auto& manifest = static_cast<const SealedSegment&>(*input).manifest();
      context.batch.DeleteMeta(MetaKind::kManifest, ManifestMetaName(c.id_, manifest.segment));
    }
  }
  if (segment_ != nullptr) {
    context.batch.PutMeta(
        MetaKind::kManifest, ManifestMetaName(c.id_, manifest_.segment), EncodeManifest(manifest_));
  }
  for (const RowNo row : settled_tombstones_) {
    context.batch.DeleteTombstone(c.space(), row);
  }
  for (const RowNo row : settled_changes_) {
    // Unlike a death, a payload may have changed again since the record was looked at.
    const auto place = c.FindPlace(row);
    if (!place.has_value() ||
        place->segment->payload_changes().newest(place->row) <= manifest_.built_at) {
      context.batch.DeletePayloadChange(c.space(), row);
    }
  }
  return OkStatus();
}

void PublishOperation::Apply(SeqNo /*seq*/) {
  Collection& c = collection_;
  const auto first = std::find(c.segments_.begin(), c.segments_.end(), run_.inputs.front());
  const auto last = first + static_cast<ptrdiff_t>(run_.inputs.size());
  for (auto it = first; it != last; ++it) {
    Segment& old = **it;
    if (segment_ != nullptr && old.deleted_rows() > 0) {
      CopyDeletes(old);
    }
    if (segment_ != nullptr) {
      CopyPayloadChanges(old);
    }
    uint64_t settled_bytes = old.payload_changes().memory_bytes();
    if (old.sealed()) {
      static_cast<SealedSegment&>(old).RemoveFilesWhenUnused();
    } else {
      settled_bytes += static_cast<Delta&>(old).byte_size();
    }
    c.unsealed_bytes_.fetch_sub(std::min<uint64_t>(settled_bytes, c.unsealed_bytes_.load()));
  }
  const auto gap = c.segments_.erase(first, last);
  if (segment_ != nullptr) {
    c.segments_.insert(gap, segment_);
  }
  c.PublishView(c.seq_);
}

void PublishOperation::CopyPayloadChanges(const Segment& old) {
  old.payload_changes().ForEach(kNewestSeq, [&](RowId row, SeqNo at, std::string_view payload) {
    if (at <= manifest_.built_at) {
      return;
    }
    if (const auto found = segment_->FindRow(old.row_number(row)); found.has_value()) {
      collection_.ChangeRowPayload(*segment_, *found, at, payload);
    }
  });
}

void PublishOperation::CopyDeletes(const Segment& old) {
  for (RowId row = 0; row < old.rows(); ++row) {
    const SeqNo deleted = old.deleted_at(row);
    if (deleted.value() != 0) {
      if (const auto found = segment_->FindRow(old.row_number(row)); found.has_value()) {
        segment_->MarkDeleted(*found, deleted);
      }
    }
  }
}

}  // namespace alidade
