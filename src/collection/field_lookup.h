// Vector fields by their names in requests.
#pragma once

#include <string>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/segment/schema.h"

namespace alidade {

// The field of that name; of an empty name the only one. Errors: INVALID_ARGUMENT with `path`.
StatusOr<FieldIndex> FindFieldOrError(const Schema& schema,
                                      const std::string& name,
                                      const std::string& path);
// The sparse field of that name; of an empty name the only one. Errors likewise.
StatusOr<SparseIndex> FindSparseFieldOrError(const Schema& schema,
                                             const std::string& name,
                                             const std::string& path);
// The multi-vector field of that name; of an empty name the only one. Errors likewise.
StatusOr<size_t> FindMultiVectorFieldOrError(const Schema& schema,
                                             const std::string& name,
                                             const std::string& path);
// Of `with_vectors`, in the order of the names: fields of any kind.
StatusOr<std::vector<FieldRef>> FindFields(const Schema& schema,
                                           const std::vector<std::string>& names);

}  // namespace alidade
