// Path: search 6/8 (from segment/sealed_segment_search.cc)
#include "hnsw_index.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "alidade/common/limits.h"
#include "alidade/index/recall_curve.h"
#include "alidade/vec/kernels.h"

#include "exact_ranking.h"
#include "filtered_walk.h"
#include "place_visit.h"
#include "row_scan.h"
#include "subset_graph.h"

namespace alidade {
namespace {

// Hops between two looks at the deadline: some 100 us.
constexpr uint32_t kDeadlineHops = 64;

// Allowed slots from all over the graph at which a walk under a filter begins: what passes may lie
// far from where the upper levels lead.
constexpr uint32_t kSeeds = 32;

// About evenly spread; fewer than kSeeds if the set is small.
void PickSeeds(const SlotBits& allowed, uint32_t slots, std::vector<uint32_t>& seeds) {
  seeds.clear();
  const size_t words = (size_t{slots} + 63) / 64;
  for (uint32_t i = 0; i < kSeeds; ++i) {
    const size_t end = words * (i + 1) / kSeeds;
    for (size_t word = words * i / kSeeds; word < end; ++word) {
      if (allowed.words[word] != 0) {
        seeds.push_back(static_cast<uint32_t>(
            word * 64 + static_cast<size_t>(std::countr_zero(allowed.words[word]))));
        break;
      }
    }
  }
}

// The nodes of a subset that bits of slots allow.
struct AllowedNodes {
  bool Test(uint32_t node) const { return bits.Test(nodes.SlotOf(node)); }

  SlotBits bits;
  NodesOfSubset nodes;
};

void PickSeeds(const AllowedNodes& allowed, uint32_t nodes, std::vector<uint32_t>& seeds) {
  seeds.clear();
  for (uint32_t i = 0; i < kSeeds; ++i) {
    const auto end = static_cast<uint32_t>(uint64_t{nodes} * (i + 1) / kSeeds);
    auto node = static_cast<uint32_t>(uint64_t{nodes} * i / kSeeds);
    while (node < end && !allowed.Test(node)) {
      ++node;
    }
    if (node < end) {
      seeds.push_back(node);
    }
  }
}

SlotBits AllowedOf(const SlotBits& bits, const NodesAreSlots& /*nodes*/) { return bits; }
AllowedNodes AllowedOf(const SlotBits& bits, const NodesOfSubset& nodes) { return {bits, nodes}; }

}  // namespace

HnswGraph HnswGraph::At(const HnswHeader& header, const char* body) {
  const HnswLayout layout(header);
  HnswGraph graph;
  graph.header = header;
  graph.levels = reinterpret_cast<const uint8_t*>(body + layout.levels);
  graph.upper_start = reinterpret_cast<const uint32_t*>(body + layout.upper_start);
  graph.upper_links = reinterpret_cast<const uint32_t*>(body + layout.upper_links);
  graph.base_links = reinterpret_cast<const uint32_t*>(body + layout.base_links);
  if (header.places > 0) {
    graph.places = {.count = header.places,
                    .radius = header.places_radius,
                    .centres = reinterpret_cast<const float*>(body + layout.centres),
                    .starts = reinterpret_cast<const uint32_t*>(body + layout.place_starts),
                    .nodes = reinterpret_cast<const uint32_t*>(body + layout.place_nodes)};
  }
  return graph;
}

StatusOr<HnswGraph> ReadHnswGraph(std::string_view body) {
  HnswHeader header;
  if (body.size() < sizeof(header)) {
    return DataLoss("the graph is cut short");
  }
  std::memcpy(&header, body.data(), sizeof(header));
  const HnswLayout layout(header);
  if (header.format != kHnswFormat || header.m < kHnswMMin || header.m > kHnswMMax ||
      header.places > header.count || header.dim > kDimensionHardMax || layout.end != body.size() ||
      (header.count > 0 && header.entry >= header.count)) {
    return DataLoss("the graph's header does not fit its {} bytes", body.size());
  }
  const HnswGraph graph = HnswGraph::At(header, body.data());
  if (header.places > 0) {
    ALIDADE_RETURN_IF_ERROR(graph.places.Check(header.count, header.dim));
  }
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

// What one search needs besides the index.
struct HnswIndex::Scratch {
  WalkScratch walk;
  std::vector<Candidate> found;
  TopK allowed{0};
  CollectedTopK scanned;
  std::vector<uint32_t> seeds;
  CodeQuery query;
  std::vector<float> centres;  // distances to them
  PlaceQueue places;
};

HnswIndex::HnswIndex(const HnswGraph& graph, const VectorMatrix& matrix, const VectorCodes* codes)
    : graph_(graph), matrix_(matrix), codes_(codes), base_links_(graph.base_links) {
  if (codes_ != nullptr && graph_.places.count > 0) {
    centres_ = std::make_unique<CentreCodes>(
        codes_->space(), codes_->finest().kind, graph_.places.centres, graph_.places.count);
  }
}

HnswIndex::~HnswIndex() = default;

StatusOr<std::unique_ptr<VectorIndex>> HnswIndex::Open(std::string_view body,
                                                       const VectorMatrix& matrix,
                                                       const VectorCodes* codes) {
  ALIDADE_ASSIGN_OR_RETURN(const HnswGraph graph, ReadHnswGraph(body));
  if (graph.header.count != matrix.count) {
    return DataLoss("the graph has {} nodes for {} vectors", graph.header.count, matrix.count);
  }
  if (graph.places.count > 0 && graph.header.dim != matrix.dim) {
    return DataLoss(
        "the centres of the graph have dimension {}, the vectors {}", graph.header.dim, matrix.dim);
  }
  return std::unique_ptr<VectorIndex>(new HnswIndex(graph, matrix, codes));
}

// As Walk, by a look at every node that the filter allows.
template <class Distance>
Status HnswIndex::Scan(const Distance& distance, const Task& task) const {
  CollectedTopK& nearest = task.scratch.scanned;
  nearest.Reset(task.ef);
  const PlacedSlots* copied = ReadsCopies(task.options) ? task.options.placed : nullptr;
  ALIDADE_ASSIGN_OR_RETURN(
      const uint64_t rows,
      ScanRows(0,
               copied == nullptr ? matrix_.count : static_cast<uint32_t>(copied->slots.size()),
               distance,
               copied == nullptr ? task.options.filter : nullptr,
               task.options.deadline,
               [&nearest, copied](const ScannedRows& rows, const float* distances, uint32_t count) {
                 nearest.Push(distances, count, [&rows, copied](size_t i) {
                   return copied == nullptr ? rows[i] : copied->slots[rows[i]];
                 });
               }));
  nearest.TakeSorted(task.scratch.found);
  if (task.options.watch != nullptr) {
    task.options.watch->met = true;
  }
  task.stats.rows_scanned += rows;
  task.stats.distance_computations += rows;
  return OkStatus();
}

template <class Nodes, class Allows>
void HnswIndex::TakePool(const Nodes& nodes, size_t most, const Allows& allows, Scratch& scratch) {
  const NearestPool& pool = scratch.walk.pool;
  scratch.found.clear();
  for (size_t i = 0; i < pool.size() && scratch.found.size() < most; ++i) {
    const uint32_t slot = nodes.SlotOf(pool.slot(i));
    if (allows(slot)) {
      scratch.found.push_back({pool.distance(i), slot});
    }
  }
}

// Leaves in scratch.found the vectors nearest to the query by whatever distance: `ef` of them, all
// allowed by the filter. Adds to the stats.
template <class Distance>
Status HnswIndex::Walk(const Distance& distance, const Task& task) const {
  if (const SubsetGraph* subset = task.options.subset; subset != nullptr) {
    const NodesOfSubset nodes{subset->slots()};
    return subset->codes().records == nullptr || codes_ == nullptr
               ? WalkGraph(subset->graph(), nodes, SubsetDistance(distance, nodes), task)
               : WalkGraph(subset->graph(), nodes, distance, task);
  }
  HnswGraph graph = graph_;
  graph.base_links = base_links_.load(std::memory_order_acquire);
  return WalkGraph(graph, NodesAreSlots(), distance, task);
}

template <class Nodes, class Distance>
Status HnswIndex::WalkGraph(const HnswGraph& graph,
                            const Nodes& nodes,
                            const Distance& distance,
                            const Task& task) {
  const IndexSearchOptions& options = task.options;
  Scratch& scratch = task.scratch;
  GraphWalk walk(graph, distance, scratch.walk);
  const uint32_t start = walk.Descend(graph.header.entry, graph.header.max_level, 0);
  uint32_t hops = 0;
  const auto go_on = [&]() -> Status {
    return options.deadline != nullptr && ++hops % kDeadlineHops == 0 ? options.deadline->Check()
                                                                      : OkStatus();
  };
  const size_t most = task.reach.Most(task.ef);
  Status walked;
  const SlotBits bits = options.filter == nullptr ? SlotBits() : options.filter->bits();
  const auto all = [](uint32_t) { return true; };
  const bool among_all = options.filter == nullptr || options.passing > 0;
  if (among_all) {
    walked = walk.Beam(
        start, 0, most, task.reach, [](float, uint32_t) {}, go_on);
    if (options.filter == nullptr) {
      TakePool(nodes, most, all, scratch);
    } else {
      const auto wanted =
          static_cast<size_t>(std::ceil(static_cast<float>(most) * options.passing));
      TakePool(
          nodes, wanted, [&](uint32_t slot) { return options.filter->Allows(slot); }, scratch);
    }
  }
  const bool few = among_all && scratch.found.size() < std::min<size_t>(options.k, bits.count);
  if (bits.words != nullptr && walked.ok() && (!among_all || few)) {
    const auto allowed = AllowedOf(bits, nodes);
    PickSeeds(allowed, graph.count(), scratch.seeds);
    FilteredWalk filtered(graph, distance, allowed, scratch.walk);
    walked = filtered.Beam(start, scratch.seeds, most, task.reach, go_on);
    task.stats.distance_computations += filtered.distances();
    task.stats.hops += filtered.hops();
    task.stats.second_walks += static_cast<uint64_t>(few);
    TakePool(nodes, most, all, scratch);
  } else if (!among_all) {
    TopK& allowed = scratch.allowed;
    allowed = TopK(task.ef);
    walked = walk.Beam(
        start,
        0,
        task.ef,
        FullReach(),
        [&](float d, uint32_t node) {
          if (d <= allowed.WorstDistance() && options.filter->Allows(nodes.SlotOf(node))) {
            allowed.Push(d, nodes.SlotOf(node));
          }
        },
        go_on);
    scratch.found = allowed.TakeSorted();
  }
  task.stats.distance_computations += walk.distances();
  task.stats.hops += walk.hops();
  if (options.watch != nullptr) {
    const auto node = nodes.NodeOf(options.watch->slot);
    options.watch->met = node.has_value() && !scratch.walk.visited.Visit(*node);
  }
  return walked;
}

// As Walk, by the places around the query.
template <class Distance>
Status HnswIndex::Visit(const Distance& distance, const Task& task) const {
  Scratch& scratch = task.scratch;
  const uint32_t places = graph_.places.count;
  scratch.centres.resize(places);
  CodeDistance(centres_->matrix(), scratch.query).Range(0, places, scratch.centres.data());
  PlaceVisit visit(graph_.places, distance, task.options, ReadsCopies(task.options), scratch.walk);
  Status visited = visit.Run(scratch.centres.data(), task.ef, scratch.places);
  task.stats.distance_computations += places + visit.distances();
  TakePool(
      NodesAreSlots(), scratch.walk.pool.size(), [](uint32_t) { return true; }, scratch);
  return visited;
}

// By the way that the options say.
template <class Distance>
Status HnswIndex::Find(const Distance& distance, const Task& task) const {
  if (task.options.scan) {
    return Scan(distance, task);
  }
  return ByPlaces(task.options) ? Visit(distance, task) : Walk(distance, task);
}

Reach HnswIndex::ReachFor(const float* query, const IndexSearchOptions& options) const {
  if (options.reach == 0) {
    return Reach(0, 0, 0);
  }
  const bool dot = matrix_.metric == Metric::kDot;
  const float longest = graph_.header.longest;
  const float least = dot ? -longest * std::sqrt(Dot(query, query, matrix_.dim)) : 0.0F;
  // The k-th nearest of so few that chance decides how far it is would be a bad measure; and the
  // factors that there are were measured for as many.
  const size_t k = NearestWanted(std::max(options.k, kRecallCurveK[0]), options.passing);
  return Reach(dot && longest == 0 ? 0.0F : options.reach, k, least);
}

// What became of the watched node, if it was met, in a search that has just ended.
void HnswIndex::NoteWatched(const IndexSearchOptions& options, Scratch& scratch) {
  SlotWatch& watch = *options.watch;
  watch.kept = static_cast<uint32_t>(scratch.found.size());
  const auto place = std::ranges::find(scratch.found, watch.slot, &Candidate::slot);
  watch.place =
      place == scratch.found.end() ? 0 : static_cast<uint32_t>(place - scratch.found.begin()) + 1;
}

// Ranks scratch.found, estimated by the walk's codes, by 8-bit codes and then exactly. Of the
// latter it reads, from the nearest on, as many as the error of the codes may yet move to the
// front.
StatusOr<std::vector<Candidate>> HnswIndex::Refine(const float* query, const Task& task) const {
  Scratch& scratch = task.scratch;
  std::vector<Candidate>& found = scratch.found;
  CodeMatrix codes = codes_->walk();
  if (const auto rank = codes_->rank(); rank.has_value()) {
    codes = *rank;
    scratch.query.Prepare(codes.kind);
    const CodeDistance estimate(codes, scratch.query);
    std::vector<uint32_t>& slots = scratch.walk.batch;
    std::vector<float>& distances = scratch.walk.distances;
    slots.resize(std::max(slots.size(), found.size()));
    distances.resize(std::max(distances.size(), found.size()));
    std::transform(
        found.begin(), found.end(), slots.begin(), [](const Candidate& c) { return c.slot; });
    estimate.Many(slots.data(), found.size(), distances.data());
    task.stats.distance_computations += found.size();
    for (size_t i = 0; i < found.size(); ++i) {
      found[i].distance = distances[i];
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
      task.options.k,
      task.options.deadline,
      task.stats.distance_computations);
}

StatusOr<std::vector<Candidate>> HnswIndex::Search(const float* query,
                                                   const IndexSearchOptions& options) const {
  if (matrix_.count == 0) {
    return std::vector<Candidate>();
  }
  ScratchPool<Scratch>::Loan loan(scratch_);
  Scratch& scratch = loan.get();
  SearchStats unused;
  SearchStats& stats = options.stats == nullptr ? unused : *options.stats;
  const Task task{.options = options,
                  .ef = std::max(options.ef == 0 ? kDefaultEf : options.ef, options.k),
                  .reach = ReachFor(query, options),
                  .stats = stats,
                  .scratch = scratch};
  if (codes_ == nullptr) {
    const QueryDistance exact(matrix_, query);
    ALIDADE_RETURN_IF_ERROR(Find(exact, task));
    if (options.watch != nullptr) {
      NoteWatched(options, scratch);
    }
    std::vector<Candidate>& found = scratch.found;
    found.resize(std::min<size_t>(found.size(), options.k));
    return found;
  }
  // By places bits alone would tell too badly where to end.
  CodeMatrix codes = ByPlaces(options) ? codes_->finest() : codes_->walk();
  if (ReadsCopies(options)) {
    codes.records = options.placed->records.as<uint8_t>();
    codes.count = static_cast<uint32_t>(options.placed->slots.size());
  }
  if (options.subset != nullptr && options.subset->codes().records != nullptr) {
    codes = options.subset->codes();
  }
  scratch.query.Set(codes_->space(), query);
  scratch.query.Prepare(codes.kind);
  const CodeDistance estimate(codes, scratch.query);
  ALIDADE_RETURN_IF_ERROR(Find(estimate, task));
  if (options.watch != nullptr) {
    NoteWatched(options, scratch);
  }
  return Refine(query, task);
}

PlacedSlots HnswIndex::PlacesOf(const SlotFilter& filter, bool copy_codes) const {
  PlacedSlots placed = graph_.places.Allowed(filter, matrix_.count);
  if (copy_codes && codes_ != nullptr) {
    const CodeMatrix codes = codes_->finest();
    const size_t stride = codes.stride();
    placed.records = ZeroedMemory(placed.slots.size() * stride, ZeroedMemory::Pages::kHuge);
    uint8_t* record = placed.records.as<uint8_t>();
    for (const uint32_t slot : placed.slots) {
      std::memcpy(record, codes.records + slot * stride, stride);
      record += stride;
    }
  }
  return placed;
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
