// Files of writes that are done as one: a JSON object for each operation, one in a line.
//
// Format:   {"op": "upsert", "collection": C, "points": [{"id": 7, "vectors": {"v": [1, 2]},
//            "sparse": {"s": {"3": 0.5}}, "multi_vectors": {"m": [[1, 2], [0, 1]]},
//            "payload": {...}}], "mode": "insert_only" or "update_only" if not all}
//           {"op": "delete", "collection": C, "ids": [7, "a"]}, or "filter": "year < 2000"
//           {"op": "set_payload", .. as delete .., "payload": {...}}
//           {"op": "overwrite_payload", .. as delete .., "payload": {...}}
//           {"op": "delete_payload", .. as delete .., "keys": ["a.b"]}
//           "if_seqs": [3, 0], one for each point or id, with any of them. Empty lines are skipped,
//           other keys refused.
#pragma once

#include <istream>
#include <string>

#include "alidade/v1/points.pb.h"

#include "alidade/common/status.h"

namespace alidade {

// Errors: INVALID_ARGUMENT that names the line.
StatusOr<alidade::v1::WriteBatchRequest> ReadBatch(std::istream& lines, const std::string& name);

}  // namespace alidade
