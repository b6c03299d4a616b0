// An engine with small limits in a directory of the test's own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/engine/engine.h"

#include "support/point_batch.h"
#include "support/scratch_directory.h"
#include "support/status_matchers.h"

namespace alidade {

inline CollectionConfig ConfigNamed(const std::string& name, uint32_t dim = 2) {
  CollectionConfig config;
  config.name = name;
  config.fields.push_back(
      {.id = FieldId(), .name = "v", .dim = dim, .metric = Metric::kL2, .index = {}});
  return config;
}

// Asks every few milliseconds until the condition holds; false after half a minute.
inline bool Eventually(const std::function<bool()>& holds) {
  for (int attempt = 0; attempt < 6'000; ++attempt) {
    if (holds()) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    options_.data_directory = scratch_.Path("data");
    options_.background_threads = 1;
    options_.background_nice = options_.build_nice = 0;
    options_.seal_after_quiet_ms = 1'000'000;
    options_.block_cache_bytes = options_.write_buffer_bytes = size_t{1} << 20;
    options_.limits.disk_free_bytes_min = 0;
  }
  void SetUp() override { Open(); }

  void Open() {
    engine_.reset();
    auto opened = Engine::Open(options_);
    ASSERT_THAT(opened, IsOk());
    engine_ = std::move(opened).value();
  }
  void Create(const std::string& name) {
    ASSERT_THAT(engine_->CreateCollection(ConfigNamed(name)), IsOk());
  }
  StatusOr<WriteReceipt> Put(const std::string& collection, uint64_t first, uint64_t last) {
    std::vector<OwnedPoint> points;
    for (uint64_t number = first; number <= last; ++number) {
      points.push_back(MakePoint(Id(number), {static_cast<float>(number), 1}));
    }
    return engine_->Upsert(MakeUpsert(std::move(points), collection));
  }
  StatusOr<uint64_t> Count(const std::string& collection) const {
    CountRequest request;
    request.collection = collection;
    ALIDADE_ASSIGN_OR_RETURN(const CountResponse response, engine_->Count(request));
    return response.points;
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const CollectionInfo& info : engine_->ListCollections()) {
      names.push_back(info.config.name);
    }
    return names;
  }
  // "alias>collection"
  std::vector<std::string> Aliases() const {
    std::vector<std::string> aliases;
    for (const AliasInfo& info : engine_->ListAliases()) {
      aliases.push_back(info.alias + ">" + info.collection);
    }
    return aliases;
  }

  const ScratchDirectory scratch_;
  EngineOptions options_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace alidade
