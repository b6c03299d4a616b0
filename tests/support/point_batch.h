// PointBatch: points with owned vectors, and the upsert request that lends them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alidade/collection/requests.h"
#include "alidade/common/payload_codec.h"

namespace alidade {

struct OwnedPoint {
  PointId id;
  Object payload;
  std::map<std::string, std::vector<float>> vectors;  // by field name
  std::map<std::string, SparseVector> sparse_vectors = {};
  std::map<std::string, MultiVector> multi_vectors = {};

  friend bool operator==(const OwnedPoint&, const OwnedPoint&) = default;
};

inline PointId Id(uint64_t number) { return PointId(number); }

// A point with one vector, in the field "v".
inline OwnedPoint MakePoint(PointId id, std::vector<float> vector, Object payload = {}) {
  return {std::move(id), std::move(payload), {{"v", std::move(vector)}}};
}

inline UpsertRequest MakeUpsert(std::vector<OwnedPoint> points,
                                const std::string& collection = "c") {
  auto owned = std::make_shared<std::vector<OwnedPoint>>(std::move(points));
  UpsertRequest request;
  request.collection = collection;
  for (const OwnedPoint& point : *owned) {
    for (const auto& [name, vector] : point.vectors) {
      if (std::find(request.field_names.begin(), request.field_names.end(), name) ==
          request.field_names.end()) {
        request.field_names.push_back(name);
      }
    }
  }
  for (const OwnedPoint& point : *owned) {
    UpsertPoint made;
    made.id = point.id;
    EncodeObject(point.payload, made.payload);
    made.sparse_vectors = point.sparse_vectors;
    made.multi_vectors = point.multi_vectors;
    for (const std::string& name : request.field_names) {
      const auto found = point.vectors.find(name);
      made.vectors.push_back(found == point.vectors.end() ? std::span<const float>()
                                                          : std::span<const float>(found->second));
    }
    request.points.push_back(std::move(made));
  }
  request.backing = owned;
  return request;
}

inline DeleteRequest MakeDelete(std::vector<PointId> ids, const std::string& collection = "c") {
  DeleteRequest request;
  request.collection = collection;
  request.points.ids = std::move(ids);
  return request;
}

// key == value
inline std::shared_ptr<const Filter> Equals(std::string key, Value value) {
  return std::make_shared<Filter>(Filter{In{std::move(key), {std::move(value)}}});
}

}  // namespace alidade
