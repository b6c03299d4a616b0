// Payloads beside a segment: what each moment sees, walking the changed rows, readers beside the
// writer.
#include "alidade/segment/payload_overlay.h"

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::map<RowId, std::string> Changed(const PayloadOverlay& overlay, SeqNo at) {
  std::map<RowId, std::string> rows;
  overlay.ForEach(at, [&](RowId row, SeqNo changed, std::string_view payload) {
    EXPECT_LE(changed, at);
    EXPECT_TRUE(rows.emplace(row, payload).second) << "row " << row << " came twice";
  });
  return rows;
}

TEST(PayloadOverlayTest, AnEmptyOneKnowsNothing) {
  const PayloadOverlay none;
  EXPECT_EQ(none.rows(), 0U);
  EXPECT_EQ(none.memory_bytes(), 0U);
  EXPECT_EQ(none.Find(0, kNewestSeq), std::nullopt);
  EXPECT_EQ(none.newest(0), SeqNo(0));
  EXPECT_THAT(Changed(none, kNewestSeq), IsEmpty());
}

TEST(PayloadOverlayTest, EachMomentSeesThePayloadOfItsTime) {
  PayloadOverlay overlay(10);
  overlay.Change(3, SeqNo(5), "five");
  overlay.Change(7, SeqNo(6), "six");
  overlay.Change(3, SeqNo(9), "nine");
  overlay.Change(3, SeqNo(9), "nine again");  // twice in one write: the last one counts
  EXPECT_EQ(overlay.Find(3, SeqNo(4)), std::nullopt);
  EXPECT_EQ(overlay.Find(3, SeqNo(5)), "five");
  EXPECT_EQ(overlay.Find(3, SeqNo(8)), "five");
  EXPECT_EQ(overlay.Find(3, SeqNo(9)), "nine again");
  EXPECT_EQ(overlay.Find(3, kNewestSeq), "nine again");
  EXPECT_EQ(overlay.Find(4, kNewestSeq), std::nullopt);
  EXPECT_EQ(overlay.newest(3), SeqNo(9));
  EXPECT_EQ(overlay.newest(4), SeqNo(0));
  EXPECT_EQ(overlay.rows(), 2U);
  EXPECT_THAT(Changed(overlay, SeqNo(4)), IsEmpty());
  EXPECT_THAT(Changed(overlay, SeqNo(5)), ElementsAre(Pair(3, "five")));
  EXPECT_THAT(Changed(overlay, SeqNo(8)), ElementsAre(Pair(3, "five"), Pair(7, "six")));
  EXPECT_THAT(Changed(overlay, kNewestSeq), ElementsAre(Pair(3, "nine again"), Pair(7, "six")));
}

TEST(PayloadOverlayTest, ItsMemoryIsCounted) {
  PayloadOverlay overlay(10);
  overlay.Change(1, SeqNo(1), std::string(1'000, 'x'));
  const size_t once = overlay.memory_bytes();
  EXPECT_GE(once, 1'000U);
  EXPECT_LT(once, 1'200U);
  overlay.Change(1, SeqNo(2), std::string(1'000, 'x'));
  EXPECT_GE(overlay.memory_bytes(), once + 1'000);
}

// A reader that has seen a seq published finds all up to it, and the text says which version it is.
TEST(PayloadOverlayTest, ReadersBesideTheWriterSeeWhatWasPublished) {
  constexpr uint32_t kRows = 64;
  constexpr uint64_t kWrites = 20'000;
  PayloadOverlay overlay(kRows);
  std::atomic<uint64_t> published{0};
  std::vector<std::thread> readers;
  std::atomic<int> wrong{0};
  for (uint64_t reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader] {
      std::mt19937_64 rng(reader);
      uint64_t at = 0;
      while (at < kWrites) {
        at = published.load(std::memory_order_acquire);
        const auto row = static_cast<RowId>(rng() % kRows);
        // Write number w changes row w % kRows.
        const uint64_t newest = at < row ? 0 : at - (at - row) % kRows;
        const auto found = overlay.Find(row, SeqNo(at));
        wrong += (newest == 0 ? !found.has_value() : found == std::to_string(newest)) ? 0 : 1;
        if (rng() % 64 == 0) {
          uint64_t rows = 0;
          overlay.ForEach(SeqNo(at), [&](RowId, SeqNo, std::string_view) { ++rows; });
          wrong += rows == std::min<uint64_t>(at, kRows) ? 0 : 1;
        }
      }
    });
  }
  for (uint64_t write = 1; write <= kWrites; ++write) {
    overlay.Change(static_cast<RowId>(write % kRows), SeqNo(write), std::to_string(write));
    published.store(write, std::memory_order_release);
  }
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace alidade
