#include "hnswlib_index.h"

#include <atomic>
#include <filesystem>
#include <thread>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#include <hnswlib/hnswlib.h>
#pragma GCC diagnostic pop

namespace alidade {

struct HnswlibIndex::Impl {
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph;
};

namespace {

std::unique_ptr<hnswlib::SpaceInterface<float>> MakeSpace(const HnswlibParameters& parameters) {
  if (parameters.metric == "l2") {
    return std::make_unique<hnswlib::L2Space>(parameters.dim);
  }
  return std::make_unique<hnswlib::InnerProductSpace>(parameters.dim);
}

}  // namespace

HnswlibIndex::HnswlibIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HnswlibIndex::~HnswlibIndex() = default;

std::unique_ptr<HnswlibIndex> HnswlibIndex::Build(const HnswlibParameters& parameters,
                                                  const float* rows,
                                                  int threads) {
  auto impl = std::make_unique<Impl>();
  impl->space = MakeSpace(parameters);
  impl->graph = std::make_unique<hnswlib::HierarchicalNSW<float>>(
      impl->space.get(), parameters.rows, parameters.m, parameters.ef_construction);
  impl->graph->addPoint(rows, 0);
  std::atomic<uint32_t> next{1};
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      for (uint32_t row = next.fetch_add(1); row < parameters.rows; row = next.fetch_add(1)) {
        impl->graph->addPoint(rows + size_t{row} * parameters.dim, row);
      }
    });
  }
  for (std::thread& worker : workers) {
    worker.join();
  }
  return std::unique_ptr<HnswlibIndex>(new HnswlibIndex(std::move(impl)));
}

std::unique_ptr<HnswlibIndex> HnswlibIndex::Load(const HnswlibParameters& parameters,
                                                 const std::string& path) {
  if (!std::filesystem::exists(path)) {
    return nullptr;
  }
  auto impl = std::make_unique<Impl>();
  impl->space = MakeSpace(parameters);
  impl->graph = std::make_unique<hnswlib::HierarchicalNSW<float>>(impl->space.get(), path);
  if (impl->graph->cur_element_count != parameters.rows) {
    return nullptr;
  }
  return std::unique_ptr<HnswlibIndex>(new HnswlibIndex(std::move(impl)));
}

void HnswlibIndex::Save(const std::string& path) const { impl_->graph->saveIndex(path); }

void HnswlibIndex::SetEf(uint32_t ef) { impl_->graph->setEf(ef); }

void HnswlibIndex::Search(const float* query, uint32_t k, std::vector<float>& distances) const {
  auto found = impl_->graph->searchKnn(query, k);
  distances.resize(found.size());
  for (size_t i = found.size(); i > 0; --i) {
    distances[i - 1] = found.top().first;
    found.pop();
  }
}

size_t HnswlibIndex::memory_bytes() const {
  const auto& graph = *impl_->graph;
  size_t bytes = graph.max_elements_ * graph.size_data_per_element_;
  for (size_t i = 0; i < graph.cur_element_count; ++i) {
    bytes += static_cast<size_t>(graph.element_levels_[i]) * graph.size_links_per_element_;
  }
  return bytes;
}

}  // namespace alidade
