// Names: collections and aliases, made, switched, dropped and kept over restarts.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/segment/segment_writer.h"
#include "alidade/storage/store.h"

#include "engine_testing.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CatalogTest : public EngineTest {};

TEST_F(CatalogTest, CreatesListsAndKeepsCollections) {
  CollectionConfig config = ConfigNamed("books", 7);
  config.description = "all of them";
  config.labels = {{"team", "library"}};
  config.default_ef = 33;
  config.fields.push_back(
      {.id = FieldId(), .name = "cover", .dim = 3, .metric = Metric::kCosine, .index = {}});
  ALIDADE_ASSERT_OK_AND_ASSIGN(const CollectionInfo made, engine_->CreateCollection(config));
  EXPECT_EQ(made.seq, SeqNo(1));
  Create("authors");
  for (const bool reopened : {false, true}) {
    if (reopened) {
      Open();
    }
    EXPECT_THAT(Names(), ElementsAre("authors", "books"));
    ALIDADE_ASSERT_OK_AND_ASSIGN(const CollectionInfo info, engine_->GetCollection("books"));
    EXPECT_EQ(info.id, made.id);
    EXPECT_EQ(info.config.description, "all of them");
    EXPECT_EQ(info.config.labels, config.labels);
    EXPECT_EQ(info.config.default_ef, 33U);
    ASSERT_THAT(info.config.fields, SizeIs(2));
    EXPECT_EQ(info.config.fields[0].id, FieldId(1));  // given by the server, in order
    EXPECT_EQ(info.config.fields[1].id, FieldId(2));
    EXPECT_EQ(info.config.fields[1].metric, Metric::kCosine);
    EXPECT_EQ(info.points, 0U);
  }
}

TEST_F(CatalogTest, ANameInUseIsRefusedWhateverUsesIt) {
  Create("a");
  ASSERT_THAT(engine_->UpdateAliases({{"front", "a"}}), IsOk());
  const auto twice = engine_->CreateCollection(ConfigNamed("a"));
  EXPECT_THAT(twice, StatusIs(StatusCode::kAlreadyExists));
  EXPECT_EQ(ReasonOf(twice.status()), "COLLECTION_EXISTS");
  EXPECT_THAT(engine_->CreateCollection(ConfigNamed("front")),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr("alias")));
  EXPECT_THAT(engine_->UpdateAliases({{"a", "a"}}), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_THAT(Names(), ElementsAre("a"));
}

TEST_F(CatalogTest, CollectionsAreLimited) {
  options_.limits.collections_max = 2;
  Open();
  Create("a");
  Create("b");
  EXPECT_THAT(engine_->CreateCollection(ConfigNamed("c")),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("collections_max")));
  ASSERT_THAT(engine_->DropCollection("a"), IsOk());
  Create("c");
  EXPECT_THAT(Names(), ElementsAre("b", "c"));
}

TEST_F(CatalogTest, ABadConfigurationIsRefusedByField) {
  const auto refused = [this](const std::function<void(CollectionConfig&)>& spoil) {
    CollectionConfig config = ConfigNamed("good");
    spoil(config);
    return engine_->CreateCollection(config);
  };
  EXPECT_THAT(refused([](auto& c) { c.name = ""; }), FieldErrorAt("name"));
  EXPECT_THAT(refused([](auto& c) { c.name = "-a"; }), FieldErrorAt("name"));
  EXPECT_THAT(refused([](auto& c) { c.name = "a b"; }), FieldErrorAt("name"));
  EXPECT_THAT(refused([](auto& c) { c.name = std::string(129, 'a'); }), FieldErrorAt("name"));
  EXPECT_THAT(refused([](auto& c) { c.fields.clear(); }), FieldErrorAt("vector_fields"));
  EXPECT_THAT(refused([](auto& c) { c.fields.resize(17, c.fields[0]); }),
              FieldErrorAt("vector_fields"));
  EXPECT_THAT(refused([](auto& c) { c.fields.push_back(c.fields[0]); }),
              FieldErrorAt("vector_fields[1].name"));
  EXPECT_THAT(refused([](auto& c) { c.fields[0].dim = 0; }),
              FieldErrorAt("vector_fields[0].dimension"));
  EXPECT_THAT(refused([](auto& c) { c.fields[0].dim = 65'537; }),
              FieldErrorAt("vector_fields[0].dimension"));
  EXPECT_THAT(refused([](auto& c) { c.sparse_fields = {{.id = {}, .name = c.fields[0].name}}; }),
              FieldErrorAt("sparse_fields[0].name"));
  EXPECT_THAT(refused([](auto& c) { c.sparse_fields.resize(9); }), FieldErrorAt("sparse_fields"));
  EXPECT_THAT(refused([](auto& c) {
                c.multi_vector_fields = {{.id = {}, .name = "m", .dim = 0, .metric = Metric::kDot}};
              }),
              FieldErrorAt("multi_vector_fields[0].dimension"));
  EXPECT_THAT(refused([](auto& c) {
                c.multi_vector_fields = {{.id = {}, .name = "m", .dim = 1, .metric = Metric::kL2}};
              }),
              FieldErrorAt("multi_vector_fields[0].metric"));
  EXPECT_THAT(refused([](auto& c) { c.default_ef = 16'385; }), FieldErrorAt("default_ef"));
  EXPECT_THAT(refused([](auto& c) { c.default_nprobe = 65'537; }), FieldErrorAt("default_nprobe"));
  EXPECT_THAT(refused([](auto& c) { c.labels[""] = "x"; }), FieldErrorAt("labels"));
  EXPECT_THAT(refused([](auto& c) { c.description = std::string(4'097, 'x'); }),
              FieldErrorAt("description"));
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(CatalogTest, AnUnknownNameIsNotFoundWithTheNearestOne) {
  Create("products");
  const auto missing = engine_->GetCollection("product");
  EXPECT_THAT(missing, StatusIs(StatusCode::kNotFound, HasSubstr("\"products\"")));
  EXPECT_EQ(ReasonOf(missing.status()), "COLLECTION_NOT_FOUND");
  EXPECT_THAT(Put("x", 1, 1), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Count("x"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(engine_->DropCollection("x"), StatusIs(StatusCode::kNotFound));
}

TEST_F(CatalogTest, AnAliasStandsForItsCollectionEverywhere) {
  Create("v1");
  ASSERT_THAT(engine_->UpdateAliases({{"live", "v1"}}), IsOk());
  ASSERT_THAT(Put("live", 1, 3), IsOk());
  EXPECT_THAT(Count("v1"), IsOkAndHolds(3U));
  ASSERT_THAT(engine_->Delete(MakeDelete({Id(1)}, "live")), IsOk());
  EXPECT_THAT(Count("live"), IsOkAndHolds(2U));
  CollectionUpdate update;
  update.name = "live";
  update.description = "by alias";
  ALIDADE_ASSERT_OK_AND_ASSIGN(const CollectionInfo info, engine_->UpdateCollection(update));
  EXPECT_EQ(info.config.name, "v1");
  EXPECT_THAT(info.aliases, ElementsAre("live"));
  EXPECT_THAT(engine_->DropCollection("live"),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("\"v1\"")));
  EXPECT_THAT(Names(), ElementsAre("v1"));
}

TEST_F(CatalogTest, AliasesSwitchAllOrNothingAndStaySoOverARestart) {
  Create("v1");
  Create("v2");
  ASSERT_THAT(engine_->UpdateAliases({{"live", "v1"}, {"next", "v2"}, {"gone", "v1"}}), IsOk());
  ASSERT_THAT(engine_->UpdateAliases({{"live", "v2"}, {"next", "v1"}, {"gone", ""}}), IsOk());
  EXPECT_THAT(Aliases(), ElementsAre("live>v2", "next>v1"));

  const auto refused = [this](const std::vector<AliasAction>& actions) {
    return engine_->UpdateAliases(actions).status();
  };
  EXPECT_THAT(refused({{"live", "v1"}, {"next", "v3"}}), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(refused({{"live", ""}, {"next", "v3"}}), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(refused({{"live", "v1"}, {"v2", "v1"}}), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_THAT(refused({{"live", "v1"}, {"bad name", "v1"}}), FieldErrorAt("actions[1].alias"));
  // Not the name of an alias: no chains.
  EXPECT_THAT(refused({{"chain", "live"}}), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Aliases(), ElementsAre("live>v2", "next>v1"));
  // Removing what is not there is no error: a retry is harmless.
  EXPECT_THAT(engine_->UpdateAliases({{"gone", ""}}), IsOk());
  Open();
  EXPECT_THAT(Aliases(), ElementsAre("live>v2", "next>v1"));
}

TEST_F(CatalogTest, ActionsOfOneCallFollowEachOther) {
  Create("v1");
  Create("v2");
  ASSERT_THAT(engine_->UpdateAliases({{"a", "v1"}, {"a", ""}, {"a", "v2"}, {"b", "v1"}, {"b", ""}}),
              IsOk());
  EXPECT_THAT(Aliases(), ElementsAre("a>v2"));
  Open();
  EXPECT_THAT(Aliases(), ElementsAre("a>v2"));
}

TEST_F(CatalogTest, ADropTakesAliasesAndFreesTheName) {
  Create("a");
  Create("b");
  ASSERT_THAT(engine_->UpdateAliases({{"x", "a"}, {"y", "b"}, {"z", "a"}}), IsOk());
  ASSERT_THAT(Put("a", 1, 50), IsOk());
  ASSERT_THAT(Put("b", 1, 5), IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const CollectionInfo old, engine_->GetCollection("a"));
  ASSERT_THAT(engine_->DropCollection("a"), IsOk());
  EXPECT_THAT(Count("a"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Count("x"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Aliases(), ElementsAre("y>b"));

  ALIDADE_ASSERT_OK_AND_ASSIGN(const CollectionInfo made,
                               engine_->CreateCollection(ConfigNamed("a", 3)));
  EXPECT_GT(made.id, old.id);
  for (const bool reopened : {false, true}) {
    if (reopened) {
      Open();
    }
    EXPECT_THAT(Count("a"), IsOkAndHolds(0U));
    EXPECT_THAT(Count("b"), IsOkAndHolds(5U));
    EXPECT_THAT(Aliases(), ElementsAre("y>b"));
  }
}

TEST_F(CatalogTest, KeysAndFilesOfADroppedCollectionGoInTheBackground) {
  Create("a");
  Create("b");
  ALIDADE_ASSERT_OK_AND_ASSIGN(const CollectionInfo info, engine_->GetCollection("a"));
  for (const char* name : {"a", "b"}) {
    ASSERT_THAT(Put(name, 1, 200), IsOk());
    ASSERT_THAT(engine_->Flush(name, Deadline()), IsOk());
    ASSERT_THAT(engine_->Delete(MakeDelete({Id(1), Id(2)}, name)), IsOk());
  }
  const std::string files = scratch_.Path("data/segments/") + CollectionDirectoryName(info.id);
  ASSERT_TRUE(PathExists(files));
  ASSERT_THAT(engine_->DropCollection("a"), IsOk());
  EXPECT_TRUE(Eventually([&] { return !PathExists(files); }));
  engine_.reset();

  StoreOptions options;
  options.directory = options_.data_directory;
  {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(options));
    EXPECT_THAT(store->DeleteSomeKeys(info.id, 1), IsOkAndHolds(true)) << "keys were left";
    for (const MetaKind kind :
         {MetaKind::kDropped, MetaKind::kManifest, MetaKind::kState, MetaKind::kCollection}) {
      size_t records = 0;
      ASSERT_THAT(store->ScanMeta(kind,
                                  "",
                                  [&](std::string_view, std::string_view) {
                                    ++records;
                                    return OkStatus();
                                  }),
                  IsOk());
      EXPECT_EQ(records, kind == MetaKind::kDropped ? 0U : 1U) << static_cast<int>(kind);
    }
  }
  Open();
  EXPECT_THAT(Count("b"), IsOkAndHolds(198U));
}

TEST_F(CatalogTest, ConcurrentChangesDoNotLoseEachOther) {
  constexpr int kThreads = 6;
  constexpr int kRounds = 4;
  Create("base");
  std::vector<std::thread> threads;
  std::atomic<int> arrived{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        const std::string name = "c" + std::to_string(t) + "-" + std::to_string(round);
        arrived.fetch_add(1);
        while (arrived.load() < kThreads * (round + 1)) {
          std::this_thread::yield();  // all at once, so that they share a commit group
        }
        if (t % 3 == 2) {
          EXPECT_THAT(engine_->UpdateAliases({{"alias" + name, "base"}}), IsOk());
          continue;
        }
        EXPECT_THAT(engine_->CreateCollection(ConfigNamed(name)), IsOk());
        EXPECT_THAT(Put(name, 1, 1), IsOk());
        if (round % 2 == 1) {
          EXPECT_THAT(engine_->DropCollection(name), IsOk());
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const auto names = Names();
  EXPECT_THAT(names, SizeIs(1 + 4 * kRounds / 2));
  EXPECT_THAT(Aliases(), SizeIs(2 * kRounds));
  const auto aliases = Aliases();
  Open();
  EXPECT_EQ(Names(), names);  // memory and disk agree
  EXPECT_EQ(Aliases(), aliases);
}

TEST_F(CatalogTest, OneOfTwoEqualCreationsIsRefused) {
  for (int round = 0; round < 8; ++round) {
    const std::string name = "c" + std::to_string(round);
    std::atomic<int> made{0};
    std::atomic<int> arrived{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        arrived.fetch_add(1);
        while (arrived.load() < 4) {
          std::this_thread::yield();
        }
        made.fetch_add(engine_->CreateCollection(ConfigNamed(name)).ok() ? 1 : 0);
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    ASSERT_EQ(made.load(), 1) << round;
  }
}

}  // namespace
}  // namespace alidade
