// CompiledFilter: a filter made ready for many points: paths split, value sets sorted, texts
// folded, instants read, cheap conditions before dear ones.
//
// Threads:  immutable; any number of concurrent Matches calls.
// Owns:     copies of all it needs; the Filter may go.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "alidade/common/limits.h"
#include "alidade/common/status.h"
#include "alidade/filter/filter.h"

namespace alidade {

// What a filter may ask about a point. Borrows.
struct FilterSubject {
  std::string_view payload;          // an encoded object (common/payload_codec.h)
  std::string_view encoded_id = {};  // PointId::Encode; read only if asks_id()
  uint32_t vectors = 0;              // bit i: has a vector in field i; only asks_vectors() are read
};
static_assert(kVectorFieldsMax <= 32);

class Condition;

class CompiledFilter {
 public:
  // `vector_fields`: names in the order of the bits of FilterSubject::vectors; empty: there is
  // none. Requires: the filter passed ValidateFilter (its depth bounds the recursion). Errors:
  // INVALID_ARGUMENT with the path of a HasVector whose field is not among them.
  static StatusOr<CompiledFilter> Make(const Filter& filter,
                                       std::span<const std::string_view> vector_fields,
                                       const std::string& path);

  // Allocates nothing, but for a TextMatch. Malformed payload bytes yield some answer, never a read
  // past their end.
  bool Matches(const FilterSubject& point) const;

  bool asks_id() const { return asks_id_; }
  // Bit i: whether a vector is there in field i matters.
  uint32_t asks_vectors() const { return asks_vectors_; }
  // How often Matches looks at a byte of the payload at most, roughly: for looks at the clock.
  uint64_t passes() const { return passes_; }

 private:
  friend class FilterCompiler;
  CompiledFilter() = default;

  std::shared_ptr<const Condition> root_;
  bool asks_id_ = false;
  uint32_t asks_vectors_ = 0;
  uint64_t passes_ = 0;
};

}  // namespace alidade
