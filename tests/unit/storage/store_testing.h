// A store in a directory of the test's own, and writes with one point each.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "alidade/common/bytes.h"
#include "alidade/storage/store.h"

#include "support/scratch_directory.h"
#include "support/status_matchers.h"

namespace alidade {

inline KeySpace Space(uint32_t collection, uint16_t shard = 0) {
  return {CollectionId(collection), ShardId(shard)};
}

inline std::string IdBytes(uint64_t number) { return PointId(number).Encode(); }

inline StoreOptions SmallOptions(const std::string& directory) {
  StoreOptions options;
  options.directory = directory;
  options.block_cache_bytes = size_t{1} << 20;
  options.write_buffer_bytes = size_t{1} << 20;
  return options;
}

class StoreTest : public ::testing::Test {
 protected:
  // Opens `directory()`; ends the test if that fails.
  void OpenStore() {
    store_.reset();
    auto opened = Store::Open(SmallOptions(directory()));
    ASSERT_THAT(opened, IsOk());
    store_ = std::move(opened).value();
  }
  void CloseStore() { store_.reset(); }
  Status OpenError(StoreOptions options) const { return Store::Open(options).status(); }
  Status OpenError() const { return OpenError(SmallOptions(directory())); }

  // Point `number` at seq `number`, as one batch.
  static void AddPoint(WriteBatch& batch, uint64_t number) {
    batch.PutId(Space(1), IdBytes(number), {RowNo(number), SeqNo(number)});
    batch.PutRow(Space(1),
                 RowNo(number),
                 {.encoded_id = IdBytes(number),
                  .seq = SeqNo(number),
                  .payload = std::string(100, 'a') + "payload"});
    std::string applied;
    AppendLittleEndian(applied, number);
    batch.PutMeta(MetaKind::kServer, kAppliedSeqName, applied);
  }
  void WritePoint(uint64_t number, bool sync = true) {
    WriteBatch batch(*store_);
    AddPoint(batch, number);
    ASSERT_THAT(store_->Write(batch, sync), IsOk());
  }
  void WritePoints(uint64_t first, uint64_t last, bool sync = true) {
    for (uint64_t number = first; number <= last; ++number) {
      ASSERT_NO_FATAL_FAILURE(WritePoint(number, sync));
    }
  }
  // Points 1..last are there, whole, and no other.
  static void ExpectPoints(const Store& store, uint64_t last) {
    uint64_t seen = 0;
    ASSERT_THAT(store.ScanRows(Space(1),
                               RowNo(0),
                               RowNo(~uint64_t{0}),
                               nullptr,
                               [&](RowNo row, const StoredRow& value) {
                                 ++seen;
                                 EXPECT_EQ(row, RowNo(seen));
                                 EXPECT_EQ(value.id, PointId(seen));
                                 EXPECT_EQ(value.payload, std::string(100, 'a') + "payload");
                                 return OkStatus();
                               }),
                IsOk());
    EXPECT_EQ(seen, last);
  }

  std::string directory() const { return scratch_.Path("data"); }

  const ScratchDirectory scratch_;
  std::unique_ptr<Store> store_;
};

}  // namespace alidade
