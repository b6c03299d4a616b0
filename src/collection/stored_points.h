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
std::vector<float> FloatsOf(std::string_view bytes, ElementType element);

// Chosen: more than a reply may have by default, far less than memory.
inline constexpr size_t kMultiVectorReadBytesMax = size_t{256} << 20;

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
  // Of the fields asked about (VectorBit), those in which a row that was read has a vector.
  StatusOr<uint32_t> Present(uint32_t asked, RowNo row, const StoredRow& stored) const;

  // The vectors of a field of Schema::multi_vector_fields: nothing where a row has none, or died
  // before the snapshot. Errors: RESOURCE_EXHAUSTED if all that were read through this take more
  // than kMultiVectorReadBytesMax.
  StatusOr<std::vector<std::optional<MultiVector>>> ReadMultiVectors(
      size_t field, const std::vector<RowNo>& rows);

 private:
  // Adds the vectors of one field to the points of the rows.
  Status ReadVectors(const std::vector<RowNo>& rows,
                     FieldRef field,
                     const std::string& name,
                     std::vector<Point>& out);
  StatusOr<std::vector<std::optional<std::string>>> ReadField(FieldRef field,
                                                              const std::vector<RowNo>& rows) const;

  const Store& store_;
  const KeySpace space_;
  const Schema& schema_;
  const StoreSnapshot* snapshot_;
  size_t multi_vector_bytes_ = 0;  // read so far
};

}  // namespace alidade
