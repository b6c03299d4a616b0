// UpsertChange: points that replace what is there under their ids, if the mode and the seqs that
// they are expected at allow it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "point_change.h"

namespace alidade {

class UpsertChange final : public PointChange {
 public:
  // Borrows the request, whose points are loaded by Load.
  UpsertChange(Collection& collection, const UpsertRequest& request)
      : PointChange(collection), request_(request) {}
  // Last of equal ids wins; checks fields, dimensions, values. The fingerprint, for which all bytes
  // are read, is only made if somebody asks for it.
  Status Load(const Schema& schema, bool fingerprint);

  Status Prepare(CommitContext& context) override;
  void Apply(SeqNo seq) override;
  size_t byte_size() const override { return bytes_; }
  uint64_t fingerprint() const override { return fingerprint_; }
  WriteCounts counts() const override {
    return {.points = rows_.size() - skipped_, .skipped = skipped_};
  }

 private:
  struct Row {
    size_t index = 0;  // of the request's points
    std::string encoded_id;
    const std::string* payload = nullptr;
    std::vector<std::string_view> vectors;  // by FieldIndex, as they are stored; empty: absent
    std::vector<std::string> rounded;       // what some of these views are of
    std::vector<std::string> sparse;        // by SparseIndex, encoded; empty: absent
    std::vector<std::string> multi;         // likewise, of multi-vector fields
    uint32_t present = 0;                   // VectorBit of the fields that it has a vector in
    RowNo number;
    std::optional<RowNo> replaces;
    bool skipped = false;
  };

  // What is stored encoded: sparse vectors and multi-vectors. No error after CheckPoint.
  static Status LoadEncoded(const Schema& schema, const UpsertPoint& point, Row& row);
  Status CheckPoint(const std::vector<FieldIndex>& fields,
                    const Schema& schema,
                    size_t index) const;
  void PrepareRow(CommitContext& context, const std::vector<FieldId>& field_ids, Row& row);
  void Fingerprint();

  const UpsertRequest& request_;
  std::vector<Row> rows_;
  size_t skipped_ = 0;
  size_t bytes_ = 0;
  uint64_t fingerprint_ = 0;
};

}  // namespace alidade
