// PlainModel: what a collection should answer, as a map and loops over it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "alidade/collection/requests.h"

#include "model/operation.h"
#include "support/point_batch.h"

namespace alidade {

// Deliberate mistakes of the model, to prove that a difference is found and shrunk.
enum class Mistake : uint8_t {
  kNone,
  kForgetsADelete,         // of ids whose number ends in 7
  kKeepsPayloadOnReplace,  // an upsert changes vectors only
  kCountsReplacedTwice,
  kForgetsAPayloadChange,  // of ids whose number ends in 7
};

struct ModelPoint {
  OwnedPoint point;
  SeqNo seq;
};

struct ModelHit {
  PointId id;
  double distance = 0;  // as SearchHit::distance
};

// One collection.
class ModelCollection {
 public:
  ModelCollection() = default;
  explicit ModelCollection(const CollectionConfig& first_config, Mistake mistake)
      : config(first_config), mistake_(mistake) {}

  // The number of distinct ids.
  uint64_t Upsert(const std::vector<OwnedPoint>& points, SeqNo seq);
  // The number of ids that were there.
  uint64_t Delete(const std::vector<PointId>& ids);
  uint64_t Delete(const PointSelection& points);
  // The number of points whose payload is another then.
  uint64_t ChangePayload(const PayloadRequest& request, SeqNo seq);

  const ModelPoint* Find(const PointId& id) const;
  uint64_t Count(const Filter* filter) const;
  // In the order of ids.
  std::vector<const ModelPoint*> List(const Filter* filter) const;
  // All that have the vector and pass the filter, nearest first, ties by id.
  std::vector<ModelHit> Rank(size_t field,
                             const std::vector<float>& query,
                             const Filter* filter) const;

  CollectionConfig config;
  uint64_t generation = 0;  // rises with each creation of a collection of this name
  SeqNo seq;                // newest write

 private:
  std::map<std::string, ModelPoint> points_;  // by encoded id
  uint64_t counted_ = 0;
  Mistake mistake_ = Mistake::kNone;
};

// A request id that the server should remember.
struct ModelRequest {
  std::string id;
  Operation operation;
  uint64_t generation = 0;
  SeqNo seq;
  uint64_t points = 0;
};

struct PlainModel {
  explicit PlainModel(Mistake mistake) : mistake_made(mistake) {
    for (const CollectionConfig& config : ModelCollections()) {
      collections.emplace_back(config, mistake);
    }
  }

  std::vector<ModelCollection> collections;
  std::map<std::string, std::string> aliases;
  std::deque<ModelRequest> requests;  // oldest first
  uint64_t requests_made = 0;
  SeqNo seq;
  Mistake mistake_made;
};

}  // namespace alidade
