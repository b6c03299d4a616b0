// StoredPoints: points of one snapshot of the store, and what of them a read returns.
//
// Threads:  thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/collection/requests.h"
#include "alidade/common/status.h"
#include "alidade/segment/schema.h"
#include "alidade/storage/store.h"

namespace alidade {

// A vector as the store keeps it.
std::vector<float> FloatsOf(std::string_view bytes);

// What of a point a read returns besides its id.
struct PointParts {
  const PayloadSelector& payload;
  const std::vector<std::string>& names;
  const std::vector<FieldRef>& fields;
};

class StoredPoints {
 public:
  StoredPoints(const Store& store,
               KeySpace space,
               const Schema& schema,
               const StoreSnapshot* snapshot)
      : store_(store), space_(space), schema_(schema), snapshot_(snapshot) {}

  // Errors: DATA_LOSS if a row is missing.
  Status Read(const std::vector<RowNo>& rows, const PointParts& parts, std::vector<Point>& out);
  // For each row, which of the fields asked about (bits, as in CompiledFilter) have a vector.
  StatusOr<std::vector<uint32_t>> Present(uint32_t asked, const std::vector<RowNo>& rows);

 private:
  StatusOr<std::vector<std::optional<std::string>>> ReadField(FieldRef field,
                                                              const std::vector<RowNo>& rows) const;

  const Store& store_;
  const KeySpace space_;
  const Schema& schema_;
  const StoreSnapshot* snapshot_;
};

}  // namespace alidade
