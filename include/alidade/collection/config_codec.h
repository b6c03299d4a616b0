// Bytes of a collection's configuration and state in the `meta` column family.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "alidade/collection/requests.h"

namespace alidade {

std::string CollectionMetaName(CollectionId id);  // 4 bytes, big-endian

std::string EncodeConfig(const CollectionConfig& config);
StatusOr<CollectionConfig> DecodeConfig(std::string_view bytes);

// Counters that change with every write of a collection.
struct CollectionState {
  RowNo next_row;
  uint64_t live_rows = 0;
  SeqNo seq;
};
std::string EncodeState(const CollectionState& state);
StatusOr<CollectionState> DecodeState(std::string_view bytes);

// Key of a segment's manifest: collection and segment, big-endian.
std::string ManifestMetaName(CollectionId collection, SegmentId segment);

}  // namespace alidade
