// Fields of a collection between the wire and the domain.
//
// Threads:  pure functions.
#pragma once

#include "alidade/v1/collections.pb.h"

#include "alidade/collection/config.h"
#include "alidade/common/limits.h"
#include "alidade/common/status.h"

#include "field_path.h"

namespace alidade {

// Adds the fields of every kind of the collection at `path`; names are different among all.
// Errors: INVALID_ARGUMENT with the path of the field.
Status DecodeFields(const v1::Collection& in,
                    const Limits& limits,
                    const FieldPath& path,
                    CollectionConfig& config);
void EncodeFields(const CollectionConfig& in, v1::Collection& out);

// Same names, dimensions, metrics and indexes in the same order; the other fields likewise.
bool SameVectorFields(const CollectionConfig& a, const CollectionConfig& b);

v1::Metric EncodeMetric(Metric in);
// A number of StorageType or of ElementType; 0: float32.
StatusOr<ElementType> DecodeElement(int in, const FieldPath& path);
StatusOr<IndexSpec> DecodeIndexSpec(const v1::IndexSpec& in, uint32_t dim, const FieldPath& path);

}  // namespace alidade
