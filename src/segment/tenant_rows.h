// Whose the rows of a segment are, where a payload index says that (PayloadIndexSpec::tenant): rows
// of one tenant lie side by side, and those of a large one get a graph of their own.
#pragma once

#include <cstdint>
#include <vector>

#include "alidade/common/types.h"
#include "alidade/filter/payload_index_spec.h"
#include "alidade/index/subset_graphs.h"

#include "rows_file.h"

namespace alidade {

// Of each row the number of its tenant, whose least value counts, from 1 on; 0: nobody's.
using RowTenants = std::vector<uint32_t>;

// Sorts the rows by tenant, nobody's first, but for the first `kept` of them: a graph that is kept
// keeps its rows where they are.
RowTenants SortByTenant(const PayloadIndexSpec& tenant, size_t kept, RowSelection& selection);

// The slots of each tenant that has at least `rows_min` of a field's vectors, by its first one;
// none if one has all of them.
SubsetGraphs::Subsets LargeTenants(const RowTenants& tenants,
                                   const RowSelection& selection,
                                   FieldIndex field,
                                   uint32_t rows_min);

}  // namespace alidade
