// SealedSegment: an immutable projection of a range of rows, in checksummed files that are mapped
// read-only.
//
// Path:     search 6/8 (from query/executor.cc, to src/index/*), restart 3/5 (from
//           collection/recovery.cc)
// Threads:  immutable but for MarkDeleted and ChangePayload (writer only); any number of concurrent
// searches. Format:   src/segment/segment_file.h
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/segment/manifest.h"
#include "alidade/segment/segment.h"

namespace alidade {

class MemoryBudget;
class SubsetGraphs;

// Calls the function given to it with each row that has a vector of one sparse field, rising, and
// the encoded vector; stops at the first error, which it returns.
using SparseSource =
    std::function<Status(const std::function<Status(RowId row, std::string_view encoded)>& visit)>;

class SealedSegment final : public Segment {
 public:
  struct OpenOptions {
    std::string directory;  // <data>/segments/<collection>/<segment>
    std::string store_uuid;
    SegmentManifest manifest;
    Schema schema;
    // What codes are taken out of that exact searches make (index/growing_codes.h); null: they make
    // none.
    std::shared_ptr<MemoryBudget> scan_budget = nullptr;
  };
  // Verifies every file whole against its header and the manifest, then maps it. A missing or
  // damaged index file is not an error: the field is then searched exactly, and `damaged_indexes`
  // says so; without its codes an index reads the vectors. Errors: DATA_LOSS (rows or vectors
  // missing or damaged; the message names the file), INTERNAL (system).
  static StatusOr<std::unique_ptr<SealedSegment>> Open(const OpenOptions& options);
  ~SealedSegment() override;
  SealedSegment(const SealedSegment&) = delete;
  SealedSegment& operator=(const SealedSegment&) = delete;

  const SegmentManifest& manifest() const;
  // Fields whose index or codes file was missing or damaged at Open, with the reason.
  struct DamagedIndex {
    FieldIndex field;
    std::string reason;
  };
  const std::vector<DamagedIndex>& damaged_indexes() const;
  // Payload index files that were damaged at Open, with the reason.
  const std::vector<std::string>& damaged_payload_indexes() const;
  // Sparse fields whose file was missing or damaged at Open, with the reason. Until SetSparse the
  // segment is as if it had no vectors of them: it may not serve.
  struct DamagedSparse {
    SparseIndex field;
    std::string reason;
  };
  const std::vector<DamagedSparse>& damaged_sparse() const;
  // Makes the field's file anew. Before anybody reads the segment.
  // Errors: those of the source, RESOURCE_EXHAUSTED, INTERNAL.
  Status SetSparse(SparseIndex field, const SparseSource& source);

  // Whether these are the payload indexes that it has.
  bool HasPayloadIndexes(const std::vector<PayloadIndexSpec>& specs) const;
  // Makes those that are missing and removes the others; searches go on meanwhile. One thread at a
  // time. Errors: CANCELLED when `progress` says so, RESOURCE_EXHAUSTED, INTERNAL.
  Status SetPayloadIndexes(const std::vector<PayloadIndexSpec>& specs,
                           const BuildProgress* progress);

  // The body of the field's index, empty if there is none: what an extended graph starts from.
  std::string_view index_body(FieldIndex field) const;
  // Graphs over the rows of large tenants; null: none.
  const SubsetGraphs* subset_graphs(FieldIndex field) const;
  // What the field's codes are; kNone: searches read the vectors.
  CodesSetting codes(FieldIndex field) const;

  // Copies codes and links into huge pages, so that searches find them in memory; until then and
  // meanwhile they read the mapped files. Nothing happens if the budget has no room. One thread at
  // a time. Throws std::bad_alloc.
  void MakeResident(const std::shared_ptr<MemoryBudget>& budget);
  bool resident() const;
  // Bytes that the copies take, or would take.
  size_t resident_bytes_wanted() const;

  // A kept selection gets a graph when one was wished for so many times for each of its rows: then
  // its searches have lost about as much as the graph will cost (chosen).
  static constexpr double kWishesPerRow = 1;
  // Makes the graph that was wished for most for its size, if that is often enough, if all such
  // graphs of a field are over no more than half of its vectors, and if the budget has room: for
  // `subsets_from` of `build` and more vectors, up to a fourth of all. Whether one was made;
  // searches go on meanwhile. One thread at a time. Errors: CANCELLED when the progress of `build`
  // says so, RESOURCE_EXHAUSTED out of memory.
  StatusOr<bool> GraphSomeSelection(const std::shared_ptr<MemoryBudget>& budget,
                                    BuildOptions build,
                                    double wishes_per_row = kWishesPerRow);

  // After this the directory is removed when the last reader is gone.
  void RemoveFilesWhenUnused();

  RowNo first_row() const override;
  RowNo last_row() const override;
  uint32_t rows() const override;
  bool sealed() const override { return true; }
  RowNo row_number(RowId row) const override;
  std::optional<RowId> FindRow(RowNo row) const override;
  std::string_view encoded_id(RowId row) const override;
  void FetchIds(std::span<const RowHit> hits) const override;
  // The first call makes a table of all ids, which stays.
  std::optional<RowBitmap> FindIds(const std::vector<PointId>& ids) const override;
  std::string_view payload(RowId row, SeqNo at) const override;
  void ChangePayload(RowId row, SeqNo at, std::string_view payload) override;
  const PayloadOverlay& payload_changes() const override;
  std::shared_ptr<const PayloadIndexes> payload_indexes() const override;
  VectorView vector(FieldIndex field, RowId row) const override;
  std::shared_ptr<const Postings> text_postings(PayloadIndexId index, uint32_t rows) const override;
  uint32_t vectors(FieldIndex field) const override;
  std::string_view sparse_vector(SparseIndex field, RowId row) const override;
  uint8_t multi_vectors(RowId row) const override;
  std::shared_ptr<const Postings> sparse_postings(SparseIndex field, uint32_t rows) const override;
  SeqNo deleted_at(RowId row) const override;
  void MarkDeleted(RowId row, SeqNo at) override;
  uint32_t deleted_rows() const override;
  void KeepAlive(SeqNo at, RowBitmap& rows) const override;
  SegmentChanges changes() const override;
  SelectionCache* selections() const override;
  IndexKind index_kind(FieldIndex field) const override;
  const MeasuredRecall* measured_recall(FieldIndex field) const override;
  std::shared_ptr<const SubsetGraph> FindSubset(FieldIndex field,
                                                const SelectedRows& selected) const override;
  void WishForSubset(FieldIndex field, const SelectedRows& selected) const override;
  StatusOr<std::vector<RowHit>> SearchIndex(const SegmentSearch& search) const override;
  StatusOr<std::vector<RowHit>> SearchExact(const SegmentSearch& search) const override;
  size_t memory_bytes() const override;
  size_t disk_bytes() const override;
  FieldMemory field_memory(FieldIndex field) const override;
  FieldMemory sparse_memory(SparseIndex field) const override;
  // Of the file of ids and payloads.
  size_t mapped_row_bytes() const;

 private:
  struct Impl;
  explicit SealedSegment(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace alidade
