// Builds graphs: by which distances, in which order, on how many threads.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "alidade/index/vector_codes.h"
#include "alidade/vec/kernels.h"

#include "build_distances.h"
#include "build_threads.h"
#include "codes_format.h"
#include "growing_graph.h"
#include "hnsw_index.h"
#include "places.h"

namespace alidade {
namespace {

constexpr uint32_t kOrderSeed = 20'260'101;
constexpr uint32_t kUnsortedShare = 64;  // one row in so many is inserted before the first pass

// Codes in huge pages that live as long as a build.
class TemporaryCodes final : public ByteSink {
 public:
  static StatusOr<std::unique_ptr<TemporaryCodes>> Make(const VectorMatrix& matrix,
                                                        const BuildProgress* progress) {
    auto made = std::make_unique<TemporaryCodes>();
    made->memory_ =
        ZeroedMemory(CodesLayout(matrix.count, matrix.dim, CodeKind::kInt8, /*ranked=*/false).end,
                     ZeroedMemory::Pages::kHuge);
    ALIDADE_RETURN_IF_ERROR(VectorCodes::Write(CodesSetting::kInt8, matrix, progress, *made));
    ALIDADE_ASSIGN_OR_RETURN(made->codes_,
                             VectorCodes::Open({made->memory_.as<char>(), made->filled_}, matrix));
    return made;
  }
  Status Append(std::string_view bytes) override {
    if (bytes.size() > memory_.bytes() - filled_) {
      return Internal("the codes are longer than their layout");
    }
    std::memcpy(memory_.as<char>() + filled_, bytes.data(), bytes.size());
    filled_ += bytes.size();
    return OkStatus();
  }
  const VectorCodes& codes() const { return *codes_; }

 private:
  ZeroedMemory memory_;
  size_t filled_ = 0;
  std::unique_ptr<VectorCodes> codes_;
};

// Rows from `first` on in the order in which they are inserted. Often they come in one that means
// something, and a graph of sorted rows is a worse one: at random. Where there are places, in
// passes that double the graph each, and place by place in each pass: so the graph grows everywhere
// at once, and what an insertion reads is still in the caches for the next. Fixed: equal input
// gives an equal graph with one thread.
std::vector<uint32_t> InsertionOrder(uint32_t first, uint32_t count, const Places& places) {
  std::vector<uint32_t> order(count - first);
  std::iota(order.begin(), order.end(), first);
  std::mt19937 random(kOrderSeed);
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random() % i]);
  }
  if (places.count() == 0) {
    return order;
  }
  std::vector<uint32_t> position(count);  // in the order of places
  for (uint32_t i = 0; i < count; ++i) {
    position[places.nodes[i]] = i;
  }
  for (uint64_t from = count / kUnsortedShare; from < count; from *= 2) {
    const uint64_t begin = std::max<uint64_t>(from, first);
    const uint64_t end = std::max(begin, std::min<uint64_t>(2 * from, count));
    std::ranges::sort(std::span(order).subspan(begin - first, end - begin),
                      {},
                      [&position](uint32_t row) { return position[row]; });
  }
  return order;
}

// Inserts the rows, several threads at once.
Status InsertRows(const std::vector<uint32_t>& order,
                  const BuildDistances& distances,
                  const BuildOptions& options,
                  GrowingGraph& graph) {
  if (order.empty()) {
    return OkStatus();
  }
  std::atomic<uint64_t> unwatched{0};
  auto& rows_done = options.progress == nullptr ? unwatched : options.progress->rows_done;
  // Alone: of two that find the graph empty, one would be linked with nothing.
  Inserter(graph, distances).Insert(order.front());
  ++rows_done;
  std::atomic<size_t> next{1};
  OnThreads(options.threads, [&](const std::atomic<bool>& stop) {
    Inserter inserter(graph, distances);
    for (size_t i = next++; i < order.size(); i = next++) {
      if (stop || !CheckCancelled(options.progress).ok()) {
        return;
      }
      inserter.Insert(order[i]);
      ++rows_done;
    }
  });
  return CheckCancelled(options.progress);
}

// Length of the longest vector, where the distances that there can be depend on it; else 0.
float Longest(const VectorMatrix& matrix) {
  float longest = 0;
  std::vector<float> wide;
  for (uint32_t slot = 0; matrix.metric == Metric::kDot && slot < matrix.count; ++slot) {
    const float* row = matrix.Floats(slot, wide);
    longest = std::max(longest, Dot(row, row, matrix.dim));
  }
  return std::sqrt(longest);
}

}  // namespace

Status BuildHnsw(const IndexSpec& spec,
                 const VectorMatrix& matrix,
                 std::string_view previous,
                 const BuildOptions& options,
                 ByteSink& sink) {
  try {
    std::unique_ptr<TemporaryCodes> temporary;
    const VectorCodes* codes = options.codes;
    if (codes != nullptr && !codes->eight_bits().has_value()) {
      ALIDADE_ASSIGN_OR_RETURN(temporary, TemporaryCodes::Make(matrix, options.progress));
      codes = &temporary->codes();
    }
    std::optional<HnswGraph> extended;
    if (!previous.empty()) {
      ALIDADE_ASSIGN_OR_RETURN(extended, ReadHnswGraph(previous));
      if (extended->header.m != spec.hnsw_m || extended->header.count > matrix.count) {
        return InvalidArgument(
            "the graph to extend has m {} and {} nodes, wanted m {} and at most {}",
            extended->header.m,
            extended->header.count,
            spec.hnsw_m,
            matrix.count);
      }
    }
    const uint32_t taken = extended.has_value() ? extended->header.count : 0;
    if (options.progress != nullptr) {
      options.progress->rows_done += taken;
    }
    GrowingGraph graph(spec.hnsw_m,
                       spec.hnsw_ef_construction,
                       matrix.count,
                       extended.has_value() ? &*extended : nullptr);
    Places places;
    if (codes != nullptr) {
      ALIDADE_ASSIGN_OR_RETURN(places, MakePlaces(matrix, *codes, options));
    }
    const BuildDistances distances(matrix, codes);
    ALIDADE_RETURN_IF_ERROR(
        InsertRows(InsertionOrder(taken, matrix.count, places), distances, options, graph));
    return graph.Write(places, Longest(matrix), sink);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory for the index build");
  }
}

}  // namespace alidade
