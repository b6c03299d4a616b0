#include "alidade/common/published.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace alidade {
namespace {

TEST(PublishedTest, ReadersKeepWhatTheyHold) {
  Published<const int> published;
  EXPECT_EQ(published.Get(), nullptr);
  published.Set(std::make_shared<const int>(1));
  const auto held = published.Get();
  published.Set(std::make_shared<const int>(2));
  EXPECT_EQ(*held, 1);
  EXPECT_EQ(*published.Get(), 2);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(PublishedTest, OldSnapshotDiesOutsideTheLock) {
  Published<const int> published;
  bool died = false;
  published.Set(std::shared_ptr<const int>(new int(1), [&](const int* value) {
    EXPECT_EQ(*published.Get(), 2);  // would never return under the lock
    delete value;
    died = true;
  }));
  published.Set(std::make_shared<const int>(2));
  EXPECT_TRUE(died);
}

TEST(PublishedTest, ReadersNeverSeeAnOlderSnapshotThanBefore) {
  Published<const int> published(std::make_shared<const int>(0));
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  std::atomic<int> mistakes = 0;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      int last = 0;
      while (!stop) {
        const int now = *published.Get();
        mistakes += now < last ? 1 : 0;
        last = now;
      }
    });
  }
  for (int i = 1; i <= 5'000; ++i) {
    published.Set(std::make_shared<const int>(i));
  }
  stop = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(mistakes, 0);
  EXPECT_EQ(*published.Get(), 5'000);
}

}  // namespace
}  // namespace alidade
