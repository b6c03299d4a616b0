#include "model/plain_model.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "support/filter_match.h"

namespace alidade {
namespace {

bool Passes(const Filter* filter, const OwnedPoint& point) {
  if (filter == nullptr) {
    return true;
  }
  std::string payload;
  EncodeObject(point.payload, payload);
  return Matches(*filter, payload);
}

double DistanceOf(Metric metric, const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0;
  double difference = 0;
  double norm_a = 0;
  double norm_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    dot += x * y;
    difference += (x - y) * (x - y);
    norm_a += x * x;
    norm_b += y * y;
  }
  switch (metric) {
    case Metric::kL2:
      return std::sqrt(difference);
    case Metric::kDot:
      return -dot;
    case Metric::kCosine:
      break;
  }
  return 1 - dot / std::sqrt(norm_a * norm_b);
}

}  // namespace

uint64_t ModelCollection::Upsert(const std::vector<OwnedPoint>& points, SeqNo at) {
  seq = at;
  std::set<std::string> distinct;
  for (const OwnedPoint& point : points) {
    const std::string id = point.id.Encode();
    const auto [place, fresh] = points_.try_emplace(id);
    ModelPoint& held = place->second;
    if (fresh || (mistake_ == Mistake::kCountsReplacedTwice && !distinct.contains(id))) {
      ++counted_;
    }
    distinct.insert(id);
    const Object before = held.point.payload;
    held.point = point;
    held.seq = at;
    if (!fresh && mistake_ == Mistake::kKeepsPayloadOnReplace) {
      held.point.payload = before;
    }
  }
  return distinct.size();
}

uint64_t ModelCollection::Delete(const std::vector<PointId>& ids) {
  uint64_t deleted = 0;
  for (const PointId& id : ids) {
    if (mistake_ == Mistake::kForgetsADelete && id.is_number() && id.number() % 10 == 7) {
      continue;
    }
    deleted += points_.erase(id.Encode());
  }
  counted_ -= deleted;
  return deleted;
}

uint64_t ModelCollection::Delete(const PointSelection& points) {
  if (points.filter == nullptr) {
    return Delete(points.ids);
  }
  std::vector<PointId> ids;
  for (const ModelPoint* held : List(points.filter.get())) {
    ids.push_back(held->point.id);
  }
  return Delete(ids);
}

namespace {

Object Edited(Object payload, const PayloadEdit& edit) {
  switch (edit.kind) {
    case PayloadEdit::Kind::kMerge:
      for (const auto& [key, value] : edit.merged) {
        payload[key] = value;
      }
      break;
    case PayloadEdit::Kind::kOverwrite:
      payload = DecodeObject(edit.whole).value();
      break;
    case PayloadEdit::Kind::kDeleteKeys:
      for (const std::string& key : edit.keys) {
        payload.erase(key);
        const size_t dot = key.find('.');
        const auto outer = payload.find(key.substr(0, dot));
        if (dot != std::string::npos && outer != payload.end() && outer->second.As<Object>()) {
          Object inner = *outer->second.As<Object>();
          inner.erase(key.substr(dot + 1));
          outer->second = Value(std::move(inner));
        }
      }
      break;
  }
  return payload;
}

}  // namespace

uint64_t ModelCollection::ChangePayload(const PayloadRequest& request, SeqNo at) {
  seq = at;
  std::set<std::string> chosen;
  for (const PointId& id : request.points.ids) {
    chosen.insert(id.Encode());
  }
  uint64_t changed = 0;
  for (auto& [id, held] : points_) {
    const Filter* filter = request.points.filter.get();
    if (filter == nullptr ? !chosen.contains(id) : !Passes(filter, held.point)) {
      continue;
    }
    Object after = Edited(held.point.payload, request.edit);
    if (after == held.point.payload) {
      continue;
    }
    ++changed;
    if (mistake_ == Mistake::kForgetsAPayloadChange && held.point.id.is_number() &&
        held.point.id.number() % 10 == 7) {
      continue;
    }
    held.point.payload = std::move(after);
    held.seq = at;
  }
  return changed;
}

const ModelPoint* ModelCollection::Find(const PointId& id) const {
  const auto found = points_.find(id.Encode());
  return found == points_.end() ? nullptr : &found->second;
}

uint64_t ModelCollection::Count(const Filter* filter) const {
  return filter == nullptr ? counted_ : List(filter).size();
}

std::vector<const ModelPoint*> ModelCollection::List(const Filter* filter) const {
  std::vector<const ModelPoint*> found;
  for (const auto& [id, held] : points_) {
    if (Passes(filter, held.point)) {
      found.push_back(&held);
    }
  }
  return found;
}

std::vector<ModelHit> ModelCollection::Rank(size_t field,
                                            const std::vector<float>& query,
                                            const Filter* filter) const {
  const VectorField& spec = config.fields[field];
  std::vector<ModelHit> hits;
  for (const auto& [id, held] : points_) {
    const auto vector = held.point.vectors.find(spec.name);
    if (vector != held.point.vectors.end() && Passes(filter, held.point)) {
      hits.push_back({held.point.id, DistanceOf(spec.metric, vector->second, query)});
    }
  }
  // Stable over a walk in the order of ids.
  std::stable_sort(hits.begin(), hits.end(), [](const ModelHit& a, const ModelHit& b) {
    return a.distance < b.distance;
  });
  return hits;
}

}  // namespace alidade
