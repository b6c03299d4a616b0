// Path: search 6/8 (from segment/sealed_segment.cc)
#include "hnsw_index.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "exact_ranking.h"

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
  std::vector<Candidate> found;
  TopK allowed{0};
  CodeQuery query;

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

HnswIndex::HnswIndex(const HnswGraph& graph, const VectorMatrix& matrix, const VectorCodes* codes)
    : graph_(graph), matrix_(matrix), codes_(codes), base_links_(graph.base_links) {}

HnswIndex::~HnswIndex() = default;

StatusOr<std::unique_ptr<VectorIndex>> HnswIndex::Open(std::string_view body,
                                                       const VectorMatrix& matrix,
                                                       const VectorCodes* codes) {
  ALIDADE_ASSIGN_OR_RETURN(const HnswGraph graph, ReadHnswGraph(body));
  if (graph.header.count != matrix.count) {
    return DataLoss("the graph has {} nodes for {} vectors", graph.header.count, matrix.count);
  }
  return std::unique_ptr<VectorIndex>(new HnswIndex(graph, matrix, codes));
}

// One walk, by whatever distance. Distance has operator()(slot), Many(slots, count, out) and
// Prefetch(slot).
template <class Distance>
class HnswIndex::Walk {
 public:
  Walk(const HnswGraph& graph,
       const Distance& distance,
       const IndexSearchOptions& options,
       SearchStats& stats,
       Scratch& scratch)
      : graph_(graph), distance_(distance), options_(options), stats_(stats), scratch_(scratch) {
    scratch.batch.resize(graph.LinksMax(0));
    scratch.distances.resize(std::max(scratch.distances.size(), size_t{graph.LinksMax(0)}));
  }

  // Algorithm 2 with one candidate on every level above 0: the nearest node found starts the next
  // level.
  uint32_t Descend() {
    uint32_t best = graph_.header.entry;
    float best_distance = distance_(best);
    ++stats_.distance_computations;
    for (uint32_t level = graph_.header.max_level; level > 0; --level) {
      bool moved = true;
      while (moved) {
        moved = false;
        const uint32_t* links = graph_.Links(best, level);
        uint32_t count = 0;
        while (count < graph_.LinksMax(level) && links[count] != kNoLink) {
          distance_.Prefetch(links[count]);
          ++count;
        }
        distance_.Many(links, count, scratch_.distances.data());
        stats_.distance_computations += count;
        ++stats_.hops;
        for (uint32_t i = 0; i < count; ++i) {
          if (scratch_.distances[i] < best_distance) {
            best_distance = scratch_.distances[i];
            best = links[i];
            moved = true;
          }
        }
      }
    }
    return best;
  }

  // Leaves the `ef` nearest in scratch.pool and, under a filter, the `ef` nearest allowed in
  // scratch.allowed.
  Status Base(uint32_t start, size_t ef) {
    const bool filtered = options_.filter != nullptr;
    scratch_.NewWalk(graph_.header.count);
    scratch_.allowed = TopK(filtered ? ef : 0);
    scratch_.Visit(start);
    const float start_distance = distance_(start);
    ++stats_.distance_computations;
    scratch_.Insert(start_distance, start, ef);
    if (filtered && options_.filter->Allows(start)) {
      scratch_.allowed.Push(start_distance, start);
    }
    size_t next = 0;
    uint32_t hops = 0;
    while (next < scratch_.pool.size()) {
      if (scratch_.pool[next].expanded) {
        ++next;
        continue;
      }
      if (options_.deadline != nullptr && ++hops % kDeadlineHops == 0) {
        ALIDADE_RETURN_IF_ERROR(options_.deadline->Check());
      }
      scratch_.pool[next].expanded = true;
      next = std::min(next + 1, Expand(scratch_.pool[next].slot, ef));
      PrefetchLinks(next);
    }
    return OkStatus();
  }

 private:
  void PrefetchLinks(size_t position) const {
    if (position < scratch_.pool.size()) {
      const uint32_t* links = graph_.Links(scratch_.pool[position].slot, 0);
      for (uint32_t at = 0; at < graph_.LinksMax(0); at += kLinksPerLine) {
        __builtin_prefetch(links + at);
      }
    }
  }

  // Puts the new neighbours of a node into the pool. The first position that changed.
  size_t Expand(uint32_t node, size_t ef) {
    const uint32_t links_max = graph_.LinksMax(0);
    const uint32_t* links = graph_.Links(node, 0);
    uint32_t count = 0;
    for (uint32_t i = 0; i < links_max && links[i] != kNoLink; ++i) {
      if (scratch_.Visit(links[i])) {
        distance_.Prefetch(links[i]);
        scratch_.batch[count++] = links[i];
      }
    }
    distance_.Many(scratch_.batch.data(), count, scratch_.distances.data());
    stats_.distance_computations += count;
    ++stats_.hops;
    size_t first_new = scratch_.pool.size();
    for (uint32_t i = 0; i < count; ++i) {
      const float d = scratch_.distances[i];
      if (options_.filter != nullptr && d <= scratch_.allowed.WorstDistance() &&
          options_.filter->Allows(scratch_.batch[i])) {
        scratch_.allowed.Push(d, scratch_.batch[i]);
      }
      if (scratch_.pool.size() < ef || d <= scratch_.pool.back().distance) {
        first_new = std::min(first_new, scratch_.Insert(d, scratch_.batch[i], ef));
      }
    }
    return first_new;
  }

  static constexpr uint32_t kLinksPerLine = 64 / sizeof(uint32_t);

  const HnswGraph& graph_;
  const Distance& distance_;
  const IndexSearchOptions& options_;
  SearchStats& stats_;
  Scratch& scratch_;
};

// Ranks scratch.found, estimated by the walk's codes, by 8-bit codes and then exactly. Of the
// latter it reads, from the nearest on, as many as the error of the codes may yet move to the
// front.
StatusOr<std::vector<Candidate>> HnswIndex::Refine(const float* query,
                                                   const IndexSearchOptions& options,
                                                   SearchStats& stats,
                                                   Scratch& scratch) const {
  std::vector<Candidate>& found = scratch.found;
  CodeMatrix codes = codes_->walk();
  if (const auto rank = codes_->rank(); rank.has_value()) {
    codes = *rank;
    scratch.query.Prepare(codes.kind);
    const CodeDistance estimate(codes, scratch.query);
    scratch.batch.resize(std::max(scratch.batch.size(), found.size()));
    scratch.distances.resize(std::max(scratch.distances.size(), found.size()));
    std::transform(found.begin(), found.end(), scratch.batch.begin(), [](const Candidate& c) {
      return c.slot;
    });
    estimate.Many(scratch.batch.data(), found.size(), scratch.distances.data());
    stats.distance_computations += found.size();
    for (size_t i = 0; i < found.size(); ++i) {
      found[i].distance = scratch.distances[i];
    }
    std::sort(found.begin(), found.end());
  }
  const CodeDistance estimate(codes, scratch.query);
  const QueryDistance exact(matrix_, query);
  return RankExactly(
      found,
      [&estimate](const Candidate& candidate) {
        return candidate.distance - estimate.ErrorOf(candidate.slot);
      },
      exact,
      options.k,
      options.deadline,
      stats.distance_computations);
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
  const size_t ef = std::max(options.ef == 0 ? kDefaultEf : options.ef, options.k);
  HnswGraph graph = graph_;
  graph.base_links = base_links_.load(std::memory_order_acquire);
  const auto walk = [&](const auto& distance) -> Status {
    Walk by_distance(graph, distance, options, stats, scratch);
    return by_distance.Base(by_distance.Descend(), ef);
  };
  if (codes_ == nullptr) {
    ALIDADE_RETURN_IF_ERROR(walk(QueryDistance(matrix_, query)));
  } else {
    const CodeMatrix codes = codes_->walk();
    scratch.query.Set(codes_->space(), query);
    scratch.query.Prepare(codes.kind);
    ALIDADE_RETURN_IF_ERROR(walk(CodeDistance(codes, scratch.query)));
  }
  std::vector<Candidate>& found = scratch.found;
  if (options.filter != nullptr) {
    found = scratch.allowed.TakeSorted();
  } else {
    found.clear();
    for (const Scratch::Node& node : scratch.pool) {
      found.push_back({node.distance, node.slot});
    }
  }
  if (codes_ != nullptr) {
    return Refine(query, options, stats, scratch);
  }
  found.resize(std::min<size_t>(found.size(), options.k));
  return found;
}

void HnswIndex::MakeResident() {
  if (base_copy_.bytes() > 0 || matrix_.count == 0) {
    return;
  }
  const size_t bytes = size_t{matrix_.count} * graph_.LinksMax(0) * sizeof(uint32_t);
  base_copy_ = ZeroedMemory(bytes, ZeroedMemory::Pages::kHuge);
  std::memcpy(base_copy_.as<uint32_t>(), graph_.base_links, bytes);
  base_links_.store(base_copy_.as<uint32_t>(), std::memory_order_release);
}

size_t HnswIndex::resident_bytes() const {
  return size_t{matrix_.count} * graph_.LinksMax(0) * sizeof(uint32_t);
}

}  // namespace alidade
