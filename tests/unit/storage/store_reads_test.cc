// Batches, reads, scans and their bounds, snapshots, removal of whole collections.
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/storage/store.h"

#include "store_testing.h"
#include "support/scratch_directory.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr RowNo kRowMax(~uint64_t{0});

class StoreReadsTest : public StoreTest {
 protected:
  void SetUp() override { OpenStore(); }

  void Commit(WriteBatch& batch) { ASSERT_THAT(store_->Write(batch, /*sync=*/false), IsOk()); }

  std::optional<std::string> Meta(MetaKind kind, std::string_view name) const {
    std::optional<std::string> value;
    EXPECT_THAT(store_->GetMeta(kind, name, value), IsOk());
    return value;
  }
  std::vector<std::pair<std::string, std::string>> ScannedMeta(MetaKind kind,
                                                               std::string_view prefix) const {
    std::vector<std::pair<std::string, std::string>> found;
    EXPECT_THAT(store_->ScanMeta(kind,
                                 prefix,
                                 [&](std::string_view name, std::string_view value) {
                                   found.emplace_back(name, value);
                                   return OkStatus();
                                 }),
                IsOk());
    return found;
  }
  std::vector<uint64_t> ScannedRows(KeySpace space,
                                    RowNo first = RowNo(0),
                                    RowNo last = kRowMax,
                                    const StoreSnapshot* snapshot = nullptr) const {
    std::vector<uint64_t> found;
    EXPECT_THAT(store_->ScanRows(space,
                                 first,
                                 last,
                                 snapshot,
                                 [&](RowNo row, const StoredRow&) {
                                   found.push_back(row.value());
                                   return OkStatus();
                                 }),
                IsOk());
    return found;
  }
  std::vector<std::pair<uint64_t, std::string>> ScannedVectors(KeySpace space,
                                                               uint16_t field,
                                                               RowNo first = RowNo(0),
                                                               RowNo last = kRowMax) const {
    std::vector<std::pair<uint64_t, std::string>> found;
    EXPECT_THAT(store_->ScanVectors(space,
                                    FieldId(field),
                                    first,
                                    last,
                                    nullptr,
                                    [&](RowNo row, std::string_view bytes) {
                                      found.emplace_back(row.value(), bytes);
                                      return OkStatus();
                                    }),
                IsOk());
    return found;
  }
  std::vector<std::pair<uint64_t, uint64_t>> ScannedTombstones(KeySpace space,
                                                               RowNo first = RowNo(0),
                                                               RowNo last = kRowMax) const {
    std::vector<std::pair<uint64_t, uint64_t>> found;
    EXPECT_THAT(store_->ScanTombstones(space,
                                       first,
                                       last,
                                       [&](RowNo row, SeqNo seq) {
                                         found.emplace_back(row.value(), seq.value());
                                         return OkStatus();
                                       }),
                IsOk());
    return found;
  }
  std::vector<std::string> ScannedIds(KeySpace space, std::string_view after = "") const {
    std::vector<std::string> found;
    EXPECT_THAT(store_->ScanIds(space,
                                after,
                                nullptr,
                                [&](std::string_view id, IdEntry) -> StatusOr<bool> {
                                  found.emplace_back(id);
                                  return true;
                                }),
                IsOk());
    return found;
  }
  // Row, id, two vectors and a tombstone under the same numbers, in every family.
  static void AddEverything(WriteBatch& batch, KeySpace space, uint64_t row) {
    batch.PutId(space, IdBytes(row), {RowNo(row), SeqNo(row)});
    batch.PutRow(
        space, RowNo(row), {.encoded_id = IdBytes(row), .seq = SeqNo(row), .payload = "p"});
    batch.PutVector(space, RowNo(row), {FieldId(1), "vector 1"});
    batch.PutVector(space, RowNo(row), {FieldId(2), "vector 2"});
    batch.PutTombstone(space, RowNo(row), SeqNo(row + 1));
    batch.PutPayloadChange(space, RowNo(row), SeqNo(row + 2));
  }
  std::vector<std::pair<uint64_t, uint64_t>> ScannedPayloadChanges(KeySpace space,
                                                                   RowNo first = RowNo(0),
                                                                   RowNo last = kRowMax) const {
    std::vector<std::pair<uint64_t, uint64_t>> found;
    EXPECT_THAT(store_->ScanPayloadChanges(space,
                                           first,
                                           last,
                                           [&](RowNo row, SeqNo seq) {
                                             found.emplace_back(row.value(), seq.value());
                                             return OkStatus();
                                           }),
                IsOk());
    return found;
  }
};

TEST_F(StoreReadsTest, ABatchIsNotThereBeforeItIsWrittenAndWholeAfter) {
  WriteBatch batch(*store_);
  AddEverything(batch, Space(1), 5);
  batch.PutMeta(MetaKind::kState, "s", "state");
  EXPECT_GT(batch.byte_size(), 0U);
  EXPECT_THAT(ScannedRows(Space(1)), IsEmpty());
  EXPECT_EQ(Meta(MetaKind::kState, "s"), std::nullopt);

  Commit(batch);
  EXPECT_THAT(ScannedRows(Space(1)), ElementsAre(5));
  EXPECT_EQ(Meta(MetaKind::kState, "s"), "state");
  EXPECT_THAT(ScannedIds(Space(1)), ElementsAre(IdBytes(5)));
  EXPECT_THAT(ScannedVectors(Space(1), 1), ElementsAre(Pair(5, "vector 1")));
  EXPECT_THAT(ScannedVectors(Space(1), 2), ElementsAre(Pair(5, "vector 2")));
  EXPECT_THAT(ScannedTombstones(Space(1)), ElementsAre(Pair(5, 6)));
  EXPECT_THAT(ScannedPayloadChanges(Space(1)), ElementsAre(Pair(5, 7)));
}

TEST_F(StoreReadsTest, ABatchGoesBackToItsSavePoint) {
  WriteBatch batch(*store_);
  AddEverything(batch, Space(1), 5);
  const size_t bytes = batch.byte_size();
  batch.SetSavePoint();
  AddEverything(batch, Space(1), 6);
  batch.DeleteRow(Space(1), RowNo(5), {FieldId(1), FieldId(2)});
  batch.PutMeta(MetaKind::kState, "s", "state");
  batch.RollBack();
  EXPECT_EQ(batch.byte_size(), bytes);
  batch.SetSavePoint();
  AddEverything(batch, Space(1), 7);
  batch.Keep();
  Commit(batch);
  EXPECT_THAT(ScannedRows(Space(1)), ElementsAre(5, 7));
  EXPECT_THAT(ScannedVectors(Space(1), 1), ElementsAre(Pair(5, "vector 1"), Pair(7, "vector 1")));
  EXPECT_EQ(Meta(MetaKind::kState, "s"), std::nullopt);
}

TEST_F(StoreReadsTest, PayloadChangesAreKeptByRowUntilTheyAreForgotten) {
  WriteBatch batch(*store_);
  for (const uint64_t row : {3U, 255U, 256U, 1'000U}) {
    batch.PutPayloadChange(Space(1), RowNo(row), SeqNo(row + 1));
  }
  batch.PutPayloadChange(Space(2), RowNo(256), SeqNo(9));
  batch.PutPayloadChange(Space(1), RowNo(255), SeqNo(500));  // the newest change counts
  Commit(batch);
  EXPECT_THAT(ScannedPayloadChanges(Space(1), RowNo(4), RowNo(256)),
              ElementsAre(Pair(255, 500), Pair(256, 257)));
  WriteBatch forgetting(*store_);
  forgetting.DeletePayloadChange(Space(1), RowNo(256));
  Commit(forgetting);
  EXPECT_THAT(ScannedPayloadChanges(Space(1)),
              ElementsAre(Pair(3, 4), Pair(255, 500), Pair(1'000, 1'001)));
  EXPECT_THAT(ScannedPayloadChanges(Space(2)), ElementsAre(Pair(256, 9)));
}

TEST_F(StoreReadsTest, AClearedBatchWritesNothing) {
  WriteBatch batch(*store_);
  AddEverything(batch, Space(1), 5);
  batch.Clear();
  EXPECT_EQ(batch.byte_size(), 0U);
  Commit(batch);
  EXPECT_THAT(ScannedRows(Space(1)), IsEmpty());
}

TEST_F(StoreReadsTest, ABatchIsUsedAgainForOtherChanges) {
  WriteBatch batch(*store_);
  // More than what it keeps, and less.
  for (const size_t bytes : {size_t{17} << 20, size_t{100}}) {
    batch.PutMeta(MetaKind::kState, "large", std::string(bytes, 'x'));
    Commit(batch);
    batch.Clear();
    EXPECT_EQ(batch.byte_size(), 0U);
    batch.DeleteMeta(MetaKind::kState, "large");
    batch.PutMeta(MetaKind::kState, "small", std::to_string(bytes));
    Commit(batch);
    batch.Clear();
    EXPECT_THAT(ScannedMeta(MetaKind::kState, ""),
                ElementsAre(Pair("small", std::to_string(bytes))));
  }
}

TEST_F(StoreReadsTest, LaterChangesOfABatchWin) {
  WriteBatch batch(*store_);
  batch.PutMeta(MetaKind::kAlias, "a", "first");
  batch.PutMeta(MetaKind::kAlias, "a", "second");
  batch.PutMeta(MetaKind::kAlias, "b", "there");
  batch.DeleteMeta(MetaKind::kAlias, "b");
  batch.DeleteMeta(MetaKind::kAlias, "c");
  batch.PutMeta(MetaKind::kAlias, "c", "there again");
  Commit(batch);
  EXPECT_THAT(ScannedMeta(MetaKind::kAlias, ""),
              ElementsAre(Pair("a", "second"), Pair("c", "there again")));
}

TEST_F(StoreReadsTest, ABatchThatWasCutFromTheLogIsGoneWhole) {
  ASSERT_THAT(store_->Sync(), IsOk());
  const std::string log = FilesBelow(directory() + "/db", ".log").back();
  const size_t before = FileBytes(log);
  WriteBatch batch(*store_);
  for (uint64_t row = 1; row <= 20; ++row) {
    AddEverything(batch, Space(1), row);
  }
  ASSERT_THAT(store_->Write(batch, /*sync=*/true), IsOk());
  const size_t after = FileBytes(log);
  CloseStore();
  CopyTree(directory(), scratch_.Path("kept"));
  for (size_t cut = before; cut < after; cut += (after - before) / 9 + 1) {
    CopyTree(scratch_.Path("kept"), directory());
    CutFile(log, cut);
    OpenStore();
    ASSERT_THAT(ScannedRows(Space(1)), IsEmpty()) << cut;
    ASSERT_THAT(ScannedIds(Space(1)), IsEmpty()) << cut;
    ASSERT_THAT(ScannedVectors(Space(1), 1), IsEmpty()) << cut;
    ASSERT_THAT(ScannedTombstones(Space(1)), IsEmpty()) << cut;
    CloseStore();
  }
}

TEST_F(StoreReadsTest, GetsAnswerInTheOrderAsked) {
  WriteBatch batch(*store_);
  for (const uint64_t row : {3U, 1U, 2U}) {
    AddEverything(batch, Space(1), row);
  }
  Commit(batch);
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const auto ids, store_->GetIds(Space(1), {IdBytes(2), IdBytes(9), IdBytes(1)}, nullptr));
  ASSERT_EQ(ids.size(), 3U);
  EXPECT_EQ(ids[0]->row, RowNo(2));
  EXPECT_EQ(ids[0]->seq, SeqNo(2));
  EXPECT_FALSE(ids[1].has_value());
  EXPECT_EQ(ids[2]->row, RowNo(1));

  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto rows,
                               store_->GetRows(Space(1), {RowNo(9), RowNo(3), RowNo(3)}, nullptr));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_FALSE(rows[0].has_value());
  EXPECT_EQ(rows[1]->id, PointId(uint64_t{3}));
  EXPECT_EQ(rows[2]->id, PointId(uint64_t{3}));

  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const auto vectors, store_->GetVectors(Space(1), FieldId(2), {RowNo(9), RowNo(1)}, nullptr));
  ASSERT_EQ(vectors.size(), 2U);
  EXPECT_EQ(vectors[0], std::nullopt);
  EXPECT_EQ(vectors[1], "vector 2");
  EXPECT_THAT(store_->GetRows(Space(1), {}, nullptr), IsOkAndHolds(IsEmpty()));
}

TEST_F(StoreReadsTest, BytesComeBackAsTheyAreWithZerosAndAll) {
  const std::string bytes("\0\xFF\0binary\0", 10);
  WriteBatch batch(*store_);
  batch.PutRow(Space(1),
               RowNo(1),
               {.encoded_id = PointId("t\xC3\xA9xt").Encode(), .seq = SeqNo(8), .payload = bytes});
  batch.PutVector(Space(1), RowNo(1), {FieldId(1), bytes});
  batch.PutMeta(MetaKind::kRequest, bytes, bytes);
  batch.PutMeta(MetaKind::kRequest, "empty", "");
  Commit(batch);
  OpenStore();
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto rows, store_->GetRows(Space(1), {RowNo(1)}, nullptr));
  EXPECT_EQ(rows[0]->payload, bytes);
  EXPECT_EQ(rows[0]->id, PointId("t\xC3\xA9xt"));
  EXPECT_EQ(rows[0]->seq, SeqNo(8));
  EXPECT_THAT(ScannedVectors(Space(1), 1), ElementsAre(Pair(1, bytes)));
  EXPECT_EQ(Meta(MetaKind::kRequest, bytes), bytes);
  EXPECT_EQ(Meta(MetaKind::kRequest, "empty"), "");
}

TEST_F(StoreReadsTest, RowScansHaveInclusiveBounds) {
  WriteBatch batch(*store_);
  for (const uint64_t row :
       {uint64_t{0}, uint64_t{1}, uint64_t{255}, uint64_t{256}, kRowMax.value()}) {
    AddEverything(batch, Space(1), row);
  }
  Commit(batch);
  EXPECT_THAT(ScannedRows(Space(1)), ElementsAre(0, 1, 255, 256, kRowMax.value()));
  EXPECT_THAT(ScannedRows(Space(1), RowNo(1), RowNo(255)), ElementsAre(1, 255));
  EXPECT_THAT(ScannedRows(Space(1), RowNo(2), RowNo(254)), IsEmpty());
  EXPECT_THAT(ScannedRows(Space(1), RowNo(256), RowNo(256)), ElementsAre(256));
  EXPECT_THAT(ScannedRows(Space(1), RowNo(257)), ElementsAre(kRowMax.value()));
  EXPECT_THAT(ScannedRows(Space(1), RowNo(5), RowNo(4)), IsEmpty());
  EXPECT_THAT(ScannedVectors(Space(1), 1, RowNo(1), RowNo(255)),
              ElementsAre(Pair(1, "vector 1"), Pair(255, "vector 1")));
  EXPECT_THAT(ScannedTombstones(Space(1), RowNo(255), RowNo(256)),
              ElementsAre(Pair(255, 256), Pair(256, 257)));
}

TEST_F(StoreReadsTest, CollectionsShardsAndFieldsDoNotSeeEachOther) {
  // Neighbours in key order, and numbers whose last byte is 255, where a bound carries over.
  const std::vector<KeySpace> spaces = {Space(0),
                                        Space(0, 1),
                                        Space(0, 0xFFFF),
                                        Space(1),
                                        Space(0xFF),
                                        Space(0xFF, 0xFFFF),
                                        Space(0x100),
                                        Space(~uint32_t{0}),
                                        Space(~uint32_t{0}, 0xFFFF)};
  const std::vector<uint16_t> fields = {0, 1, 0xFF, 0x100, 0xFFFF};
  WriteBatch batch(*store_);
  for (size_t i = 0; i < spaces.size(); ++i) {
    batch.PutId(spaces[i], IdBytes(i), {RowNo(i), SeqNo(1)});
    batch.PutRow(spaces[i], RowNo(i), {.encoded_id = IdBytes(i), .seq = SeqNo(1), .payload = ""});
    batch.PutTombstone(spaces[i], RowNo(i), SeqNo(i + 1));
    for (const uint16_t field : fields) {
      batch.PutVector(spaces[i], RowNo(i), {FieldId(field), std::to_string(field)});
    }
  }
  Commit(batch);
  for (size_t i = 0; i < spaces.size(); ++i) {
    EXPECT_THAT(ScannedRows(spaces[i]), ElementsAre(i));
    EXPECT_THAT(ScannedIds(spaces[i]), ElementsAre(IdBytes(i)));
    EXPECT_THAT(ScannedTombstones(spaces[i]), ElementsAre(Pair(i, i + 1)));
    for (const uint16_t field : fields) {
      EXPECT_THAT(ScannedVectors(spaces[i], field), ElementsAre(Pair(i, std::to_string(field))));
    }
    EXPECT_THAT(ScannedVectors(spaces[i], 2), IsEmpty());
  }
  EXPECT_THAT(ScannedRows(Space(2)), IsEmpty());
}

TEST_F(StoreReadsTest, IdScansGoOnBehindTheGivenIdAndStopWhenTold) {
  const std::vector<std::string> ids = {PointId(uint64_t{0}).Encode(),
                                        PointId(uint64_t{255}).Encode(),
                                        PointId(uint64_t{256}).Encode(),
                                        PointId("a").Encode(),
                                        PointId(std::string("a\0", 2)).Encode(),
                                        PointId("ab").Encode(),
                                        PointId("b").Encode()};
  WriteBatch batch(*store_);
  for (size_t i = ids.size(); i-- > 0;) {
    batch.PutId(Space(1), ids[i], {RowNo(i), SeqNo(1)});
  }
  Commit(batch);
  EXPECT_EQ(ScannedIds(Space(1)), ids);
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(ScannedIds(Space(1), ids[i]),
              std::vector<std::string>(ids.begin() + static_cast<ptrdiff_t>(i) + 1, ids.end()));
  }
  // Behind an id that is not there.
  EXPECT_THAT(ScannedIds(Space(1), PointId("az").Encode()), ElementsAre(ids.back()));

  size_t calls = 0;
  EXPECT_THAT(
      store_->ScanIds(Space(1),
                      "",
                      nullptr,
                      [&](std::string_view, IdEntry) -> StatusOr<bool> { return ++calls < 3; }),
      IsOk());
  EXPECT_EQ(calls, 3U);
}

TEST_F(StoreReadsTest, AnErrorOfTheCallbackEndsAScanAndComesBack) {
  WritePoints(1, 5);
  size_t calls = 0;
  const Status status =
      store_->ScanRows(Space(1), RowNo(0), kRowMax, nullptr, [&](RowNo, const StoredRow&) {
        return ++calls == 2 ? Cancelled("enough") : OkStatus();
      });
  EXPECT_THAT(status, StatusIs(StatusCode::kCancelled, "enough"));
  EXPECT_EQ(calls, 2U);
}

TEST_F(StoreReadsTest, MetaKindsAndPrefixesAreApart) {
  WriteBatch batch(*store_);
  batch.PutMeta(MetaKind::kManifest, "a", "1");
  batch.PutMeta(MetaKind::kManifest, "a\xFF", "2");
  batch.PutMeta(MetaKind::kManifest, "ab", "3");
  batch.PutMeta(MetaKind::kManifest, "b", "4");
  batch.PutMeta(MetaKind::kState, "a", "other kind");
  batch.PutMeta(MetaKind::kRequest, "a", "other kind");
  Commit(batch);
  EXPECT_THAT(ScannedMeta(MetaKind::kManifest, ""),
              ElementsAre(Pair("a", "1"), Pair("ab", "3"), Pair("a\xFF", "2"), Pair("b", "4")));
  EXPECT_THAT(ScannedMeta(MetaKind::kManifest, "a"),
              ElementsAre(Pair("a", "1"), Pair("ab", "3"), Pair("a\xFF", "2")));
  EXPECT_THAT(ScannedMeta(MetaKind::kManifest, "ab"), ElementsAre(Pair("ab", "3")));
  EXPECT_THAT(ScannedMeta(MetaKind::kDropped, ""), IsEmpty());
  EXPECT_EQ(Meta(MetaKind::kAlias, "a"), std::nullopt);
}

TEST_F(StoreReadsTest, DeletingARowTakesItsNamedVectorsAndNothingElse) {
  WriteBatch batch(*store_);
  AddEverything(batch, Space(1), 1);
  AddEverything(batch, Space(1), 2);
  AddEverything(batch, Space(2), 1);
  Commit(batch);
  WriteBatch removal(*store_);
  removal.DeleteRow(Space(1), RowNo(1), {FieldId(1), FieldId(2)});
  removal.DeleteId(Space(1), IdBytes(1));
  Commit(removal);
  EXPECT_THAT(ScannedRows(Space(1)), ElementsAre(2));
  EXPECT_THAT(ScannedVectors(Space(1), 1), ElementsAre(Pair(2, "vector 1")));
  EXPECT_THAT(ScannedVectors(Space(1), 2), ElementsAre(Pair(2, "vector 2")));
  EXPECT_THAT(ScannedIds(Space(1)), ElementsAre(IdBytes(2)));
  EXPECT_THAT(ScannedRows(Space(2)), ElementsAre(1));
  // The tombstone stays until it is removed by name.
  EXPECT_THAT(ScannedTombstones(Space(1)), ElementsAre(Pair(1, 2), Pair(2, 3)));
  WriteBatch forgetting(*store_);
  forgetting.DeleteTombstone(Space(1), RowNo(1));
  Commit(forgetting);
  EXPECT_THAT(ScannedTombstones(Space(1)), ElementsAre(Pair(2, 3)));
}

TEST_F(StoreReadsTest, ASnapshotSeesTheOldState) {
  WriteBatch batch(*store_);
  AddEverything(batch, Space(1), 1);
  Commit(batch);
  const auto snapshot = store_->TakeSnapshot();
  WriteBatch change(*store_);
  change.DeleteRow(Space(1), RowNo(1), {FieldId(1)});
  change.PutId(Space(1), IdBytes(1), {RowNo(2), SeqNo(2)});
  change.PutRow(Space(1), RowNo(2), {.encoded_id = IdBytes(1), .seq = SeqNo(2), .payload = "new"});
  Commit(change);
  ASSERT_THAT(store_->Flush(), IsOk());

  EXPECT_THAT(ScannedRows(Space(1), RowNo(0), kRowMax, snapshot.get()), ElementsAre(1));
  EXPECT_THAT(ScannedRows(Space(1)), ElementsAre(2));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto old_ids,
                               store_->GetIds(Space(1), {IdBytes(1)}, snapshot.get()));
  EXPECT_EQ(old_ids[0]->row, RowNo(1));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto new_ids, store_->GetIds(Space(1), {IdBytes(1)}, nullptr));
  EXPECT_EQ(new_ids[0]->row, RowNo(2));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto rows,
                               store_->GetRows(Space(1), {RowNo(1), RowNo(2)}, snapshot.get()));
  EXPECT_TRUE(rows[0].has_value());
  EXPECT_FALSE(rows[1].has_value());
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const auto vectors, store_->GetVectors(Space(1), FieldId(1), {RowNo(1)}, snapshot.get()));
  EXPECT_EQ(vectors[0], "vector 1");
}

TEST_F(StoreReadsTest, RemovesACollectionInStepsAndLeavesItsNeighboursAlone) {
  const std::vector<KeySpace> neighbours = {Space(0xFE), Space(0x100), Space(0x1FF)};
  WriteBatch batch(*store_);
  for (uint64_t row = 0; row < 50; ++row) {
    AddEverything(batch, Space(0xFF), row);
    AddEverything(batch, Space(0xFF, 3), row);
  }
  for (const KeySpace space : neighbours) {
    AddEverything(batch, space, 1);
  }
  batch.PutMeta(MetaKind::kDropped, "kept", "");
  Commit(batch);
  // 2 shards of 50 rows with an id, a row, two vectors, a tombstone and a payload change each.
  size_t steps = 0;
  for (bool done = false; !done; ++steps) {
    ASSERT_LE(steps, 100U);
    ALIDADE_ASSERT_OK_AND_ASSIGN(done, store_->DeleteSomeKeys(CollectionId(0xFF), 70));
  }
  EXPECT_EQ(steps, (600 + 69) / 70 + 1U);
  for (const KeySpace space : {Space(0xFF), Space(0xFF, 3)}) {
    EXPECT_THAT(ScannedRows(space), IsEmpty());
    EXPECT_THAT(ScannedIds(space), IsEmpty());
    EXPECT_THAT(ScannedVectors(space, 1), IsEmpty());
    EXPECT_THAT(ScannedTombstones(space), IsEmpty());
    EXPECT_THAT(ScannedPayloadChanges(space), IsEmpty());
  }
  for (const KeySpace space : neighbours) {
    EXPECT_THAT(ScannedRows(space), ElementsAre(1));
    EXPECT_THAT(ScannedIds(space), ElementsAre(IdBytes(1)));
    EXPECT_THAT(ScannedVectors(space, 2), ElementsAre(Pair(1, "vector 2")));
    EXPECT_THAT(ScannedTombstones(space), ElementsAre(Pair(1, 2)));
    EXPECT_THAT(ScannedPayloadChanges(space), ElementsAre(Pair(1, 3)));
  }
  EXPECT_EQ(Meta(MetaKind::kDropped, "kept"), "");
  EXPECT_THAT(store_->DeleteSomeKeys(CollectionId(12345), 10), IsOkAndHolds(true));
}

TEST_F(StoreReadsTest, MeasuresItself) {
  const uint64_t syncs = store_->sync_seconds().Read().count;
  WritePoints(1, 3);
  EXPECT_EQ(store_->sync_seconds().Read().count, syncs + 3);
  WritePoints(4, 4, /*sync=*/false);
  EXPECT_EQ(store_->sync_seconds().Read().count, syncs + 3);
  EXPECT_GT(store_->WalBytes(), 0U);
  EXPECT_GT(store_->MemoryBytes(), 0U);
  ASSERT_THAT(store_->Flush(), IsOk());
  EXPECT_GT(store_->DiskBytes(), 0U);
  EXPECT_THAT(store_->VerifyChecksums(), IsOk());
}

}  // namespace
}  // namespace alidade
