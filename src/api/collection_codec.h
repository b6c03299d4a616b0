// Collections and aliases between the wire and the domain.
//
// Threads:  pure functions.
#pragma once

#include <vector>

#include "alidade/v1/collections.pb.h"

#include "alidade/collection/requests.h"
#include "alidade/common/limits.h"
#include "alidade/common/status.h"
#include "alidade/engine/engine.h"

#include "field_path.h"

namespace alidade {

inline constexpr size_t kDescriptionBytesMax = 4096;
inline constexpr size_t kLabelsMax = 64;
inline constexpr size_t kLabelKeyBytesMax = 128;
inline constexpr size_t kLabelValueBytesMax = 1024;
inline constexpr int kAliasActionsMax = 1000;

// Errors of all: INVALID_ARGUMENT with the path of the field.
StatusOr<CollectionConfig> DecodeCreateCollection(const v1::CreateCollectionRequest& in,
                                                  const Limits& limits);
// The change that a request about a payload index asks for, which has this index at `path`.
StatusOr<PayloadIndexChange> DecodePayloadIndexChange(const std::string& collection,
                                                      const v1::PayloadIndex& index,
                                                      const FieldPath& path);
// `current` is the collection as it is: dimensions bound the new index specs.
StatusOr<CollectionUpdate> DecodeUpdateCollection(const v1::UpdateCollectionRequest& in,
                                                  const CollectionInfo& current,
                                                  const Limits& limits);
StatusOr<std::vector<AliasAction>> DecodeUpdateAliases(const v1::UpdateAliasesRequest& in);

void EncodeCollection(const CollectionInfo& in, v1::Collection& out);

}  // namespace alidade
