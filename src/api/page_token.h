// Page tokens: opaque text that says where a listing goes on.
//
// Format:   hex of {version 1, XXH3-64 of scope and position, position}. Not a secret and no right
// of access: the
//           checksum refuses tokens that are damaged or belong to another listing.
#pragma once

#include <string>
#include <string_view>

#include "alidade/common/status.h"

namespace alidade {

// `scope` names the listing (method, collection, filter); `position` is where it goes on, not
// empty.
std::string MakePageToken(std::string_view scope, std::string_view position);

// The position; empty for an empty token. INVALID_ARGUMENT naming `field` unless MakePageToken
// made it for the same scope.
StatusOr<std::string> ReadPageToken(std::string_view scope,
                                    std::string_view token,
                                    const char* field = "page_token");

// 0: `page_default`; at most `page_max`.
uint32_t ClampPageSize(uint32_t page_size, uint32_t page_default, uint32_t page_max);

}  // namespace alidade
