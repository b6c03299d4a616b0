// A collection over a real store, small enough that deltas fill up and segments are sealed at once.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/collection/collection.h"
#include "alidade/collection/config_codec.h"
#include "alidade/common/bytes.h"
#include "alidade/common/spare_threads.h"
#include "alidade/segment/segment_writer.h"

#include "support/point_batch.h"
#include "support/scratch_directory.h"
#include "support/status_matchers.h"

namespace alidade {

inline constexpr uint32_t kDim = 4;

class CollectionTest : public ::testing::Test {
 protected:
  CollectionTest() {
    limits_.disk_free_bytes_min = 0;
    limits_.delta_rows_max = 32;
    config_.name = "c";
    config_.fields.push_back(
        {.id = FieldId(1), .name = "v", .dim = kDim, .metric = Metric::kL2, .index = {}});
  }
  void SetUp() override { Open(); }

  // Opens the store and recovers the collection; a configuration on disk wins over `config_`.
  void Open();
  void Reopen() {
    Open();
    ASSERT_THAT(recovered_, IsOk());
  }
  void Close() {
    collection_.reset();
    commits_.reset();
    store_.reset();
  }
  std::string SegmentsDirectory() const { return scratch_.Path("data/segments"); }
  std::string OwnSegments() const {
    return SegmentsDirectory() + "/" + CollectionDirectoryName(kId);
  }

  StatusOr<WriteReceipt> Put(std::vector<OwnedPoint> points) {
    return collection_->Upsert(MakeUpsert(std::move(points)));
  }
  // Points first..last: vector (number, round, 0, 1), payload {n: number, even: bool, round}.
  static OwnedPoint Numbered(uint64_t number, int64_t round = 0) {
    return MakePoint(Id(number),
                     {static_cast<float>(number), static_cast<float>(round), 0, 1},
                     {{"n", Value(static_cast<int64_t>(number))},
                      {"even", Value(number % 2 == 0)},
                      {"round", Value(round)}});
  }
  void PutNumbered(uint64_t first, uint64_t last, int64_t round = 0);
  void DeleteNumbered(uint64_t first, uint64_t last);

  std::optional<Point> GetPoint(PointId id) const;
  uint64_t Count(std::shared_ptr<const Filter> filter = nullptr) const;
  // Every page, one after the other; the ids must rise over all of them.
  std::vector<Point> ListAll(std::shared_ptr<const Filter> filter = nullptr,
                             uint32_t page_size = 7) const;
  static SearchQuery QueryFor(SearchTarget target, uint32_t k) {
    SearchQuery query;
    query.target = std::move(target);
    query.k = k;
    query.exact = true;
    return query;
  }
  StatusOr<SearchResult> SearchFor(const SearchQuery& query) const;
  std::vector<PointId> Nearest(std::vector<float> target, uint32_t k, bool exact = true) const;

  // Everything a caller can see, in one comparable text.
  std::string Answers() const;

  // Runs background work until there is none; the number of steps.
  int Settle() {
    int steps = 0;
    EXPECT_THAT(collection_->FreezeDelta(), IsOk());
    while (steps < 1'000 && (collection_->SealSomething() || collection_->BuildSomething())) {
      ++steps;
    }
    return steps;
  }
  int SealAll() {
    int steps = 0;
    EXPECT_THAT(collection_->FreezeDelta(), IsOk());
    while (collection_->SealSomething()) {
      ++steps;
    }
    return steps;
  }

  static constexpr CollectionId kId{7};

  const ScratchDirectory scratch_;
  Limits limits_;
  CollectionConfig config_;
  int64_t seal_after_quiet_ms_ = 1'000'000;
  SpareThreads spare_{3};
  std::unique_ptr<Store> store_;
  std::unique_ptr<RequestLedger> ledger_;
  std::unique_ptr<CommitGroup> commits_;
  std::shared_ptr<Collection> collection_;
  Status recovered_;
};

}  // namespace alidade
