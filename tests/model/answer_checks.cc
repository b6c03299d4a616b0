#include "model/answer_checks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "alidade/filter/filter_text.h"

namespace alidade {
namespace {

constexpr double kCosineTolerance = 1e-5;

Status ComparePoint(const Point& got, const ModelPoint& wanted, const CollectionConfig& config) {
  if (got.id != wanted.point.id || got.seq != wanted.seq) {
    return Differs("point {} of seq {}, wanted {} of seq {}",
                   got.id.ToString(),
                   got.seq,
                   wanted.point.id.ToString(),
                   wanted.seq);
  }
  if (got.payload != wanted.point.payload) {
    return Differs("the payload of {} differs", got.id.ToString());
  }
  for (const VectorField& field : config.fields) {
    const auto a = got.vectors.find(field.name);
    const auto b = wanted.point.vectors.find(field.name);
    if ((a == got.vectors.end()) != (b == wanted.point.vectors.end()) ||
        (a != got.vectors.end() && a->second != b->second)) {
      return Differs("the vector {} of {} differs", field.name, got.id.ToString());
    }
  }
  return OkStatus();
}

std::vector<std::string> FieldNames(const CollectionConfig& config) {
  std::vector<std::string> names;
  for (const VectorField& field : config.fields) {
    names.push_back(field.name);
  }
  return names;
}

// Exact: hit by hit. Approximate: as many, each one real and in order; the ranking may be worse.
Status CompareHits(const ReadContext& read,
                   const SearchResult& got,
                   const std::vector<ModelHit>& wanted,
                   const SearchQuery& query,
                   Metric metric) {
  const size_t count = std::min<size_t>(query.k, wanted.size());
  if (got.hits.size() != count) {
    return Differs("{} hits of k = {}, wanted {}", got.hits.size(), query.k, count);
  }
  if (query.exact && !got.exact) {
    return Differs("an exact search was answered approximately");
  }
  std::map<std::string, double> distances;
  for (const ModelHit& hit : wanted) {
    distances[hit.id.Encode()] = hit.distance;
  }
  std::set<std::string> seen;
  for (size_t i = 0; i < count; ++i) {
    const SearchHit& hit = got.hits[i];
    const std::string id = hit.point.id.Encode();
    const auto real = distances.find(id);
    if (real == distances.end() || !seen.insert(id).second) {
      return Differs("hit {} is {}, which {}",
                     i,
                     hit.point.id.ToString(),
                     real == distances.end() ? "must not be found" : "came twice");
    }
    const double distance = metric == Metric::kCosine ? 1 - hit.score : hit.distance;
    if (std::abs(distance - real->second) > kCosineTolerance) {
      return Differs("{} is at {}, wanted {}", hit.point.id.ToString(), distance, real->second);
    }
    if (i > 0 && got.hits[i - 1].score < hit.score) {
      return Differs("hit {} is better than the one before", i);
    }
    const bool same_place = metric != Metric::kCosine
                                ? hit.point.id == wanted[i].id
                                : std::abs(distance - wanted[i].distance) <= kCosineTolerance;
    if (query.exact && !same_place) {
      return Differs("hit {} is {} at {}, wanted {} at {}",
                     i,
                     hit.point.id.ToString(),
                     distance,
                     wanted[i].id.ToString(),
                     wanted[i].distance);
    }
    ++read.hits_compared;
  }
  return OkStatus();
}

}  // namespace

Status CheckGet(const ReadContext& read, const Operation& operation) {
  const ModelCollection& target = read.target;
  GetRequest request;
  request.collection = read.name;
  request.ids = IdsOf(operation);
  request.payload.mode = PayloadSelector::Mode::kAll;
  request.vectors = FieldNames(target.config);
  request.options.min_seq = read.min_seq;
  ALIDADE_ASSIGN_OR_RETURN(const GetResponse response, read.engine.Get(request));
  for (size_t i = 0; i < request.ids.size(); ++i) {
    const ModelPoint* wanted = target.Find(request.ids[i]);
    if (response.points[i].has_value() != (wanted != nullptr)) {
      return Differs(
          "{} is {}", request.ids[i].ToString(), wanted != nullptr ? "missing" : "there");
    }
    if (wanted != nullptr) {
      ALIDADE_RETURN_IF_ERROR(ComparePoint(*response.points[i], *wanted, target.config));
    }
  }
  return OkStatus();
}

Status CheckCount(const ReadContext& read, const Operation& operation) {
  for (const auto& filter : {FilterOf(operation), std::shared_ptr<const Filter>()}) {
    CountRequest request;
    request.collection = read.name;
    request.filter = filter;
    ALIDADE_ASSIGN_OR_RETURN(const CountResponse response, read.engine.Count(request));
    const uint64_t wanted = read.target.Count(filter.get());
    if (response.points != wanted) {
      return Differs("count is {}, wanted {} ({})",
                     response.points,
                     wanted,
                     filter == nullptr ? "all" : DescribeFilter(*filter));
    }
  }
  return OkStatus();
}

Status CheckList(const ReadContext& read, const Operation& operation) {
  const ModelCollection& target = read.target;
  const auto filter = FilterOf(operation);
  ListRequest request;
  request.collection = read.name;
  request.filter = filter;
  request.page_size = 1 + static_cast<uint32_t>(operation.seed % 90);
  request.payload.mode = PayloadSelector::Mode::kAll;
  request.vectors = FieldNames(target.config);
  const auto wanted = target.List(filter.get());
  size_t next = 0;
  do {
    ALIDADE_ASSIGN_OR_RETURN(const ListResponse response, read.engine.List(request));
    for (const Point& point : response.points) {
      if (next == wanted.size()) {
        return Differs("the list goes on behind its end with {}", point.id.ToString());
      }
      ALIDADE_RETURN_IF_ERROR(ComparePoint(point, *wanted[next++], target.config));
    }
    request.after = response.next;
  } while (!request.after.empty());
  return next == wanted.size() ? OkStatus()
                               : Differs("the list has {} points, wanted {}", next, wanted.size());
}

Status CheckSearch(const ReadContext& read, const Operation& operation, bool exact) {
  const ModelCollection& target = read.target;
  std::mt19937_64 rng(operation.seed);
  const size_t field = rng() % target.config.fields.size();
  const VectorField& spec = target.config.fields[field];
  SearchQuery query;
  query.field = spec.name;
  query.k = 1 + static_cast<uint32_t>(rng() % 60);
  query.exact = exact;
  query.filter = FilterOf(operation);
  query.payload =
      std::make_shared<const PayloadSelector>(PayloadSelector{PayloadSelector::Mode::kAll, {}});
  std::vector<float> vector = VectorOf(rng, spec.dim);
  query.target = vector;
  PointId self(~uint64_t{0});
  if (const ModelPoint* stored = target.Find(ModelId(operation.first));
      stored != nullptr && stored->point.vectors.contains(spec.name) && rng() % 3 == 0) {
    self = stored->point.id;
    vector = stored->point.vectors.at(spec.name);
    query.target = self;
  }
  SearchRequest request;
  request.collection = read.name;
  request.queries = {query};
  ALIDADE_ASSIGN_OR_RETURN(const SearchResponse response, read.engine.Search(request));
  std::vector<ModelHit> wanted = target.Rank(field, vector, query.filter.get());
  std::erase_if(wanted, [&](const ModelHit& hit) { return hit.id == self; });
  return CompareHits(read, response.results.at(0), wanted, query, spec.metric);
}

}  // namespace alidade
