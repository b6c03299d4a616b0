// VectorCodes: the codes of the vectors of one field of one segment.
//
// Path:     search 6/8 (from src/index/hnsw_index.cc)
// Threads:  any number of readers; MakeResident beside them, one at a time.
// Owns:     resident copies; the body and what it maps must outlive it.
// Format:   src/index/codes_format.h
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string_view>

#include "alidade/common/status.h"
#include "alidade/common/zeroed_memory.h"
#include "alidade/index/byte_sink.h"
#include "alidade/index/index_spec.h"
#include "alidade/index/vector_index.h"
#include "alidade/vec/codes.h"
#include "alidade/vec/vector_matrix.h"

namespace alidade {

class VectorCodes {
 public:
  // Writes the body for all vectors of the matrix. Requires: `codes` is neither kAuto nor kNone.
  // Errors: CANCELLED when the progress says so, whatever the sink answers.
  static Status Write(CodesSetting codes,
                      const VectorMatrix& matrix,
                      const BuildProgress* progress,
                      ByteSink& sink);
  // Opens a body whose checksum was verified. DATA_LOSS if it is not one for this matrix.
  static StatusOr<std::unique_ptr<VectorCodes>> Open(std::string_view body,
                                                     const VectorMatrix& matrix);

  CodesSetting setting() const { return setting_; }
  const CodeSpace& space() const { return space_; }
  // What a walk reads.
  CodeMatrix walk() const { return View(walk_); }
  // 8-bit codes that rank what a walk by bits found; none if the walk itself reads the best codes.
  std::optional<CodeMatrix> rank() const {
    return rank_.bytes == 0 ? std::nullopt : std::optional(View(rank_));
  }

  // The most exact ones that there are.
  CodeMatrix finest() const { return rank().value_or(walk()); }
  CodedVectors coded() const { return {.records = finest(), .space = &space_}; }
  // Those of 8 bits among both.
  std::optional<CodeMatrix> eight_bits() const {
    return walk_.kind == CodeKind::kInt8 ? std::optional(walk()) : rank();
  }

  // Copies everything into huge pages, whence searches that begin later read it.
  // Throws std::bad_alloc.
  void MakeResident();
  // Bytes that MakeResident copies, or has copied.
  size_t body_bytes() const { return walk_.bytes + rank_.bytes; }
  bool resident() const { return resident_.load(std::memory_order_acquire); }

 private:
  struct Section {
    CodeKind kind = CodeKind::kInt8;
    size_t bytes = 0;
    std::atomic<const uint8_t*> records{nullptr};
    ZeroedMemory copy;
  };

  VectorCodes(CodesSetting setting, CodeSpace space, uint32_t count)
      : setting_(setting), space_(std::move(space)), count_(count) {}
  CodeMatrix View(const Section& section) const {
    return {.records = section.records.load(std::memory_order_acquire),
            .kind = section.kind,
            .dim = space_.dim(),
            .count = count_};
  }
  static void Copy(Section& section);

  CodesSetting setting_;
  CodeSpace space_;
  uint32_t count_;
  Section walk_;
  Section rank_;
  std::atomic<bool> resident_{false};
};

// Null: none.
inline CodedVectors CodedBy(const VectorCodes* codes) {
  return codes == nullptr ? CodedVectors() : codes->coded();
}

}  // namespace alidade
