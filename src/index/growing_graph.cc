#include "growing_graph.h"

#include <algorithm>
#include <utility>

#include "section.h"

namespace alidade {
namespace {

// Highest level of a node: P(level >= l) = m^-l, from a hash of the node's number.
uint32_t LevelOf(uint32_t node, uint32_t m) {
  uint64_t x = (uint64_t{node} + 1) * 0x9E3779B97F4A7C15U;  // splitmix64
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9U;
  x = (x ^ x >> 27) * 0x94D049BB133111EBU;
  x ^= x >> 31;
  uint32_t level = 0;
  // In whole numbers: the same on every machine.
  for (uint64_t bound = ~uint64_t{0} / m; x <= bound && bound >= m; bound /= m) {
    ++level;
  }
  return level;
}

}  // namespace

GrowingGraph::GrowingGraph(uint32_t m,
                           uint32_t ef_construction,
                           uint32_t count,
                           const HnswGraph* previous)
    : m_(m),
      ef_construction_(ef_construction),
      count_(count),
      levels_(count),
      upper_start_(count, kNoLink),
      base_links_(size_t{count} * 2 * m * sizeof(uint32_t), ZeroedMemory::Pages::kHuge) {
  const uint32_t taken = previous == nullptr ? 0 : previous->header.count;
  uint32_t upper_rows = 0;
  for (uint32_t node = 0; node < count; ++node) {
    levels_[node] =
        node < taken ? previous->levels[node] : static_cast<uint8_t>(LevelOf(node, m) + 1);
    if (levels_[node] > 1) {
      upper_start_[node] = upper_rows;
      upper_rows += levels_[node] - 1U;
    }
  }
  upper_links_.assign(size_t{upper_rows} * m, kNoLink);
  std::fill_n(base_links_.as<uint32_t>(), size_t{count} * 2 * m, kNoLink);
  for (uint32_t node = 0; node < taken; ++node) {
    for (uint32_t level = 0; level < levels_[node]; ++level) {
      const uint32_t* links = previous->Links(node, level);
      // What lies behind the end of a list was not checked.
      std::copy(links, std::find(links, links + LinksMax(level), kNoLink), Links(node, level));
    }
  }
  if (taken > 0) {
    OfferEntry(previous->header.entry, previous->header.max_level);
  }
}

void GrowingGraph::OfferEntry(uint32_t node, uint32_t level) {
  const uint64_t offered = uint64_t{level} << 32 | node;
  uint64_t entry = entry_.load(std::memory_order_relaxed);
  while ((entry == kNoEntry || level > entry >> 32) &&
         !entry_.compare_exchange_weak(entry, offered, std::memory_order_relaxed)) {
  }
}

Status GrowingGraph::Write(const Places& places, float longest, ByteSink& sink) const {
  const uint64_t entry = entry_.load(std::memory_order_relaxed);
  HnswHeader header;
  header.m = m_;
  header.count = count_;
  header.entry = count_ == 0 ? 0 : static_cast<uint32_t>(entry);
  header.max_level = count_ == 0 ? 0 : static_cast<uint32_t>(entry >> 32);
  header.upper_rows = static_cast<uint32_t>(upper_links_.size() / m_);
  header.longest = longest;
  if (const uint32_t count = places.count(); count > 0) {
    header.places = count;
    header.dim = static_cast<uint32_t>(places.centres.size() / count);
    header.places_radius = places.radius;
  }
  const HnswLayout layout(header);
  ALIDADE_RETURN_IF_ERROR(sink.Append({reinterpret_cast<const char*>(&header), sizeof(header)}));
  uint64_t at = sizeof(header);
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, levels_, at, layout.levels));
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, upper_start_, at, layout.upper_start));
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, upper_links_, at, layout.upper_links));
  ALIDADE_RETURN_IF_ERROR(AppendZeros(sink, layout.base_links - at));
  const uint64_t links_bytes = uint64_t{count_} * LinksMax(0) * sizeof(uint32_t);
  ALIDADE_RETURN_IF_ERROR(sink.Append({base_links_.as<char>(), links_bytes}));
  if (places.count() == 0) {
    return OkStatus();
  }
  at = layout.base_links + links_bytes;
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, places.centres, at, layout.centres));
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, places.starts, at, layout.place_starts));
  return AppendSection(sink, places.nodes, at, layout.place_nodes);
}

Inserter::Inserter(GrowingGraph& graph, const BuildDistances& distances)
    : graph_(graph),
      from_node_(distances),
      from_neighbour_(distances),
      from_candidate_(distances) {}

void Inserter::Insert(uint32_t node) {
  const uint32_t level_max = graph_.levels_[node] - 1U;
  const uint64_t entry = graph_.entry_.load(std::memory_order_relaxed);
  if (entry == GrowingGraph::kNoEntry) {
    graph_.OfferEntry(node, level_max);
    return;
  }
  const auto entry_level = static_cast<uint32_t>(entry >> 32);
  from_node_.Set(node);
  GraphWalk walk(std::as_const(graph_), from_node_, scratch_);
  uint32_t start = walk.Descend(static_cast<uint32_t>(entry), entry_level, level_max);
  const uint32_t top = std::min(level_max, entry_level);
  chosen_.resize(std::max(chosen_.size(), size_t{top} + 1));
  for (uint32_t level = top + 1; level-- > 0;) {
    (void)walk.Beam(
        start,
        level,
        graph_.ef_construction_,
        FullReach(),
        [](float, uint32_t) {},
        [] { return OkStatus(); });
    candidates_.clear();
    for (size_t i = 0; i < scratch_.pool.size(); ++i) {
      candidates_.push_back({scratch_.pool.distance(i), scratch_.pool.slot(i)});
    }
    SelectDiverse(candidates_, graph_.LinksMax(level), chosen_[level]);
    start = candidates_.front().slot;
  }
  for (uint32_t level = 0; level <= top; ++level) {
    {
      MutexLock lock(graph_.MutexOf(node));
      uint32_t* links = graph_.Links(node, level);
      for (const Candidate& link : chosen_[level]) {
        GrowingGraph::Store(*links++, link.slot);
      }
    }
    for (const Candidate& link : chosen_[level]) {
      LinkBack(link.slot, level, {link.distance, node});
    }
  }
  graph_.OfferEntry(node, level_max);
}

// Algorithm 4: of the candidates, ascending, those that are nearer to the node than to any chosen
// one before; at most `max`.
void Inserter::SelectDiverse(const std::vector<Candidate>& candidates,
                             uint32_t max,
                             std::vector<Candidate>& out) {
  constexpr size_t kTogether = 4;
  out.clear();
  slots_.clear();
  for (const Candidate& candidate : candidates) {
    if (out.size() == max) {
      return;
    }
    from_candidate_.Set(candidate.slot);
    bool diverse = true;
    for (size_t first = 0; diverse && first < slots_.size(); first += kTogether) {
      const size_t count = std::min(kTogether, slots_.size() - first);
      float distances[kTogether];
      from_candidate_.Many(slots_.data() + first, count, distances);
      diverse = std::none_of(distances, distances + count, [&candidate](float distance) {
        return distance < candidate.distance;
      });
    }
    if (diverse) {
      out.push_back(candidate);
      slots_.push_back(candidate.slot);
    }
  }
}

// Adds a link to the node's own, or chooses anew among all of them where there is no room.
void Inserter::LinkBack(uint32_t node, uint32_t level, const Candidate& to) {
  const uint32_t max = graph_.LinksMax(level);
  uint32_t* links = graph_.Links(node, level);
  MutexLock lock(graph_.MutexOf(node));
  uint32_t* const end = std::find(links, links + max, kNoLink);  // nobody else writes
  if (end != links + max) {
    GrowingGraph::Store(*end, to.slot);
    return;
  }
  from_neighbour_.Set(node);
  distances_.resize(max);
  from_neighbour_.Many(links, max, distances_.data());
  candidates_.assign(1, to);
  for (uint32_t i = 0; i < max; ++i) {
    candidates_.push_back({distances_[i], links[i]});
  }
  std::sort(candidates_.begin(), candidates_.end());
  SelectDiverse(candidates_, max, kept_);
  for (uint32_t i = 0; i < max; ++i) {
    GrowingGraph::Store(links[i], i < kept_.size() ? kept_[i].slot : kNoLink);
  }
}

}  // namespace alidade
