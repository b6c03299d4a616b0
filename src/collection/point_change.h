// PointChange: one change of the points of one collection: a write by itself, or a part of a batch.
//
// Path:     upsert 4/7 (from collection/write_operation.cc)
// Threads:  writer only, but for its making.
#pragma once

#include <cstdint>
#include <string_view>

#include "alidade/collection/collection.h"
#include "alidade/common/checksum.h"

namespace alidade {

class PointChange {
 public:
  virtual ~PointChange() = default;
  PointChange(const PointChange&) = delete;
  PointChange& operator=(const PointChange&) = delete;

  Collection& collection() const { return collection_; }

  // Adds its keys to the batch and changes the writer's state. After an error both may hold a part
  // of it: the caller takes them back.
  virtual Status Prepare(CommitContext& context) = 0;
  // The batch is written: makes the change ready for a view at `seq`.
  virtual void Apply(SeqNo seq) = 0;

  virtual size_t byte_size() const = 0;
  virtual uint64_t fingerprint() const = 0;
  virtual bool allowed_on_full_disk() const { return false; }
  // After Prepare.
  virtual WriteCounts counts() const = 0;

 protected:
  explicit PointChange(Collection& collection) : collection_(collection) {}

 private:
  Collection& collection_;
};

// With its length, so that no two requests differ only in where a part ends.
inline void AddPart(Hasher128& hasher, std::string_view part) {
  const uint64_t bytes = part.size();
  hasher.Update({reinterpret_cast<const char*>(&bytes), sizeof(bytes)});
  hasher.Update(part);
}

}  // namespace alidade
