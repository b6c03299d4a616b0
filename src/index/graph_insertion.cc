#include "graph_insertion.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>
#include <random>
#include <span>
#include <utility>

#include "build_threads.h"
#include "codes_format.h"

namespace alidade {
namespace {

constexpr uint32_t kOrderSeed = 20'260'101;
constexpr uint32_t kUnsortedShare = 64;  // one row in so many is inserted before the first pass

}  // namespace

// In huge pages.
class BuildCodes::Temporary final : public ByteSink {
 public:
  static StatusOr<std::unique_ptr<Temporary>> Make(const VectorMatrix& matrix,
                                                   const BuildProgress* progress) {
    auto made = std::make_unique<Temporary>();
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

BuildCodes::BuildCodes(const VectorCodes* codes, std::unique_ptr<Temporary> temporary)
    : codes_(codes), temporary_(std::move(temporary)) {}
BuildCodes::BuildCodes(BuildCodes&& other) noexcept = default;
BuildCodes& BuildCodes::operator=(BuildCodes&& other) noexcept = default;
BuildCodes::~BuildCodes() = default;

StatusOr<BuildCodes> BuildCodes::Make(const VectorMatrix& matrix, const BuildOptions& options) {
  if (options.codes == nullptr || options.codes->eight_bits().has_value()) {
    return BuildCodes(options.codes, nullptr);
  }
  ALIDADE_ASSIGN_OR_RETURN(auto temporary, Temporary::Make(matrix, options.progress));
  const VectorCodes* codes = &temporary->codes();
  return BuildCodes(codes, std::move(temporary));
}

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

}  // namespace alidade
