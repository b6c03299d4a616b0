// JSON to and from the API's typed values, and the simple JSON form of filters of prepared queries.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "alidade/v1/common.pb.h"
#include "alidade/v1/filter.pb.h"

#include "alidade/common/status.h"

namespace alidade {

// Integers become int64, other numbers double. INVALID_ARGUMENT for integers beyond int64.
Status JsonToValue(const nlohmann::json& json, alidade::v1::Value& value);
Status JsonToObject(const nlohmann::json& json, alidade::v1::Object& object);
// {"indices": [3, 7], "values": [0.5, 1]} or {"3": 0.5, "7": 1}; the vector has its indices rising.
Status JsonToSparse(const nlohmann::json& json, alidade::v1::SparseVector& vector);
// [[0.5, 1], [2, -1]]: a list of vectors of equal lengths, which the result has packed.
Status JsonToMultiVector(const nlohmann::json& json, alidade::v1::MultiVector& vectors);
std::string ValueText(const alidade::v1::Value& value);
std::string ObjectText(const alidade::v1::Object& object);

// All of the keys must hold:
//   {"pos": "noun", "length": {"lt": 60}, "word": ["cat", "dog"], "not": {...}, "any": [{...},
//   {...}]}
// Also {"equals": {"pos": "verb"}} and {"range": {"key": "length", "lt": 60}}.
Status JsonToFilter(const nlohmann::json& json, alidade::v1::Filter& filter);

}  // namespace alidade
