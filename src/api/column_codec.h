// Columns of sparse vectors and of multi-vectors: one message for all points of a batch.
//
// Threads:  pure functions.
#pragma once

#include <vector>

#include <google/protobuf/repeated_field.h>

#include "alidade/v1/points.pb.h"

#include "alidade/collection/write_requests.h"
#include "alidade/common/status.h"

#include "field_path.h"

namespace alidade {

// Give each of the points its vector of each column. Whether there are such fields, and whether
// the dimension suits, is for the collection to check.
Status DecodeSparseColumns(const google::protobuf::RepeatedPtrField<v1::SparseVectorColumn>& in,
                           const FieldPath& path,
                           std::vector<UpsertPoint>& points);
Status DecodeMultiVectorColumns(const google::protobuf::RepeatedPtrField<v1::MultiVectorColumn>& in,
                                const FieldPath& path,
                                std::vector<UpsertPoint>& points);

}  // namespace alidade
