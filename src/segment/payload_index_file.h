// The file of one payload index of a sealed segment.
//
// No manifest names it: its header says whose it is and how its body hashes, and its id is never
// used again in the collection. One that is missing, cut short or damaged is made anew from the
// payloads of the segment; filters look at those meanwhile.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "alidade/filter/indexed_selection.h"
#include "alidade/index/vector_index.h"

#include "segment_file.h"

namespace alidade {

// The identity of the index's file, from that of its segment's rows.
SegmentFileIdentity PayloadIndexIdentity(SegmentFileIdentity rows, PayloadIndexId id);

// Writes the file under its own name, in place of one that may be there; its name is durable when
// the directory is synced. `payload_of(row)` of rows 0 .. identity.rows - 1.
// Errors: CANCELLED when `progress` (may be null) says so; RESOURCE_EXHAUSTED, INTERNAL.
Status WritePayloadIndexFile(const std::string& directory,
                             const SegmentFileIdentity& identity,
                             const PayloadIndexSpec& spec,
                             const std::function<std::string_view(RowId)>& payload_of,
                             const BuildProgress* progress);

// NOT_FOUND if there is none; DATA_LOSS if there is something else.
StatusOr<KeyedPayloadIndex> OpenPayloadIndexFile(const std::string& directory,
                                                 const SegmentFileIdentity& identity,
                                                 const PayloadIndexSpec& spec);

}  // namespace alidade
