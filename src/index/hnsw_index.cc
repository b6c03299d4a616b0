// Path: search 6/8 (from segment/sealed_segment.cc)
#include "hnsw_index.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace alidade {
namespace {

// Hops between two looks at the deadline: some 100 us.
constexpr uint32_t kDeadlineHops = 64;

}  // namespace

StatusOr<HnswGraph> ReadHnswGraph(std::string_view body) {
  HnswGraph graph;
  HnswHeader& header = graph.header;
  if (body.size() < sizeof(header)) {
    return DataLoss("the graph is cut short");
  }
  std::memcpy(&header, body.data(), sizeof(header));
  const HnswLayout layout(header);
  if (header.format != kHnswFormat || header.m < kHnswMMin || header.m > kHnswMMax ||
      layout.end != body.size() || (header.count > 0 && header.entry >= header.count)) {
    return DataLoss("the graph's header does not fit its {} bytes", body.size());
  }
  graph.levels = reinterpret_cast<const uint8_t*>(body.data() + layout.levels);
  graph.upper_start = reinterpret_cast<const uint32_t*>(body.data() + layout.upper_start);
  graph.upper_links = reinterpret_cast<const uint32_t*>(body.data() + layout.upper_links);
  graph.base_links = reinterpret_cast<const uint32_t*>(body.data() + layout.base_links);
  for (uint32_t node = 0; node < header.count; ++node) {
    const uint32_t levels = graph.levels[node];
    const bool has_upper = levels > 1;
    if (levels < 1 ||
        (has_upper && uint64_t{graph.upper_start[node]} + levels - 1 > header.upper_rows)) {
      return DataLoss("node {} of the graph has bad levels", node);
    }
    for (uint32_t level = 0; level < levels; ++level) {
      const uint32_t* links = graph.Links(node, level);
      for (uint32_t i = 0; i < graph.LinksMax(level) && links[i] != kNoLink; ++i) {
        if (links[i] >= header.count || graph.levels[links[i]] <= level) {
          return DataLoss("node {} of the graph has a link to nowhere", node);
        }
      }
    }
  }
  if (header.count > 0 && graph.levels[header.entry] != header.max_level + 1) {
    return DataLoss("the entry of the graph is not on its highest level");
  }
  return graph;
}

// What one walk needs besides the index; reused, so that a search allocates nothing once the pool
// is warm.
struct HnswIndex::Scratch {
  struct Node {
    float distance;
    uint32_t slot;
    bool expanded;
  };
  std::vector<uint8_t> seen;  // seen[slot] == epoch: visited in this walk
  uint8_t epoch = 0;
  std::vector<Node> pool;  // ascending
  std::vector<uint32_t> batch;
  std::vector<float> distances;
  TopK allowed{0};

  void NewWalk(uint32_t count) {
    seen.resize(count, 0);
    if (++epoch == 0) {
      std::fill(seen.begin(), seen.end(), uint8_t{0});
      epoch = 1;
    }
    pool.clear();
  }
  bool Visit(uint32_t slot) {
    if (seen[slot] == epoch) {
      return false;
    }
    seen[slot] = epoch;
    return true;
  }
  // Position at which the node went in, or `ef` if it is too far.
  size_t Insert(float distance, uint32_t slot, size_t ef) {
    const Node node{distance, slot, false};
    const auto at =
        std::upper_bound(pool.begin(), pool.end(), node, [](const Node& a, const Node& b) {
          return a.distance < b.distance || (a.distance == b.distance && a.slot < b.slot);
        });
    const auto position = static_cast<size_t>(at - pool.begin());
    if (position >= ef) {
      return ef;
    }
    if (pool.size() == ef) {
      pool.pop_back();
    }
    pool.insert(pool.begin() + static_cast<ptrdiff_t>(position), node);
    return position;
  }
};

class HnswIndex::ScratchLoan {
 public:
  explicit ScratchLoan(const HnswIndex& index) : index_(index) {
    MutexLock lock(index.mutex_);
    if (!index.idle_.empty()) {
      scratch_ = std::move(index.idle_.back());
      index.idle_.pop_back();
    }
  }
  ~ScratchLoan() {
    if (scratch_ != nullptr) {
      MutexLock lock(index_.mutex_);
      index_.idle_.push_back(std::move(scratch_));
    }
  }
  ScratchLoan(const ScratchLoan&) = delete;
  ScratchLoan& operator=(const ScratchLoan&) = delete;
  Scratch& get() {
    if (scratch_ == nullptr) {
      scratch_ = std::make_unique<Scratch>();
    }
    return *scratch_;
  }

 private:
  const HnswIndex& index_;
  std::unique_ptr<Scratch> scratch_;
};

HnswIndex::HnswIndex(const HnswGraph& graph, const VectorMatrix& matrix)
    : graph_(graph), matrix_(matrix) {}

HnswIndex::~HnswIndex() = default;

StatusOr<std::unique_ptr<VectorIndex>> HnswIndex::Open(std::string_view body,
                                                       const VectorMatrix& matrix) {
  ALIDADE_ASSIGN_OR_RETURN(const HnswGraph graph, ReadHnswGraph(body));
  if (graph.header.count != matrix.count) {
    return DataLoss("the graph has {} nodes for {} vectors", graph.header.count, matrix.count);
  }
  return std::unique_ptr<VectorIndex>(new HnswIndex(graph, matrix));
}

// Algorithm 2 with one candidate on every level above 0: the nearest node found starts the next
// level.
uint32_t HnswIndex::Descend(const QueryDistance& distance,
                            SearchStats& stats,
                            Scratch& scratch) const {
  uint32_t best = graph_.header.entry;
  float best_distance = distance(best);
  ++stats.distance_computations;
  for (uint32_t level = graph_.header.max_level; level > 0; --level) {
    bool moved = true;
    while (moved) {
      moved = false;
      const uint32_t* links = graph_.Links(best, level);
      uint32_t count = 0;
      while (count < graph_.LinksMax(level) && links[count] != kNoLink) {
        ++count;
      }
      scratch.distances.resize(std::max<size_t>(scratch.distances.size(), count));
      distance.Many(links, count, scratch.distances.data());
      stats.distance_computations += count;
      ++stats.hops;
      for (uint32_t i = 0; i < count; ++i) {
        if (scratch.distances[i] < best_distance) {
          best_distance = scratch.distances[i];
          best = links[i];
          moved = true;
        }
      }
    }
  }
  return best;
}

Status HnswIndex::WalkBase(const QueryDistance& distance,
                           uint32_t start,
                           const IndexSearchOptions& options,
                           SearchStats& stats,
                           Scratch& scratch) const {
  const size_t ef = std::max(options.ef == 0 ? kDefaultEf : options.ef, options.k);
  const uint32_t links_max = graph_.LinksMax(0);
  scratch.batch.resize(links_max);
  scratch.distances.resize(std::max<size_t>(scratch.distances.size(), links_max));
  scratch.NewWalk(graph_.header.count);
  scratch.allowed = TopK(options.filter == nullptr ? 0 : options.k);

  scratch.Visit(start);
  const float start_distance = distance(start);
  ++stats.distance_computations;
  scratch.Insert(start_distance, start, ef);
  if (options.filter != nullptr && options.filter->Allows(start)) {
    scratch.allowed.Push(start_distance, start);
  }
  size_t next = 0;
  uint32_t hops = 0;
  while (next < scratch.pool.size()) {
    if (scratch.pool[next].expanded) {
      ++next;
      continue;
    }
    if (options.deadline != nullptr && ++hops % kDeadlineHops == 0) {
      ALIDADE_RETURN_IF_ERROR(options.deadline->Check());
    }
    scratch.pool[next].expanded = true;
    const uint32_t* links = graph_.Links(scratch.pool[next].slot, 0);
    uint32_t count = 0;
    for (uint32_t i = 0; i < links_max && links[i] != kNoLink; ++i) {
      if (scratch.Visit(links[i])) {
        scratch.batch[count++] = links[i];
      }
    }
    distance.Many(scratch.batch.data(), count, scratch.distances.data());
    stats.distance_computations += count;
    ++stats.hops;
    size_t first_new = scratch.pool.size();
    for (uint32_t i = 0; i < count; ++i) {
      const float d = scratch.distances[i];
      if (options.filter != nullptr && d <= scratch.allowed.WorstDistance() &&
          options.filter->Allows(scratch.batch[i])) {
        scratch.allowed.Push(d, scratch.batch[i]);
      }
      if (scratch.pool.size() < ef || d <= scratch.pool.back().distance) {
        first_new = std::min(first_new, scratch.Insert(d, scratch.batch[i], ef));
      }
    }
    next = std::min(next + 1, first_new);
    if (next < scratch.pool.size()) {
      __builtin_prefetch(graph_.Links(scratch.pool[next].slot, 0));
    }
  }
  return OkStatus();
}

StatusOr<std::vector<Candidate>> HnswIndex::Search(const float* query,
                                                   const IndexSearchOptions& options) const {
  if (matrix_.count == 0) {
    return std::vector<Candidate>();
  }
  ScratchLoan loan(*this);
  Scratch& scratch = loan.get();
  SearchStats unused;
  SearchStats& stats = options.stats == nullptr ? unused : *options.stats;
  const QueryDistance distance(matrix_, query);
  const uint32_t start = Descend(distance, stats, scratch);
  ALIDADE_RETURN_IF_ERROR(WalkBase(distance, start, options, stats, scratch));
  if (options.filter != nullptr) {
    return scratch.allowed.TakeSorted();
  }
  std::vector<Candidate> result;
  const size_t count = std::min<size_t>(options.k, scratch.pool.size());
  result.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    result.push_back({scratch.pool[i].distance, scratch.pool[i].slot});
  }
  return result;
}

}  // namespace alidade
