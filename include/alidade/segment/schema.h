// Schema: the vector fields and payload indexes of a collection, as every layer from segment
// upwards sees them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/types.h"
#include "alidade/filter/payload_index_spec.h"
#include "alidade/index/index_spec.h"
#include "alidade/vec/metric.h"

namespace alidade {

struct VectorField {
  FieldId id;
  std::string name;
  uint32_t dim = 0;
  Metric metric = Metric::kCosine;
  IndexSpec index;

  friend bool operator==(const VectorField&, const VectorField&) = default;
};

// Position of a field in Schema::fields; what arrays inside a segment are indexed by.
using FieldIndex = size_t;

// Fields are only ever added, at the end: older segments then have no vectors of the new ones.
struct Schema {
  std::vector<VectorField> fields;
  std::vector<PayloadIndexSpec> payload_indexes = {};  // in the order of their ids

  std::optional<FieldIndex> FindField(std::string_view name) const {
    for (FieldIndex i = 0; i < fields.size(); ++i) {
      if (fields[i].name == name) {
        return i;
      }
    }
    return std::nullopt;
  }

  friend bool operator==(const Schema&, const Schema&) = default;
};

}  // namespace alidade
