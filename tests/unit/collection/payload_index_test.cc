// Payload indexes over their life: made, dropped, merged, damaged, missing; the answers are those
// of a collection without them.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/filter/filter_text.h"

#include "collection_testing.h"

namespace alidade {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class PayloadIndexTest : public CollectionTest {
 protected:
  static PayloadIndexChange Index(const std::string& key, PayloadIndexType type) {
    return {.collection = "c", .key = key, .type = type};
  }
  static PayloadIndexChange Removal(const std::string& key, PayloadIndexType type) {
    PayloadIndexChange change = Index(key, type);
    change.remove = true;
    return change;
  }
  Status Change(const PayloadIndexChange& change) {
    return collection_->ChangePayloadIndex(change);
  }

  static std::shared_ptr<const Filter> Parsed(const std::string& text) {
    const auto filter = ParseFilterText(text);
    EXPECT_THAT(filter, IsOk());
    return std::make_shared<Filter>(*filter);
  }
  // How many rows' payloads a filtered search looked at, as its plan says.
  std::string PlanOf(const std::string& filter) const {
    SearchQuery query = QueryFor(std::vector<float>{1, 0, 0, 1}, 3);
    query.filter = Parsed(filter);
    query.explain = true;
    const auto result = SearchFor(query);
    EXPECT_THAT(result, IsOk());
    return result.ok() ? result->plan : "";
  }
  std::vector<std::string> IndexFiles() const {
    std::vector<std::string> files;
    for (const std::string& file : FilesBelow(OwnSegments())) {
      if (file.find("/payload_") != std::string::npos) {
        files.push_back(file);
      }
    }
    return files;
  }
  // Counts by filters that indexes answer, and by some that they do not.
  std::vector<uint64_t> Counts() const {
    std::vector<uint64_t> counts;
    for (const char* filter : {"n < 40",
                               "n IN [3, 77, 78.0]",
                               "even = true",
                               "even = false AND n >= 20",
                               "NOT (n < 40)",
                               "n < 10 OR round = 1",
                               "exists(n)",
                               "n = \"x\""}) {
      counts.push_back(Count(Parsed(filter)));
    }
    return counts;
  }
};

TEST_F(PayloadIndexTest, FiltersLookAtNoPayloadOfAnIndexedSegment) {
  PutNumbered(1, 100);
  DeleteNumbered(30, 35);
  const std::vector<uint64_t> before = Counts();
  const std::string answers = Answers();
  ASSERT_THAT(Change(Index("n", PayloadIndexType::kInteger)), IsOk());
  ASSERT_THAT(Change(Index("even", PayloadIndexType::kBool)), IsOk());
  EXPECT_THAT(PlanOf("n < 40"), HasSubstr("payloads read"));  // still in memory
  EXPECT_EQ(Counts(), before);
  Settle();
  EXPECT_THAT(PlanOf("n < 40 AND NOT even = true"), Not(HasSubstr("payloads read")));
  EXPECT_THAT(PlanOf("n < 40 AND round = 0"), HasSubstr("33 payloads read"));
  EXPECT_EQ(Counts(), before);
  EXPECT_EQ(Answers(), answers);
  DeleteNumbered(1, 9);
  EXPECT_EQ(Count(Parsed("n < 40")), 24U);
}

TEST_F(PayloadIndexTest, IdsAreLookedUpInSealedSegmentsWithoutAnyIndex) {
  PutNumbered(1, 100);
  const std::string plain = "id IN [3, 40, 777]";
  const std::string with_key = "n < 40 AND id IN [3, 40, 777]";
  EXPECT_THAT(PlanOf(plain), HasSubstr("payloads read"));  // still in memory
  Settle();
  EXPECT_THAT(PlanOf(plain), Not(HasSubstr("payloads read")));
  EXPECT_THAT(PlanOf(with_key), HasSubstr("2 payloads read"));
  EXPECT_EQ(Count(Parsed(plain)), 2U);
  EXPECT_EQ(Count(Parsed(with_key)), 1U);
  EXPECT_EQ(Count(Parsed("NOT " + plain)), 98U);
  PutNumbered(3, 3, /*round=*/1);  // the same id in two segments, one of them dead
  Settle();
  EXPECT_EQ(Count(Parsed(plain)), 2U);
  EXPECT_EQ(Count(Parsed("round = 1 AND " + plain)), 1U);
  DeleteNumbered(40, 40);
  EXPECT_EQ(Count(Parsed(plain)), 1U);
}

TEST_F(PayloadIndexTest, OneMadeLaterReachesSealedSegments) {
  PutNumbered(1, 100);
  Settle();
  EXPECT_THAT(IndexFiles(), IsEmpty());
  const std::vector<uint64_t> before = Counts();
  ASSERT_THAT(Change(Index("n", PayloadIndexType::kFloat)), IsOk());
  CollectionStats stats = collection_->Stats();
  ASSERT_THAT(stats.payload_indexes, SizeIs(1));
  EXPECT_EQ(stats.payload_indexes[0].pending_rows, 100U);
  EXPECT_EQ(stats.pending_rows, 100U);
  EXPECT_EQ(Counts(), before);
  while (collection_->BuildSomething()) {
  }
  stats = collection_->Stats();
  EXPECT_EQ(stats.payload_indexes[0].pending_rows, 0U);
  EXPECT_EQ(stats.payload_indexes[0].indexed_rows, 100U);
  EXPECT_EQ(stats.payload_indexes[0].values, 100U);
  EXPECT_GT(stats.payload_indexes[0].disk_bytes, 0U);
  EXPECT_EQ(stats.pending_rows, 0U);
  EXPECT_EQ(stats.builds_done, 0U) << "no segment is written anew";
  EXPECT_EQ(Counts(), before);
  EXPECT_THAT(PlanOf("n < 40"), Not(HasSubstr("payloads read")));
  Reopen();
  EXPECT_THAT(PlanOf("n < 40"), Not(HasSubstr("payloads read")));
  EXPECT_EQ(Counts(), before);
  EXPECT_FALSE(collection_->BuildSomething());
}

TEST_F(PayloadIndexTest, GoesWithItsFilesAndComesBackUnderAnotherId) {
  PutNumbered(1, 64);
  ASSERT_THAT(Change(Index("n", PayloadIndexType::kInteger)), IsOk());
  Settle();
  EXPECT_THAT(IndexFiles(), Contains(EndsWith("payload_0.idx")));
  ASSERT_THAT(Change(Removal("n", PayloadIndexType::kInteger)), IsOk());
  EXPECT_THAT(collection_->Stats().payload_indexes, IsEmpty());
  Settle();
  EXPECT_THAT(IndexFiles(), IsEmpty());
  EXPECT_THAT(PlanOf("n < 40"), HasSubstr("payloads read"));
  Reopen();
  ASSERT_THAT(Change(Index("n", PayloadIndexType::kInteger)), IsOk());
  Settle();
  EXPECT_THAT(IndexFiles(), Contains(EndsWith("payload_1.idx")));
  EXPECT_THAT(IndexFiles(), Not(Contains(EndsWith("payload_0.idx"))));
}

TEST_F(PayloadIndexTest, MergesKeepIt) {
  ASSERT_THAT(Change(Index("n", PayloadIndexType::kInteger)), IsOk());
  for (uint64_t first = 1; first <= 400; first += 40) {
    PutNumbered(first, first + 39);
    DeleteNumbered(first + 3, first + 9);
    Settle();
    EXPECT_THAT(PlanOf("n < 40"), Not(HasSubstr("payloads read")));
  }
  EXPECT_GT(collection_->Stats().builds_done, 0U);
  EXPECT_EQ(Count(Parsed("n <= 80")), 66U);
}

TEST_F(PayloadIndexTest, DamagedAndMissingFilesAreMadeAnew) {
  PutNumbered(1, 100);
  ASSERT_THAT(Change(Index("n", PayloadIndexType::kInteger)), IsOk());
  ASSERT_THAT(Change(Index("even", PayloadIndexType::kBool)), IsOk());
  Settle();
  const std::vector<uint64_t> before = Counts();
  const std::vector<std::string> files = IndexFiles();
  ASSERT_THAT(files, SizeIs(testing::Ge(2U)));
  for (const std::string& file : files) {
    for (const bool remove : {false, true}) {
      Close();
      if (remove) {
        ASSERT_TRUE(std::filesystem::remove(file));
      } else {
        FlipBit(file, FileBytes(file) / 2);
      }
      ASSERT_NO_FATAL_FAILURE(Reopen());
      EXPECT_EQ(collection_->Stats().healed_segments, remove ? 0U : 1U);
      EXPECT_EQ(Counts(), before);
      EXPECT_TRUE(collection_->BuildSomething());
      EXPECT_EQ(Counts(), before);
      EXPECT_EQ(IndexFiles(), files);
      Reopen();
      EXPECT_EQ(collection_->Stats().healed_segments, 0U);
      EXPECT_FALSE(collection_->BuildSomething());
    }
  }
}

TEST_F(PayloadIndexTest, ChangesAreRefusedOrForgiven) {
  PayloadIndexChange index = Index("n", PayloadIndexType::kInteger);
  PayloadIndexChange removal = Removal("n", PayloadIndexType::kInteger);
  EXPECT_THAT(Change(removal),
              StatusIs(StatusCode::kNotFound, AllOf(HasSubstr("integer"), HasSubstr("\"n\""))));
  removal.lenient = true;
  EXPECT_THAT(Change(removal), IsOk());
  EXPECT_THAT(Change(index), IsOk());
  EXPECT_THAT(Change(index), StatusIs(StatusCode::kAlreadyExists));
  index.lenient = true;
  EXPECT_THAT(Change(index), IsOk());
  EXPECT_THAT(Change(Index("n", PayloadIndexType::kKeyword)), IsOk());
  EXPECT_THAT(collection_->config()->payload_indexes, SizeIs(2));
  for (size_t i = 2; i < kPayloadIndexesMax; ++i) {
    ASSERT_THAT(Change(Index("key" + std::to_string(i), PayloadIndexType::kGeo)), IsOk());
  }
  EXPECT_THAT(Change(Index("one more", PayloadIndexType::kGeo)),
              StatusIs(StatusCode::kResourceExhausted));
  Reopen();
  EXPECT_THAT(collection_->config()->payload_indexes, SizeIs(kPayloadIndexesMax));
}

// Large enough for a graph over what passes a filter.
class FrequentFilterTest : public PayloadIndexTest {
 protected:
  FrequentFilterTest() {
    config_.fields[0].index = {.kind = IndexKind::kHnsw, .hnsw_m = 8};
    limits_.delta_rows_max = 10'000;
  }
  SearchResult SearchNear(float number, const std::string& filter, bool exact) const {
    SearchQuery query = QueryFor(std::vector<float>{number, 0, 0, 1}, 5);
    query.exact = exact;
    query.ef = exact ? 0 : 10;
    query.filter = Parsed(filter);
    query.explain = true;
    const auto result = SearchFor(query);
    EXPECT_THAT(result, IsOk());
    return result.ok() ? *result : SearchResult();
  }
  // What is found by such a plan is what an exact search finds.
  void ExpectExactBy(const std::string& plan, float number, const std::string& filter) const {
    const SearchResult found = SearchNear(number, filter, false);
    EXPECT_THAT(found.plan, HasSubstr(plan));
    const SearchResult exact = SearchNear(number, filter, true);
    ASSERT_EQ(found.hits.size(), exact.hits.size());
    for (size_t i = 0; i < found.hits.size(); ++i) {
      EXPECT_EQ(found.hits[i].point.id, exact.hits[i].point.id);
    }
  }
};

TEST_F(FrequentFilterTest, AFilterThatComesOftenGetsAGraph) {
  const std::string filter = "even = false AND n <= 4800";
  // Without these the first searches would try the filter only on what they find.
  ASSERT_THAT(Change(Index("even", PayloadIndexType::kBool)), IsOk());
  ASSERT_THAT(Change(Index("n", PayloadIndexType::kInteger)), IsOk());
  PutNumbered(1, 9'600);
  Settle();
  const auto search_often = [&](int times) {
    for (int i = 0; i < times; ++i) {
      SearchNear(static_cast<float>(i), filter, /*exact=*/false);
    }
  };
  EXPECT_THAT(SearchNear(7, filter, false).plan, HasSubstr("scan ("));
  search_often(2'300);
  EXPECT_FALSE(collection_->BuildSomething());
  search_often(100);
  EXPECT_TRUE(collection_->BuildSomething());
  EXPECT_FALSE(collection_->BuildSomething());
  EXPECT_EQ(collection_->Stats().builds_done, 1U) << "no segment is written anew";
  const auto check = [&](const char* expected) {
    for (const float number : {0.0F, 700.0F, 4'799.0F, 18'000.0F}) {
      ASSERT_NO_FATAL_FAILURE(ExpectExactBy(expected, number, filter));
    }
  };
  check("graph of 2400 rows");
  // What is deleted is gone at once, what is written is found at once.
  DeleteNumbered(1, 9);
  DeleteNumbered(4'791, 4'799);
  PutNumbered(699, 701, /*round=*/1);
  check("graph of 2400 rows");
  Reopen();
  check("scan (");
}

// Deleted rows and changed payloads count as they are now, with an index for a part of it too.
TEST_F(FrequentFilterTest, OneThatComesOnceIsTriedOnWhatIsFound) {
  PutNumbered(1, 9'600);
  Settle();
  int searches = 0;
  const auto check = [&](const std::string& when) {
    SCOPED_TRACE(when);
    for (const float number : {0.0F, 700.5F, 2'999.0F, 9'900.0F}) {
      // Never the same twice, and never another answer.
      const std::string filter =
          "even = true AND round < 2 AND n < " + std::to_string(100'000 + ++searches);
      ASSERT_NO_FATAL_FAILURE(ExpectExactBy("tried on what is found", number, filter));
    }
  };
  check("written");
  DeleteNumbered(698, 703);
  PutNumbered(1, 5, /*round=*/2);
  PayloadRequest change;
  change.collection = "c";
  change.points.filter = Parsed("n BETWEEN 2990 AND 3010");
  change.edit.merged = {{"even", Value(false)}};
  ASSERT_THAT(collection_->ChangePayload(change), IsOk());
  check("changed");
  ASSERT_THAT(Change(Index("even", PayloadIndexType::kBool)), IsOk());
  EXPECT_TRUE(collection_->BuildSomething());
  check("an index for a part");
  Reopen();
  check("opened again");
}

TEST_F(FrequentFilterTest, ADamagedGraphOfATenantIsBuiltAnew) {
  PayloadIndexChange tenant = Index("round", PayloadIndexType::kInteger);
  tenant.tenant = true;
  ASSERT_THAT(Change(tenant), IsOk());
  PutNumbered(1, 1'500);
  PutNumbered(1'501, 3'000, /*round=*/1);
  Settle();
  EXPECT_THAT(SearchNear(2'000, "round = 1", false).plan, HasSubstr("graph of 1500 rows"));
  for (const std::string& file : FilesBelow(OwnSegments())) {
    if (file.ends_with(".subsets")) {
      std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    }
  }
  Reopen();
  EXPECT_THAT(SearchNear(2'000, "round = 1", false).plan, Not(HasSubstr("graph of")));
  EXPECT_TRUE(collection_->BuildSomething());
  EXPECT_THAT(SearchNear(2'000, "round = 1", false).plan, HasSubstr("graph of 1500 rows"));
  EXPECT_FALSE(collection_->BuildSomething());
}

}  // namespace
}  // namespace alidade
