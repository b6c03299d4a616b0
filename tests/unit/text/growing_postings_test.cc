#include "alidade/text/growing_postings.h"

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/status_matchers.h"
#include "unit/text/postings_case.h"

namespace alidade {
namespace {

TEST(GrowingPostingsTest, AViewShowsWhatWasThereBeforeItsEnd) {
  std::mt19937_64 random(21);
  const PlainPart all = RandomTexts(random, 1'500, 60, 10);
  const auto growing = Grow(PostingsKind::kText, all);
  for (const uint32_t end : {0U, 1U, 4U, 5U, 128U, 700U, 1'499U, 1'500U}) {
    Collection expected;
    expected.AddPart(PostingsKind::kText, {all.begin(), all.begin() + end}, false, random, {});
    const Postings& sealed = *expected.parts[0].postings;
    const GrowingView view(*growing, end);
    EXPECT_EQ(view.documents(), end);
    EXPECT_EQ(view.documents_filled(), sealed.documents_filled());
    EXPECT_EQ(view.length(), sealed.length());
    const PostingsPart part{.postings = &view};
    for (int query = 0; query < 30; ++query) {
      const auto terms =
          CountTokens({"w" + std::to_string(random() % 70), "w" + std::to_string(random() % 10)});
      const auto found = SearchBm25({.parts = {&part, 1}, .k = 7}, terms, {}, nullptr);
      ASSERT_THAT(found.status(), IsOk());
      ASSERT_EQ(*found, SearchPlainly(expected, terms, {}, 7, {}));
    }
  }
}

TEST(GrowingPostingsTest, MemoryGrowsWithWhatIsHeld) {
  std::mt19937_64 random(22);
  const auto few = Grow(PostingsKind::kText, RandomTexts(random, 10, 60, 10));
  const auto many = Grow(PostingsKind::kText, RandomTexts(random, 2'000, 60, 10));
  EXPECT_LT(few->memory_bytes() * 5, many->memory_bytes());
  EXPECT_LT(many->memory_bytes(), size_t{4} << 20);
}

// Run under TSan too.
TEST(GrowingPostingsTest, ReadersNeedNoLocks) {
  std::mt19937_64 random(23);
  const PlainPart all = RandomTexts(random, 3'000, 2'000, 10);
  GrowingPostings growing(PostingsKind::kText, 3'000);
  std::atomic<uint32_t> published{0};
  std::atomic<bool> wrong{false};
  std::vector<std::thread> readers;
  for (uint64_t seed = 0; seed < 2; ++seed) {
    readers.emplace_back([&, seed] {
      std::mt19937_64 choice(seed);
      uint32_t documents = 0;
      while (documents < all.size()) {
        documents = published.load(std::memory_order_acquire);
        const GrowingView view(growing, documents);
        const PostingsPart part{.postings = &view};
        const std::string word = "w" + std::to_string(choice() % 100);
        const auto found = SearchBm25({.parts = {&part, 1}, .k = 3'000, .exhaustive = true},
                                      CountTokens({word}),
                                      {},
                                      nullptr);
        size_t expected = 0;
        for (uint32_t i = 0; i < documents; ++i) {
          expected += all[i].terms.count(word);
        }
        if (!found.ok() || found->size() != expected) {
          wrong.store(true);
        }
      }
    });
  }
  for (uint32_t i = 0; i < all.size(); ++i) {
    growing.Add(i, all[i].length, TermsOf(all[i]));
    published.store(i + 1, std::memory_order_release);
  }
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_FALSE(wrong.load());
}

}  // namespace
}  // namespace alidade
