// Life of collections and aliases over gRPC.
#include <atomic>
#include <set>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/shared_server.h"

namespace alidade::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CollectionsTest : public SharedServerTest {
 protected:
  v1::Collection Described(const std::string& name) {
    v1::GetCollectionRequest request;
    request.set_collection(name);
    return Must(client_, request).collection();
  }

  void Drop(const std::string& name) {
    v1::DeleteCollectionRequest request;
    request.set_collection(name);
    Must(client_, request);
  }

  void AddPoints(const std::string& name, uint64_t count, size_t dim) {
    v1::UpsertPointsRequest request;
    request.set_collection(name);
    for (uint64_t i = 0; i < count; ++i) {
      request.mutable_columns()->mutable_number_ids()->add_values(i);
    }
    v1::VectorColumn& column = *request.mutable_columns()->add_vectors();
    column.set_field("v");
    column.set_data(Packed(RandomVector(1, count * dim)));
    Must(client_, request);
  }
};

TEST_F(CollectionsTest, ANewCollectionIsDescribedWithItsDefaultsFilledIn) {
  const auto request = Parse<v1::CreateCollectionRequest>(
      "collection { name: 'films' description: 'all of them' labels { key: 'team' value: 'red' } "
      "search_defaults { ef: 77 nprobe: 5 } point_count: 99 id: 99 "
      "vector_fields { name: 'h' dimension: 65536 metric: METRIC_DOT index { hnsw { m: 4 } } } "
      "vector_fields { name: 'i' dimension: 6 metric: METRIC_L2 index { ivf { codes: IVF_CODES_PQ "
      "pq_m: 3 } } } "
      "vector_fields { name: 'a' dimension: 1 metric: METRIC_COSINE storage_type: "
      "STORAGE_TYPE_BFLOAT16 } }");
  const auto made = Must(client_, request);
  EXPECT_EQ(made.receipt().durability(), v1::DURABILITY_DURABLE);
  EXPECT_FALSE(made.receipt().replayed());
  EXPECT_GT(made.receipt().seq(), 0U);
  EXPECT_EQ(made.collection().seq(), made.receipt().seq());

  v1::Collection expected = request.collection();
  expected.set_id(made.collection().id());
  expected.set_point_count(0);
  expected.mutable_vector_fields(0)->mutable_index()->mutable_hnsw()->set_ef_construction(200);
  expected.mutable_vector_fields(0)->mutable_index()->mutable_hnsw()->set_codes(
      v1::HNSW_CODES_AUTO);
  expected.mutable_vector_fields(2)->mutable_index()->mutable_automatic();
  expected.mutable_vector_fields(0)->set_storage_type(v1::STORAGE_TYPE_FLOAT32);
  expected.mutable_vector_fields(1)->set_storage_type(v1::STORAGE_TYPE_FLOAT32);
  v1::Collection described = Described("films");
  described.clear_seq();
  EXPECT_EQ(described.ShortDebugString(), expected.ShortDebugString());
  Drop("films");
}

TEST_F(CollectionsTest, AllowExistingMakesARetryHarmless) {
  auto request = NewCollection("twice", 4, v1::METRIC_L2, "hnsw { m: 8 }");
  request.set_allow_existing(true);
  const auto first = Must(client_, request);
  EXPECT_FALSE(first.receipt().replayed());
  const auto second = Must(client_, request);
  EXPECT_TRUE(second.receipt().replayed());
  EXPECT_EQ(second.collection().id(), first.collection().id());
  EXPECT_GE(second.receipt().seq(), first.receipt().seq());
  request.mutable_collection()->mutable_vector_fields(0)->set_storage_type(
      v1::STORAGE_TYPE_BFLOAT16);
  EXPECT_EQ(client_.Send(request).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  Drop("twice");
}

TEST_F(CollectionsTest, AnUpdateChangesOnlyWhatTheMaskNames) {
  auto create = NewCollection("masked", 4, v1::METRIC_L2, "hnsw { m: 8 ef_construction: 50 }");
  create.mutable_collection()->set_description("old");
  (*create.mutable_collection()->mutable_labels())["a"] = "1";
  create.mutable_collection()->mutable_search_defaults()->set_ef(10);
  create.mutable_collection()->mutable_search_defaults()->set_nprobe(20);
  const auto made = Must(client_, create);

  auto change = Parse<v1::UpdateCollectionRequest>(
      "collection { name: 'masked' description: 'new' labels { key: 'b' value: '2' } "
      "search_defaults { ef: 30 nprobe: 40 } } update_mask { paths: 'search_defaults.ef' }");
  const auto changed = Must(client_, change);
  EXPECT_GT(changed.receipt().seq(), made.receipt().seq());
  v1::Collection now = Described("masked");
  EXPECT_EQ(now.description(), "old");
  EXPECT_EQ(now.labels().at("a"), "1");
  EXPECT_EQ(now.search_defaults().ef(), 30U);
  EXPECT_EQ(now.search_defaults().nprobe(), 20U);

  change.mutable_update_mask()->clear_paths();
  change.mutable_update_mask()->add_paths("labels");
  change.mutable_update_mask()->add_paths("description");
  Must(client_, change);
  now = Described("masked");
  EXPECT_EQ(now.description(), "new");
  EXPECT_EQ(now.labels().size(), 1U);
  EXPECT_EQ(now.labels().at("b"), "2");
  EXPECT_EQ(now.vector_fields(0).index().hnsw().m(), 8U);
  const auto narrow = Parse<v1::UpdateCollectionRequest>(
      "collection { name: 'masked' vector_fields { name: 'v' storage_type: STORAGE_TYPE_FLOAT16 } "
      "} update_mask { paths: 'vector_fields' }");
  EXPECT_EQ(client_.Send(narrow).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  Drop("masked");
}

TEST_F(CollectionsTest, AChangedIndexIsBuiltAnewAndSearchesStayRight) {
  Must(client_, NewCollection("reindexed", 4, v1::METRIC_L2, "flat {}"));
  AddPoints("reindexed", 2'500, 4);
  const auto wait = Parse<v1::WaitIndexedRequest>("collection: 'reindexed'");
  const auto stats = Parse<v1::GetCollectionStatsRequest>("collection: 'reindexed'");
  const auto near = Parse<v1::SearchRequest>(
      "collection: 'reindexed' k: 5 params { ef: 3000 nprobe: 3000 } payload { all: false } "
      "queries { vector { values { values: [0.1, 0.2, 0.3, 0.4] } } }");
  const auto first = Must(client_, near).results(0);
  EXPECT_TRUE(first.stats().exact());
  for (const auto& [index, name] : std::vector<std::pair<std::string, std::string>>{
           {"hnsw { m: 8 ef_construction: 40 }", "hnsw"},
           {"ivf { nlist: 16 }", "ivf"},
           {"flat {}", "flat"}}) {
    SCOPED_TRACE(index);
    Must(client_,
         Parse<v1::UpdateCollectionRequest>("collection { name: 'reindexed' vector_fields { name: "
                                            "'v' index { " +
                                            index +
                                            " } } } update_mask { paths: 'vector_fields' }"));
    Must(client_, wait);
    const auto found = Must(client_, stats);
    ASSERT_EQ(found.segments_size(), 1);
    EXPECT_THAT(found.segments(0).indexes(), ElementsAre(name));
    EXPECT_EQ(found.stats().pending_rows(), 0U);
    const auto hits = Must(client_, near).results(0);
    ASSERT_EQ(hits.hits_size(), 5);
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(hits.hits(i).id().num(), first.hits(i).id().num());
    }
  }
  Drop("reindexed");
}

TEST_F(CollectionsTest, PayloadIndexesComeAndGoAndFiltersStayExact) {
  auto create = NewCollection("indexed", 4, v1::METRIC_L2);
  *create.mutable_collection()->add_payload_indexes() =
      Parse<v1::PayloadIndex>("key: 'n' type: PAYLOAD_INDEX_TYPE_INTEGER");
  EXPECT_EQ(Must(client_, create).collection().payload_indexes_size(), 1);
  auto fill = Parse<v1::UpsertPointsRequest>("collection: 'indexed'");
  for (uint64_t id = 0; id < 400; ++id) {
    v1::Point& point = *fill.mutable_rows()->add_points();
    point.mutable_id()->set_num(id);
    (*point.mutable_vectors())["v"].set_packed(Packed(RandomVector(id + 1, 4)));
    (*point.mutable_payload()->mutable_fields())["n"].set_int64_value(static_cast<int64_t>(id));
    (*point.mutable_payload()->mutable_fields())["tag"].set_string_value(id % 4 == 0 ? "x" : "y");
  }
  Must(client_, fill);
  const auto search = Parse<v1::SearchRequest>(
      "collection: 'indexed' k: 100 explain: true "
      "queries { vector { values { values: [1, 0, 0, 0] } } } "
      "filter { all_of { filters { range { key: 'n' lt { int64_value: 200 } } } "
      "filters { is_in { key: 'tag' values { string_value: 'x' } } } } }");
  const auto index = Parse<v1::CreatePayloadIndexRequest>(
      "collection: 'indexed' payload_index { key: 'tag' type: PAYLOAD_INDEX_TYPE_KEYWORD tenant: "
      "true }");
  const auto plan = [&] {
    const v1::SearchResponse found = Must(client_, search);
    EXPECT_EQ(found.results(0).hits_size(), 50);
    return found.results(0).stats().plan();
  };
  EXPECT_THAT(plan(), HasSubstr("400 payloads read"));  // in memory
  Must(client_, Parse<v1::WaitIndexedRequest>("collection: 'indexed'"));
  EXPECT_THAT(plan(), HasSubstr("200 payloads read"));
  const auto made = Must(client_, index);
  EXPECT_EQ(made.collection().payload_indexes(1).key(), "tag");
  EXPECT_TRUE(made.collection().payload_indexes(1).tenant());
  EXPECT_FALSE(made.collection().payload_indexes(0).tenant());
  EXPECT_EQ(client_.Send(index).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  auto again = index;
  again.set_allow_existing(true);
  EXPECT_EQ(Must(client_, again).collection().payload_indexes_size(), 2);
  again.mutable_payload_index()->clear_tenant();
  EXPECT_EQ(client_.Send(again).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  const auto second = Parse<v1::CreatePayloadIndexRequest>(
      "collection: 'indexed' payload_index { key: 'n' type: PAYLOAD_INDEX_TYPE_KEYWORD tenant: "
      "true }");
  EXPECT_EQ(client_.Send(second).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  Must(client_, Parse<v1::WaitIndexedRequest>("collection: 'indexed'"));
  EXPECT_THAT(plan(), Not(HasSubstr("payloads read")));
  const auto stats =
      Must(client_, Parse<v1::GetCollectionStatsRequest>("collection: 'indexed'")).stats();
  ASSERT_EQ(stats.payload_indexes_size(), 2);
  EXPECT_EQ(stats.payload_indexes(1).type(), "keyword");
  EXPECT_EQ(stats.payload_indexes(1).indexed_rows(), 400U);
  EXPECT_EQ(stats.payload_indexes(1).pending_rows(), 0U);
  EXPECT_EQ(stats.payload_indexes(1).values(), 2U);
  const auto removal = Parse<v1::DeletePayloadIndexRequest>(
      "collection: 'indexed' payload_index { key: 'n' type: PAYLOAD_INDEX_TYPE_INTEGER }");
  EXPECT_EQ(Must(client_, removal).collection().payload_indexes_size(), 1);
  EXPECT_THAT(plan(), HasSubstr("known from before"));
  Drop("indexed");
}

TEST_F(CollectionsTest, ADeletedCollectionIsGoneWithItsPointsAndAliases) {
  const auto first = Must(client_, NewCollection("gone", 4, v1::METRIC_L2));
  AddPoints("gone", 10, 4);
  Must(client_,
       Parse<v1::UpdateAliasesRequest>("actions { set { name: 'gone-too' collection: 'gone' } }"));
  auto drop = Parse<v1::DeleteCollectionRequest>("collection: 'gone'");
  const auto dropped = Must(client_, drop);
  EXPECT_EQ(dropped.receipt().durability(), v1::DURABILITY_DURABLE);
  for (const std::string name : {"gone", "gone-too"}) {
    v1::CountPointsRequest count;
    count.set_collection(name);
    EXPECT_EQ(client_.Send(count).error_code(), grpc::StatusCode::NOT_FOUND) << name;
  }
  EXPECT_THAT(Must(client_, v1::ListAliasesRequest()).aliases(), IsEmpty());

  drop.set_allow_missing(true);
  EXPECT_TRUE(Must(client_, drop).receipt().replayed());
  const auto second = Must(client_, NewCollection("gone", 5, v1::METRIC_DOT));
  EXPECT_GT(second.collection().id(), first.collection().id());
  EXPECT_EQ(Described("gone").point_count(), 0U);
  EXPECT_EQ(Must(client_, Parse<v1::CountPointsRequest>("collection: 'gone'")).count(), 0U);
  Drop("gone");
}

TEST_F(CollectionsTest, ListsPageByName) {
  for (const std::string name : {"p3", "p1", "p5", "p2", "p4"}) {
    Must(client_, NewCollection(name, 4, v1::METRIC_L2));
    Must(client_,
         Parse<v1::UpdateAliasesRequest>("actions { set { name: 'alias-" + name +
                                         "' collection: '" + name + "' } }"));
  }
  std::vector<std::string> names;
  v1::ListCollectionsRequest request;
  request.set_page_size(2);
  int pages = 0;
  do {
    const auto page = Must(client_, request);
    ASSERT_LE(page.collections_size(), 2);
    for (const v1::Collection& collection : page.collections()) {
      names.push_back(collection.name());
      EXPECT_THAT(collection.aliases(), ElementsAre("alias-" + collection.name()));
    }
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty() && pages < 10);
  EXPECT_THAT(names, ElementsAre("p1", "p2", "p3", "p4", "p5"));
  EXPECT_EQ(pages, 3);

  names.clear();
  v1::ListAliasesRequest aliases;
  aliases.set_page_size(4);
  do {
    const auto page = Must(client_, aliases);
    for (const v1::Alias& alias : page.aliases()) {
      names.push_back(alias.name() + "=" + alias.collection());
    }
    aliases.set_page_token(page.next_page_token());
  } while (!aliases.page_token().empty() && names.size() < 20);
  EXPECT_THAT(
      names,
      ElementsAre("alias-p1=p1", "alias-p2=p2", "alias-p3=p3", "alias-p4=p4", "alias-p5=p5"));
  const auto of_one =
      Must(client_, Parse<v1::ListAliasesRequest>("collection: 'alias-p3'")).aliases();
  ASSERT_EQ(of_one.size(), 1);
  EXPECT_EQ(of_one[0].name(), "alias-p3");
  for (const std::string name : {"p1", "p2", "p3", "p4", "p5"}) {
    Drop(name);
  }
}

TEST_F(CollectionsTest, AnAliasStandsForItsCollectionInEveryCall) {
  Must(client_, NewCollection("real", 2, v1::METRIC_L2));
  Must(client_,
       Parse<v1::UpdateAliasesRequest>("actions { set { name: 'nick' collection: 'real' } }"));
  Must(client_,
       Parse<v1::UpsertPointsRequest>(
           "collection: 'nick' rows { points { id { num: 1 } vectors { key: 'v' value { "
           "values { values: [1, 2] } } } } points { id { num: 2 } } }"));
  EXPECT_EQ(Must(client_, Parse<v1::CountPointsRequest>("collection: 'real'")).count(), 2U);
  EXPECT_EQ(
      Must(client_, Parse<v1::GetPointsRequest>("collection: 'nick' ids { num: 1 }")).points_size(),
      1);
  EXPECT_EQ(Must(client_, Parse<v1::ListPointsRequest>("collection: 'nick'")).points_size(), 2);
  EXPECT_EQ(Must(client_,
                 Parse<v1::SearchRequest>("collection: 'nick' k: 1 queries { vector { "
                                          "values { values: [1, 2] } } }"))
                .results(0)
                .hits_size(),
            1);
  EXPECT_EQ(Must(client_, Parse<v1::DeletePointsRequest>("collection: 'nick' ids { num: 1 }"))
                .deleted_count(),
            1U);
  EXPECT_EQ(Described("nick").name(), "real");
  Must(client_, Parse<v1::FlushRequest>("collection: 'nick'"));
  Must(client_, Parse<v1::WaitIndexedRequest>("collection: 'nick'"));
  EXPECT_EQ(Must(client_, Parse<v1::GetCollectionStatsRequest>("collection: 'nick'"))
                .stats()
                .point_count(),
            1U);
  Must(client_,
       Parse<v1::UpdateCollectionRequest>(
           "collection { name: 'nick' description: 'by alias' } update_mask { paths: "
           "'description' }"));
  EXPECT_EQ(Described("real").description(), "by alias");
  // Removal is harmless twice.
  const auto remove = Parse<v1::UpdateAliasesRequest>("actions { remove: 'nick' }");
  Must(client_, remove);
  Must(client_, remove);
  EXPECT_THAT(Described("real").aliases(), IsEmpty());
  Drop("real");
}

TEST_F(CollectionsTest, AliasesSwitchInOneStep) {
  Must(client_, NewCollection("blue", 2, v1::METRIC_L2));
  Must(client_, NewCollection("green", 2, v1::METRIC_L2));
  const auto set = [this](const std::string& live, const std::string& spare) {
    Must(client_,
         Parse<v1::UpdateAliasesRequest>("actions { set { name: 'live' collection: '" + live +
                                         "' } } actions { set { name: 'spare' collection: '" +
                                         spare + "' } }"));
  };
  set("blue", "green");
  std::atomic<bool> stop{false};
  std::atomic<int> reads{0};
  std::set<std::string> seen;
  std::thread reader([&] {
    Client other(server().address());
    while (!stop.load()) {
      std::string pairs;
      const auto aliases = Must(other, v1::ListAliasesRequest());
      for (const v1::Alias& alias : aliases.aliases()) {
        pairs += alias.name() + "=" + alias.collection() + " ";
      }
      seen.insert(pairs);
      reads.fetch_add(1);
    }
  });
  // At least so many switches, and as many as it takes for the reader to look often.
  for (int i = 0; i < 50 || (reads.load() < 100 && i < 5'000); ++i) {
    set(i % 2 == 0 ? "green" : "blue", i % 2 == 0 ? "blue" : "green");
  }
  stop.store(true);
  reader.join();
  EXPECT_GE(reads.load(), 100);
  for (const std::string& pairs : seen) {
    EXPECT_TRUE(pairs == "live=blue spare=green " || pairs == "live=green spare=blue ") << pairs;
  }
  Drop("blue");
  Drop("green");
}

}  // namespace
}  // namespace alidade::testing
