// What a sealed segment is made of; for src/segment/sealed_segment*.cc.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "alidade/common/memory_budget.h"
#include "alidade/common/published.h"
#include "alidade/index/growing_codes.h"
#include "alidade/index/subset_graphs.h"
#include "alidade/index/vector_codes.h"
#include "alidade/segment/sealed_segment.h"
#include "alidade/segment/selection_cache.h"

#include "deletion_times.h"
#include "id_table.h"
#include "payload_index_file.h"
#include "row_filter.h"
#include "rows_file.h"
#include "segment_file.h"
#include "sparse_file.h"
#include "vectors_file.h"

namespace alidade {

// One vector field; without a file no row has a vector of it.
struct FieldPart {
  SegmentFileMap vectors_file;
  VectorsBody vectors;
  SegmentFileMap codes_file;
  std::unique_ptr<VectorCodes> codes;  // null: searches read the vectors
  SegmentFileMap index_file;
  std::unique_ptr<VectorIndex> index;  // null: exact
  SegmentFileMap subsets_file;
  std::unique_ptr<SubsetGraphs> subsets;  // null: none
  // Where no file has codes; null: exact searches read the vectors.
  std::unique_ptr<GrowingCodes> scan_codes;
};

inline const SegmentFile* FindFile(const SegmentManifest& manifest,
                                   SegmentFileKind kind,
                                   FieldId field) {
  for (const SegmentFile& file : manifest.files) {
    if (file.kind == kind && file.field == field) {
      return &file;
    }
  }
  return nullptr;
}

struct SealedSegment::Impl {
  explicit Impl(const OpenOptions& options_in) : options(options_in) {}

  SegmentFileIdentity Identity(const SegmentFile& file) const;
  Status OpenRows();
  Status OpenVectors(FieldIndex index);
  Status OpenCodes(FieldIndex index);
  Status OpenFieldIndex(FieldIndex index);
  Status OpenSubsets(FieldIndex index);
  void PrepareReads(FieldIndex index);
  Status OpenPayloadIndexes();
  Status OpenSparse(SparseIndex index);
  SegmentFileIdentity SparseIdentityOf(SparseIndex index) const;
  const SparseFile* FindSparse(SparseIndex index) const {
    return index < sparse.size() ? sparse[index].get() : nullptr;
  }
  SegmentFileIdentity PayloadIdentity(PayloadIndexId id) const;
  // The file of the field over all of its vectors; one without a file if the manifest names none.
  StatusOr<SegmentFileMap> OpenDerived(FieldIndex index, SegmentFileKind kind) const;
  const FieldPart* FindPart(FieldIndex field) const {
    return field < fields.size() && fields[field].vectors.matrix().count > 0 ? &fields[field]
                                                                             : nullptr;
  }
  static void SetBits(FieldIndex field,
                      const SelectedRows& allowed,
                      const FieldPart& part,
                      RowFilter& filter);
  // Fills the filter; null if every slot passes.
  const SlotFilter* MakeFilter(const SegmentSearch& search,
                               const FieldPart& part,
                               RowFilter& filter) const;
  // What an exact search reads instead of vectors.
  static CodedVectors CodesFor(const SegmentSearch& search, const FieldPart& part);
  // The slots of a selection by place, null the first time. With copies of codes only where the
  // codes themselves were copied (MakeResident), and out of the same budget.
  std::shared_ptr<const PlacedSlots> Placed(const SegmentSearch& search,
                                            const FieldPart& part,
                                            const SlotFilter& filter) const;

  // Made by the first that asks; two that ask at once may both make it.
  std::shared_ptr<const IdTable> Ids() const {
    auto made = ids.Get();
    if (made == nullptr) {
      made = std::make_shared<const IdTable>(rows);
      ids.Set(made);
    }
    return made;
  }

  const OpenOptions options;
  SegmentFileMap rows_file;
  RowsBody rows;
  std::vector<FieldPart> fields;
  std::vector<DamagedIndex> damaged;
  std::vector<std::string> damaged_payload_indexes;
  std::vector<std::unique_ptr<const SparseFile>> sparse;
  std::vector<DamagedSparse> damaged_sparse;
  Published<const PayloadIndexes> payload_indexes;  // null: none
  std::unique_ptr<DeletionTimes> deletions;
  mutable SelectionCache selections;
  mutable Published<const IdTable> ids;  // null: nobody has asked yet
  std::unique_ptr<PayloadOverlay> changes;
  std::atomic<bool> remove_files{false};
  BudgetShare copies;  // of MakeResident
  std::atomic<bool> resident{false};
};

}  // namespace alidade
