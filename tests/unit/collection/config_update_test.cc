// Changing a collection's configuration.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collection_testing.h"
#include "commit_queue.h"

namespace alidade {
namespace {

class ConfigUpdateTest : public CollectionTest {
 protected:
  static CollectionUpdate Described(std::string text) {
    CollectionUpdate update;
    update.description = std::move(text);
    return update;
  }
  static CollectionUpdate Indexed(const std::string& field, const IndexSpec& spec) {
    CollectionUpdate update;
    update.indexes[field] = spec;
    return update;
  }
  Status Update(const CollectionUpdate& update) {
    return collection_->UpdateConfig(update, [](const CollectionConfig&) { return OkStatus(); });
  }
};

TEST_F(ConfigUpdateTest, OnlyWhatIsSetChangesAndARestartKeepsIt) {
  CollectionUpdate first = Described("first");
  first.labels = std::map<std::string, std::string>{{"a", "b"}};
  first.default_ef = 50;
  ASSERT_THAT(Update(first), IsOk());
  CollectionUpdate second;
  second.default_nprobe = 9;
  ASSERT_THAT(Update(second), IsOk());
  ASSERT_THAT(Update(Described("")), IsOk());
  for (const bool reopened : {false, true}) {
    if (reopened) {
      Reopen();
    }
    const auto config = collection_->config();
    EXPECT_EQ(config->description, "");
    EXPECT_EQ(config->labels, (std::map<std::string, std::string>{{"a", "b"}}));
    EXPECT_EQ(config->default_ef, 50U);
    EXPECT_EQ(config->default_nprobe, 9U);
    EXPECT_EQ(config->name, "c");
    EXPECT_EQ(config->fields.size(), 1U);
  }
}

TEST_F(ConfigUpdateTest, ARefusedUpdateChangesNothing) {
  ASSERT_THAT(Update(Described("before")), IsOk());
  const SeqNo seq = commits_->visible();
  CollectionUpdate with_unknown_field = Indexed("nope", IndexSpec());
  with_unknown_field.description = "after";
  EXPECT_THAT(Update(with_unknown_field), FieldErrorAt("vector_fields.name"));
  CollectionConfig judged;
  EXPECT_THAT(collection_->UpdateConfig(Described("after"),
                                        [&](const CollectionConfig& whole) {
                                          judged = whole;
                                          return InvalidArgument("no");
                                        }),
              StatusIs(StatusCode::kInvalidArgument, "no"));
  EXPECT_EQ(judged.description, "after");  // judged as it would be, whole
  EXPECT_EQ(judged.fields.size(), 1U);
  EXPECT_EQ(collection_->config()->description, "before");
  EXPECT_EQ(commits_->visible(), seq);
  Reopen();
  EXPECT_EQ(collection_->config()->description, "before");
}

TEST_F(ConfigUpdateTest, UpdatesOfOneGroupDoNotLoseEachOther) {
  {
    CommitQueue queue(*commits_);
    queue.Add([this] { EXPECT_THAT(Update(Described("new")), IsOk()); });
    queue.Add([this] {
      CollectionUpdate update;
      update.default_ef = 99;
      EXPECT_THAT(Update(update), IsOk());
    });
    queue.Add(
        [this] { EXPECT_THAT(Update(Indexed("v", IndexSpec{.kind = IndexKind::kFlat})), IsOk()); });
  }
  for (const bool reopened : {false, true}) {
    if (reopened) {
      Reopen();
    }
    EXPECT_EQ(collection_->config()->description, "new");
    EXPECT_EQ(collection_->config()->default_ef, 99U);
    EXPECT_EQ(collection_->config()->fields[0].index.kind, IndexKind::kFlat);
  }
}

TEST_F(ConfigUpdateTest, ANewIndexSpecMakesSegmentsPendingUntilTheyAreRebuilt) {
  limits_.delta_rows_max = 5'000;
  Open();
  PutNumbered(1, 2'500);
  Settle();
  EXPECT_EQ(collection_->Stats().pending_rows, 0U);
  EXPECT_EQ(collection_->Stats().segments.at(0).indexes.at(0), "hnsw");  // auto
  const std::string before = Answers();

  ASSERT_THAT(Update(Indexed("v", IndexSpec{.kind = IndexKind::kFlat})), IsOk());
  EXPECT_EQ(collection_->Stats().pending_rows, 2'500U);
  Settle();
  EXPECT_EQ(collection_->Stats().pending_rows, 0U);
  EXPECT_EQ(collection_->Stats().segments.at(0).indexes.at(0), "flat");

  ASSERT_THAT(Update(Indexed("v", IndexSpec{.kind = IndexKind::kIvf, .ivf_nlist = 8})), IsOk());
  Settle();
  EXPECT_EQ(collection_->Stats().segments.at(0).indexes.at(0), "ivf");
  ASSERT_THAT(Update(Indexed("v", IndexSpec{.kind = IndexKind::kIvf, .ivf_nlist = 16})), IsOk());
  EXPECT_EQ(collection_->Stats().pending_rows, 2'500U);  // the same kind, other parameters
  Settle();
  EXPECT_EQ(collection_->Stats().pending_rows, 0U);
  EXPECT_EQ(Answers(), before);
}

TEST_F(ConfigUpdateTest, ADroppedCollectionIsNotUpdated) {
  collection_->MarkDropped();
  EXPECT_THAT(Update(Described("x")), StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace alidade
