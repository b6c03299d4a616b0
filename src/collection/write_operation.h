// WriteOperation: the changes of one write on their way through the commit group: all or nothing.
//
// Path:     upsert 4/7 (from collection/write_path.cc, to collection/commit_group.cc)
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "point_change.h"

namespace alidade {

class WriteOperation final : public CommitOperation {
 public:
  // Borrows the options. Of a batch, errors name the part and receipts count by part.
  WriteOperation(const WriteOptions& options,
                 std::vector<std::unique_ptr<PointChange>> parts,
                 bool batch);

  Status Prepare(CommitContext& context) override;
  void Apply(SeqNo seq) override;
  Durability durability() const override { return options_.durability; }
  size_t byte_size() const override;
  bool allowed_on_full_disk() const override;
  const std::string& request_id() const override { return options_.request_id; }
  uint64_t fingerprint() const override;
  void Count(WriteReceipt& receipt) const override;

 private:
  // One collection that is written to, and its writer's state around this write.
  struct Target {
    Collection* collection = nullptr;
    WriterMark before;
    WriterMark after;
  };

  Status PrepareParts(CommitContext& context);
  // Whether the disk has room for this many bytes.
  Status CheckRoom(size_t bytes) const;

  const WriteOptions& options_;
  const std::vector<std::unique_ptr<PointChange>> parts_;
  const bool batch_;
  std::vector<Target> targets_;  // distinct
};

// The same error, with its place in a batch: "operations[i]" comes before its field or its message.
Status InPart(const Status& status, size_t part);

}  // namespace alidade
