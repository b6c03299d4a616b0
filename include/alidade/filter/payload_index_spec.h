// PayloadIndexSpec: what a payload index is over.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/types.h"
#include "alidade/text/analyzer.h"
#include "alidade/text/bm25.h"

namespace alidade {

enum class PayloadIndexType : uint8_t {  // on disk: numbers are never reused
  kKeyword = 1,                          // strings
  kInteger = 2,                          // numbers
  kFloat = 3,                            // numbers: filters compare them by value, whichever kind
  kBool = 4,
  kDatetime = 5,  // strings that ParseInstant takes
  kUuid = 6,      // strings
  kGeo = 7,       // objects with "lat" and "lon"
  kText = 8,      // words of strings: searched by them, ranked by BM25
};

// "keyword", "integer", ..., as flags and messages name them; "unknown" for a number that there is
// not.
std::string_view PayloadIndexTypeName(PayloadIndexType type);
std::optional<PayloadIndexType> FindPayloadIndexType(std::string_view name);

// Whether an index of this type may tell whose a row is.
constexpr bool MayBeTenant(PayloadIndexType type) {
  return type == PayloadIndexType::kKeyword || type == PayloadIndexType::kUuid ||
         type == PayloadIndexType::kInteger;
}

struct TextIndexOptions {
  AnalyzerConfig analyzer = {};
  Bm25Parameters bm25 = {};
  friend bool operator==(const TextIndexOptions&, const TextIndexOptions&) = default;
};

struct PayloadIndexSpec {
  PayloadIndexId id;  // given by the server, never reused within the collection
  std::string key;    // dotted path
  PayloadIndexType type = PayloadIndexType::kKeyword;
  TextIndexOptions text = {};  // kText only
  // Segments keep rows of one value side by side. Of at most one index of a collection, and where
  // MayBeTenant.
  bool tenant = false;

  friend bool operator==(const PayloadIndexSpec&, const PayloadIndexSpec&) = default;
};

// The one that says whose a row is; null: none does.
inline const PayloadIndexSpec* FindTenantIndex(const std::vector<PayloadIndexSpec>& indexes) {
  const auto found = std::ranges::find(indexes, true, &PayloadIndexSpec::tenant);
  return found == indexes.end() ? nullptr : &*found;
}

}  // namespace alidade
