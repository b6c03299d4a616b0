#include "alidade/segment/segment_writer.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <new>
#include <optional>

#include <fmt/format.h>

#include "alidade/common/check.h"
#include "alidade/common/failpoint.h"
#include "alidade/common/file.h"
#include "alidade/common/log.h"
#include "alidade/index/recall_curve.h"
#include "alidade/index/vector_codes.h"

#include "payload_index_file.h"
#include "rows_file.h"
#include "segment_file.h"
#include "sparse_file.h"
#include "tenant_rows.h"
#include "vectors_file.h"

namespace alidade {
namespace {

// Makes the directory and makes the names of all new ones on the way durable.
Status MakeDurableDirectories(const std::string& path) {
  std::filesystem::path made = std::filesystem::path(path).lexically_normal();
  std::vector<std::string> parents;
  while (made.has_relative_path() && !PathExists(made.string())) {
    made = made.parent_path();
    parents.push_back(made.empty() ? "." : made.string());
  }
  ALIDADE_RETURN_IF_ERROR(MakeDirectories(path));
  for (const std::string& parent : parents) {
    ALIDADE_RETURN_IF_ERROR(SyncDirectory(parent));
  }
  return OkStatus();
}

// One run of WriteSegment. Removes what it made unless it ended well.
class SegmentWrite {
 public:
  SegmentWrite(const SegmentWriteRequest& request, SegmentWriteResult& result)
      : request_(request),
        result_(result),
        final_directory_(request.parent_directory + "/" + SegmentDirectoryName(request.segment)),
        temporary_directory_(final_directory_ + ".tmp") {}
  ~SegmentWrite() {
    if (!leftover_.empty()) {
      if (const Status removed = RemoveTree(leftover_); !removed.ok()) {
        ALIDADE_LOG_WARN("unfinished segment stays until the next start: {}", MessageOf(removed));
      }
    }
  }
  SegmentWrite(const SegmentWrite&) = delete;
  SegmentWrite& operator=(const SegmentWrite&) = delete;

  Status Run();

 private:
  void CheckInputs() const;
  void SelectRows();
  SegmentFileIdentity Identity(SegmentFileKind kind, uint32_t count) const;
  Status WriteRows();
  Status WritePayloadIndexes();
  Status WriteSparse(SparseIndex index);
  Status WriteVectors(FieldIndex index);
  Status WriteIndex(FieldIndex index);
  SubsetGraphs::Subsets Subsets(FieldIndex index) const {
    return LargeTenants(tenants_, selection_, index, request_.build.subsets_from);
  }
  Status WriteSubsets(FieldIndex index,
                      const VectorMatrix& matrix,
                      const VectorIndex& whole,
                      const BuildOptions& build,
                      SegmentFileIdentity identity);
  Status WriteCodes(CodesSetting codes,
                    const VectorMatrix& matrix,
                    const SegmentFileIdentity& identity);
  const SealedSegment* Extended(FieldIndex index) const;
  // What the build's progress counts up to.
  uint64_t VectorsToIndex() const;
  Status Publish();

  const SegmentWriteRequest& request_;
  SegmentWriteResult& result_;
  const std::string final_directory_;
  const std::string temporary_directory_;
  std::string leftover_;  // directory to remove if we fail
  RowSelection selection_;
  RowTenants tenants_;                                    // empty: there is no tenant index
  std::vector<std::optional<SegmentFile>> vector_files_;  // by field
};

void SegmentWrite::CheckInputs() const {
  ALIDADE_CHECK(!request_.inputs.empty(), "a segment out of nothing");
  for (size_t i = 0; i < request_.inputs.size(); ++i) {
    const Segment& input = *request_.inputs[i];
    ALIDADE_CHECK(input.last_row().value() != std::numeric_limits<uint64_t>::max(),
                  "input {} is an open delta",
                  i);
    ALIDADE_CHECK(i == 0 || input.first_row() > request_.inputs[i - 1]->last_row(),
                  "input {} does not come after the one before",
                  i);
  }
}

void SegmentWrite::SelectRows() {
  uint64_t alive = 0;
  selection_.at = request_.at;
  for (const auto& input : request_.inputs) {
    const bool keep_all = request_.extend_first && input == request_.inputs.front();
    for (RowId row = 0; row < input->rows(); ++row) {
      const bool lives = input->AliveAt(row, request_.at);
      alive += lives ? 1U : 0U;
      if (lives || keep_all) {
        selection_.rows.push_back({.source = input.get(), .row = row});
      }
    }
  }
  if (alive == 0) {
    selection_.rows.clear();  // nobody lives: no graph is worth keeping
  }
  if (const PayloadIndexSpec* tenant = FindTenantIndex(request_.schema.payload_indexes);
      tenant != nullptr) {
    const size_t kept = request_.extend_first ? request_.inputs.front()->rows() : 0;
    tenants_ = SortByTenant(*tenant, std::min(kept, selection_.rows.size()), selection_);
  }
  ALIDADE_CHECK(selection_.rows.size() <= std::numeric_limits<int32_t>::max(),
                "{} rows in one segment",
                selection_.rows.size());
}

SegmentFileIdentity SegmentWrite::Identity(SegmentFileKind kind, uint32_t count) const {
  const SegmentManifest& manifest = result_.manifest;
  return {.kind = kind,
          .index_kind = IndexKind::kFlat,
          .metric = 0,
          .store_uuid = request_.store_uuid,
          .collection = manifest.collection,
          .segment = manifest.segment,
          .field = FieldId(),
          .first_row = manifest.first_row,
          .last_row = manifest.last_row,
          .rows = manifest.rows,
          .count = count,
          .dim = 0};
}

Status SegmentWrite::WriteRows() {
  ALIDADE_ASSIGN_OR_RETURN(
      auto writer,
      SegmentFileWriter::Create(temporary_directory_,
                                Identity(SegmentFileKind::kRows, result_.manifest.rows)));
  ALIDADE_RETURN_IF_ERROR(WriteRowsBody(
      selection_, request_.schema.multi_vector_fields.size(), request_.build.progress, *writer));
  ALIDADE_ASSIGN_OR_RETURN(result_.manifest.files.emplace_back(), writer->Finish());
  return OkStatus();
}

Status SegmentWrite::WritePayloadIndexes() {
  const auto payload_of = [this](RowId row) {
    return selection_.rows[row].source->payload(selection_.rows[row].row, request_.at);
  };
  for (const PayloadIndexSpec& spec : request_.schema.payload_indexes) {
    ALIDADE_RETURN_IF_ERROR(WritePayloadIndexFile(
        temporary_directory_,
        PayloadIndexIdentity(Identity(SegmentFileKind::kPayloadIndex, 0), spec.id),
        spec,
        payload_of,
        request_.build.progress));
  }
  return OkStatus();
}

Status SegmentWrite::WriteSparse(SparseIndex index) {
  const SparseSource vectors = [&](const auto& visit) -> Status {
    for (RowId row = 0; row < selection_.rows.size(); ++row) {
      const auto& from = selection_.rows[row];
      if (const std::string_view encoded = from.source->sparse_vector(index, from.row);
          !encoded.empty()) {
        ALIDADE_RETURN_IF_ERROR(visit(row, encoded));
      }
    }
    return OkStatus();
  };
  return WriteSparseFile(temporary_directory_,
                         SparseIdentity(Identity(SegmentFileKind::kSparse, 0),
                                        request_.schema.sparse_fields[index].id),
                         vectors,
                         request_.build.progress);
}

Status SegmentWrite::WriteVectors(FieldIndex index) {
  const VectorField& field = request_.schema.fields[index];
  const uint32_t count = CountVectors(selection_, index);
  if (count == 0) {
    return OkStatus();
  }
  SegmentFileIdentity identity = Identity(SegmentFileKind::kVectors, count);
  identity.SetField(field.id, field.metric, field.dim);
  ALIDADE_ASSIGN_OR_RETURN(auto writer, SegmentFileWriter::Create(temporary_directory_, identity));
  ALIDADE_RETURN_IF_ERROR(
      WriteVectorsBody(selection_, field, index, request_.build.progress, *writer));
  ALIDADE_ASSIGN_OR_RETURN(const SegmentFile file, writer->Finish());
  vector_files_[index] = file;
  result_.manifest.files.push_back(file);
  return OkStatus();
}

// The first input, if its vectors are the first of ours and it has a graph that was built as ours
// would be; else null.
const SealedSegment* SegmentWrite::Extended(FieldIndex index) const {
  const auto* first = dynamic_cast<const SealedSegment*>(request_.inputs.front().get());
  if (!request_.extend_first || first == nullptr || index >= first->manifest().specs.size() ||
      first->manifest().specs[index] != request_.schema.fields[index].index ||
      first->index_kind(index) != IndexKind::kHnsw) {
    return nullptr;
  }
  return first;
}

uint64_t SegmentWrite::VectorsToIndex() const {
  uint64_t vectors = 0;
  for (FieldIndex i = 0; i < vector_files_.size(); ++i) {
    const uint32_t count = CountVectors(selection_, i);
    const IndexKind kind = ResolveIndexKind(request_.schema.fields[i].index, count);
    vectors += kind == IndexKind::kFlat ? 0 : count;
    for (const auto& tenant : kind == IndexKind::kHnsw ? Subsets(i) : SubsetGraphs::Subsets()) {
      vectors += tenant.size();
    }
  }
  return vectors;
}

Status SegmentWrite::WriteCodes(CodesSetting codes,
                                const VectorMatrix& matrix,
                                const SegmentFileIdentity& identity) {
  ALIDADE_ASSIGN_OR_RETURN(auto writer, SegmentFileWriter::Create(temporary_directory_, identity));
  ALIDADE_RETURN_IF_ERROR(VectorCodes::Write(codes, matrix, request_.build.progress, *writer));
  ALIDADE_ASSIGN_OR_RETURN(result_.manifest.files.emplace_back(), writer->Finish());
  return OkStatus();
}

Status SegmentWrite::WriteIndex(FieldIndex index) {
  const std::optional<SegmentFile>& vectors_file = vector_files_[index];
  if (!vectors_file.has_value()) {
    return OkStatus();
  }
  const VectorField& field = request_.schema.fields[index];
  const uint32_t count = CountVectors(selection_, index);
  const IndexKind kind = ResolveIndexKind(field.index, count);
  if (kind == IndexKind::kFlat) {
    return OkStatus();
  }
  SegmentFileIdentity identity = Identity(SegmentFileKind::kVectors, count);
  identity.SetField(field.id, field.metric, field.dim);
  // Reading the vectors back as a reader would: also proves that the file is what it should be.
  ALIDADE_ASSIGN_OR_RETURN(const SegmentFileMap mapped,
                           OpenSegmentFile(temporary_directory_, *vectors_file, identity));
  ALIDADE_ASSIGN_OR_RETURN(
      const VectorsBody vectors,
      VectorsBody::Parse(mapped.body, field, mapped.count, result_.manifest.rows));

  BuildOptions build = request_.build;
  SegmentFileMap codes_map;
  std::unique_ptr<VectorCodes> codes;
  const CodesSetting setting = ResolveCodes(field.index, kind, field.dim);
  if (setting != CodesSetting::kNone) {
    identity.kind = SegmentFileKind::kCodes;
    ALIDADE_RETURN_IF_ERROR(WriteCodes(setting, vectors.matrix(), identity));
    ALIDADE_ASSIGN_OR_RETURN(
        codes_map, OpenSegmentFile(temporary_directory_, result_.manifest.files.back(), identity));
    ALIDADE_ASSIGN_OR_RETURN(codes, VectorCodes::Open(codes_map.body, vectors.matrix()));
    codes->MakeResident();  // a build reads every code many times
    build.codes = codes.get();
  }
  identity.kind = SegmentFileKind::kIndex;
  identity.index_kind = kind;
  ALIDADE_ASSIGN_OR_RETURN(auto writer, SegmentFileWriter::Create(temporary_directory_, identity));
  const SealedSegment* extended = kind == IndexKind::kHnsw ? Extended(index) : nullptr;
  const std::string_view previous =
      extended == nullptr ? std::string_view() : extended->index_body(index);
  ALIDADE_RETURN_IF_ERROR(
      BuildIndex(field.index, kind, vectors.matrix(), previous, build, *writer));
  SegmentFile& file = result_.manifest.files.emplace_back();
  ALIDADE_ASSIGN_OR_RETURN(file, writer->Finish());
  ALIDADE_ASSIGN_OR_RETURN(const SegmentFileMap index_map,
                           OpenSegmentFile(temporary_directory_, file, identity));
  ALIDADE_ASSIGN_OR_RETURN(const auto built,
                           OpenIndex(kind, index_map.body, vectors.matrix(), codes.get()));
  ALIDADE_ASSIGN_OR_RETURN(file.recall, MeasureRecallCurve(*built, vectors.matrix(), build));
  return kind == IndexKind::kHnsw ? WriteSubsets(index, vectors.matrix(), *built, build, identity)
                                  : OkStatus();
}

// Beside the index, whose entry is the last of the manifest.
Status SegmentWrite::WriteSubsets(FieldIndex index,
                                  const VectorMatrix& matrix,
                                  const VectorIndex& whole,
                                  const BuildOptions& build,
                                  SegmentFileIdentity identity) {
  const SubsetGraphs::Subsets tenants = Subsets(index);
  if (tenants.empty()) {
    return OkStatus();
  }
  identity.kind = SegmentFileKind::kSubsets;
  identity.index_kind = IndexKind::kFlat;
  ALIDADE_ASSIGN_OR_RETURN(auto writer, SegmentFileWriter::Create(temporary_directory_, identity));
  const RecallCurve recall = result_.manifest.files.back().recall.all;
  const SealedSegment* extended = Extended(index);
  ALIDADE_RETURN_IF_ERROR(
      SubsetGraphs::Write(request_.schema.fields[index].index,
                          matrix,
                          tenants,
                          extended == nullptr ? nullptr : extended->subset_graphs(index),
                          build,
                          *writer));
  SegmentFile& file = result_.manifest.files.emplace_back();
  ALIDADE_ASSIGN_OR_RETURN(file, writer->Finish());
  ALIDADE_ASSIGN_OR_RETURN(const SegmentFileMap map,
                           OpenSegmentFile(temporary_directory_, file, identity));
  ALIDADE_ASSIGN_OR_RETURN(const auto graphs, SubsetGraphs::Open(map.body, matrix.count));
  ALIDADE_ASSIGN_OR_RETURN(file.hardness, MeasureSubsets(whole, matrix, *graphs, recall, build));
  return OkStatus();
}

Status SegmentWrite::Publish() {
  // The files are durable, their names in the directory not yet.
  ALIDADE_RETURN_IF_ERROR(SyncDirectory(temporary_directory_));
  ALIDADE_FAILPOINT("segment.before_rename");
  ALIDADE_RETURN_IF_ERROR(CheckCancelled(request_.build.progress));
  ALIDADE_RETURN_IF_ERROR(RenamePath(temporary_directory_, final_directory_));
  leftover_ = final_directory_;
  ALIDADE_FAILPOINT("segment.after_rename");
  ALIDADE_RETURN_IF_ERROR(SyncDirectory(request_.parent_directory));
  ALIDADE_FAILPOINT("segment.after_dirsync");
  leftover_.clear();
  return OkStatus();
}

Status SegmentWrite::Run() {
  CheckInputs();
  SegmentManifest& manifest = result_.manifest;
  manifest.collection = request_.collection;
  manifest.segment = request_.segment;
  manifest.first_row = request_.inputs.front()->first_row();
  manifest.last_row = request_.inputs.back()->last_row();
  manifest.built_at = request_.at;
  SelectRows();
  manifest.rows = static_cast<uint32_t>(selection_.rows.size());
  if (manifest.rows == 0) {
    return OkStatus();
  }
  for (const VectorField& field : request_.schema.fields) {
    manifest.specs.push_back(field.index);
  }
  vector_files_.resize(request_.schema.fields.size());

  ALIDADE_RETURN_IF_ERROR(MakeDurableDirectories(request_.parent_directory));
  if (PathExists(final_directory_) || PathExists(temporary_directory_)) {
    return Internal("{} exists already", final_directory_);
  }
  leftover_ = temporary_directory_;
  ALIDADE_RETURN_IF_ERROR(MakeDirectories(temporary_directory_));
  ALIDADE_FAILPOINT("segment.tmp_created");
  ALIDADE_RETURN_IF_ERROR(WriteRows());
  ALIDADE_FAILPOINT("segment.rows_written");
  ALIDADE_RETURN_IF_ERROR(WritePayloadIndexes());
  for (SparseIndex i = 0; i < request_.schema.sparse_fields.size(); ++i) {
    ALIDADE_RETURN_IF_ERROR(WriteSparse(i));
  }
  for (FieldIndex i = 0; i < vector_files_.size(); ++i) {
    ALIDADE_RETURN_IF_ERROR(WriteVectors(i));
  }
  ALIDADE_FAILPOINT("segment.vectors_written");
  if (request_.build_indexes) {
    if (request_.build.progress != nullptr) {
      request_.build.progress->rows_total = VectorsToIndex();
    }
    for (FieldIndex i = 0; i < vector_files_.size(); ++i) {
      ALIDADE_RETURN_IF_ERROR(WriteIndex(i));
    }
    ALIDADE_FAILPOINT("segment.index_built");
  }
  result_.directory = final_directory_;
  return Publish();
}

}  // namespace

StatusOr<SegmentWriteResult> WriteSegment(const SegmentWriteRequest& request) {
  SegmentWriteResult result;
  try {
    const Status written = SegmentWrite(request, result).Run();
    if (!written.ok()) {
      return WithContext(written, fmt::format("segment {}", request.segment));
    }
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("segment {}: out of memory", request.segment);
  }
  return result;
}

std::string CollectionDirectoryName(CollectionId collection) {
  return fmt::format("{:08x}", collection.value());
}

std::string SegmentDirectoryName(SegmentId segment) {
  return fmt::format("{:016x}", segment.value());
}

}  // namespace alidade
