// Listings while others write: a point that stays is listed exactly once, whatever happens to the
// others. ALIDADE_TEST_SEED replays the writes, though not when they come.
#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collection_testing.h"

namespace alidade {
namespace {

constexpr uint64_t kPoints = 600;  // every third one stays as it is
constexpr int kListings = 12;      // in each order (chosen)
constexpr int kWritesMax = 20'000;

bool Stays(uint64_t number) { return number % 3 == 0; }

class ListUnderWritesTest : public CollectionTest {
 protected:
  // Few values, so that most positions differ by id alone.
  static OwnedPoint PointWith(uint64_t number, int64_t n, int64_t other) {
    return MakePoint(Id(number),
                     {static_cast<float>(number), 0, 0, 1},
                     {{"n", Value(n)}, {"other", Value(other)}});
  }
  static int64_t ValueOf(uint64_t number) { return static_cast<int64_t>(number % 7); }

  void SetUp() override {
    limits_.delta_rows_max = 64;
    CollectionTest::SetUp();
    ASSERT_THAT(collection_->ChangePayloadIndex(
                    {.collection = "c", .key = "n", .type = PayloadIndexType::kInteger}),
                IsOk());
    std::vector<OwnedPoint> points;
    for (uint64_t number = 0; number < kPoints; ++number) {
      points.push_back(PointWith(number, ValueOf(number), 0));
    }
    ASSERT_THAT(Put(std::move(points)), IsOk());
    Settle();
  }

  // Writes about the points that do not stay, and to keys of those that do which no order is by.
  void WriteUntilStopped(uint64_t seed) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < kWritesMax && !stop_.load(); ++i) {
      uint64_t number = random() % kPoints;
      const auto n = static_cast<int64_t>(random() % 9) - 1;
      const auto other = static_cast<int64_t>(random() % 1'000);
      if (Stays(number)) {
        // The same place in every order; rewritten whole or in part.
        if (random() % 2 == 0) {
          UpsertRequest request = MakeUpsert({PointWith(number, ValueOf(number), other)});
          request.options.durability = Durability::kBuffered;
          EXPECT_THAT(collection_->Upsert(request), IsOk());
        } else {
          EXPECT_THAT(collection_->ChangePayload(Merge(number, {{"other", Value(other)}})), IsOk());
        }
        continue;
      }
      switch (random() % 3) {
        case 0: {
          DeleteRequest request = MakeDelete({Id(number)});
          request.options.durability = Durability::kBuffered;
          EXPECT_THAT(collection_->Delete(request), IsOk());
          break;
        }
        case 1: {
          UpsertRequest request = MakeUpsert({PointWith(number, n, other)});
          request.options.durability = Durability::kBuffered;
          EXPECT_THAT(collection_->Upsert(request), IsOk());
          break;
        }
        default:
          EXPECT_THAT(collection_->ChangePayload(Merge(number, {{"n", Value(n)}})), IsOk());
      }
    }
  }
  static PayloadRequest Merge(uint64_t number, Object merged) {
    PayloadRequest request;
    request.collection = "c";
    request.options.durability = Durability::kBuffered;
    request.points.ids = {Id(number)};
    request.edit.merged = std::move(merged);
    return request;
  }

  // How often each point was listed; those in between may come once more or be missing.
  void CheckListing(const std::optional<OrderBy>& order,
                    const std::shared_ptr<const Filter>& filter) {
    ListRequest request;
    request.order = order;
    request.filter = filter;
    request.page_size = 37;
    request.payload.mode = PayloadSelector::Mode::kAll;
    std::map<uint64_t, int> seen;
    int64_t last = order.has_value() && order->descending ? 1'000 : -1'000;
    int pages = 0;
    do {
      ASSERT_LT(++pages, 10'000);
      ALIDADE_ASSERT_OK_AND_ASSIGN(const ListResponse response, collection_->List(request));
      for (const Point& point : response.points) {
        ++seen[point.id.number()];
        if (order.has_value()) {
          const int64_t n = *point.payload.at("n").As<int64_t>();
          EXPECT_TRUE(order->descending ? n <= last : n >= last) << n << " after " << last;
          last = n;
        }
      }
      request.after = response.next;
    } while (!request.after.empty());
    for (uint64_t number = 0; number < kPoints; number += 3) {
      EXPECT_EQ(seen[number], 1) << "point " << number;
    }
  }

  std::atomic<bool> stop_{false};
};

TEST_F(ListUnderWritesTest, PointsThatStayAreListedOnce) {
  const char* given = std::getenv("ALIDADE_TEST_SEED");
  const uint64_t seed =
      given == nullptr ? std::random_device()() : std::strtoull(given, nullptr, 10);
  SCOPED_TRACE(fmt::format("ALIDADE_TEST_SEED={}", seed));
  std::thread writer([&] { WriteUntilStopped(seed); });
  std::thread builder([&] {
    while (!stop_.load()) {
      if (!collection_->SealSomething() && !collection_->BuildSomething()) {
        std::this_thread::yield();
      }
    }
  });
  const auto filter = std::make_shared<Filter>(Filter{Exists{"other"}});
  for (int i = 0; i < kListings; ++i) {
    const auto& some = i % 2 == 0 ? nullptr : filter;
    CheckListing(std::nullopt, some);
    CheckListing(OrderBy{.key = "n"}, some);
    CheckListing(OrderBy{.key = "n", .descending = true}, some);
  }
  stop_.store(true);
  writer.join();
  builder.join();
}

}  // namespace
}  // namespace alidade
