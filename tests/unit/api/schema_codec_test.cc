// Codecs of collections and administration: what good requests become, and which field
// each bad request is refused for.
#include <functional>
#include <string>
#include <utility>

#include "admin_codec.h"
#include "codec_testing.h"
#include "collection_codec.h"
#include "field_codec.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CollectionCodec, CodesOfListsComeBack) {
  for (const auto& [name, codes] : {std::pair{"IVF_CODES_FLAT", IvfCodes::kFlat},
                                    std::pair{"IVF_CODES_SQ8", IvfCodes::kSq8},
                                    std::pair{"IVF_CODES_SQ4", IvfCodes::kSq4},
                                    std::pair{"IVF_CODES_PQ", IvfCodes::kPq}}) {
    const auto request = Parse<v1::CreateCollectionRequest>(
        std::string("collection { name: 'w' vector_fields { name: 'a' dimension: 8 metric: "
                    "METRIC_L2 index { ivf { codes: ") +
        name + " } } } }");
    CollectionInfo info;
    ALIDADE_ASSERT_OK_AND_ASSIGN(info.config, DecodeCreateCollection(request, Limits()));
    EXPECT_EQ(info.config.fields[0].index.ivf_codes, codes);
    v1::Collection encoded;
    EncodeCollection(info, encoded);
    EXPECT_EQ(v1::IvfCodes_Name(encoded.vector_fields(0).index().ivf().codes()), name);
  }
}

TEST(CollectionCodec, DecodesAndEncodesASchema) {
  const auto request = Parse<v1::CreateCollectionRequest>(R"(collection {
      name: "words" description: "d" labels { key: "k" value: "v" } search_defaults { ef: 64 nprobe: 8 }
      vector_fields { name: "a" dimension: 384 metric: METRIC_COSINE index { hnsw { m: 24 } } }
      vector_fields { name: "b" dimension: 64 metric: METRIC_L2 index { ivf { nlist: 16 codes: IVF_CODES_PQ pq_m: 8 } } }
      vector_fields { name: "c" dimension: 2 metric: METRIC_DOT }
      sparse_fields { name: "s" modifier: SPARSE_MODIFIER_IDF } sparse_fields { name: "t" }
      multi_vector_fields { name: "m" dimension: 128 metric: METRIC_COSINE } })");
  const auto config = DecodeCreateCollection(request, Limits());
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  ASSERT_EQ(config->fields.size(), 3U);
  ASSERT_EQ(config->sparse_fields.size(), 2U);
  EXPECT_TRUE(config->sparse_fields[0].idf);
  EXPECT_FALSE(config->sparse_fields[1].idf);
  ASSERT_EQ(config->multi_vector_fields.size(), 1U);
  EXPECT_EQ(config->multi_vector_fields[0].dim, 128U);
  EXPECT_EQ(config->fields[0].index.kind, IndexKind::kHnsw);
  EXPECT_EQ(config->fields[0].index.hnsw_m, 24U);
  EXPECT_EQ(config->fields[0].index.hnsw_ef_construction, IndexSpec().hnsw_ef_construction);
  EXPECT_EQ(config->fields[1].index.ivf_codes, IvfCodes::kPq);
  EXPECT_EQ(config->fields[1].metric, Metric::kL2);
  EXPECT_EQ(config->fields[2].index.kind, IndexKind::kAuto);
  EXPECT_EQ(config->default_ef, 64U);

  CollectionInfo info;
  info.config = *config;
  info.points = 12;
  info.aliases = {"w"};
  v1::Collection encoded;
  EncodeCollection(info, encoded);
  EXPECT_EQ(encoded.point_count(), 12U);
  EXPECT_EQ(encoded.aliases(0), "w");
  // What was encoded decodes to the same again.
  v1::CreateCollectionRequest again;
  *again.mutable_collection() = encoded;
  const auto round = DecodeCreateCollection(again, Limits());
  ASSERT_TRUE(round.ok());
  EXPECT_TRUE(SameVectorFields(*round, *config));
  EXPECT_EQ(round->labels, config->labels);
  auto other = *config;
  other.fields[2].index.kind = IndexKind::kFlat;
  EXPECT_FALSE(SameVectorFields(other, *config));
  other = *config;
  other.sparse_fields[1].idf = true;
  EXPECT_FALSE(SameVectorFields(other, *config));
  other = *config;
  other.multi_vector_fields[0].metric = Metric::kDot;
  EXPECT_FALSE(SameVectorFields(other, *config));
}

TEST(CollectionCodec, RefusesBadSchemasWithTheirField) {
  const std::string f = "vector_fields { name: \"v\" dimension: 8 metric: METRIC_DOT } ";
  const auto field = [](const std::string& body) {
    return "collection { name: \"c\" vector_fields { " + body + " } }";
  };
  const std::vector<Refusal> refusals = {
      {"no name", "collection { " + f + " }", "collection.name", "is empty"},
      {"no fields", "collection { name: \"c\" }", "collection.vector_fields", "has 0 fields"},
      {"no dimension",
       field("name: \"v\" metric: METRIC_DOT"),
       "collection.vector_fields[0].dimension",
       "is 0"},
      {"large dimension",
       field("name: \"v\" dimension: 65 metric: METRIC_DOT"),
       "collection.vector_fields[0].dimension",
       "1..64"},
      {"no metric",
       field("name: \"v\" dimension: 8"),
       "collection.vector_fields[0].metric",
       "is missing"},
      {"unknown metric",
       field("name: \"v\" dimension: 8 metric: 9"),
       "collection.vector_fields[0].metric",
       "9"},
      {"name twice",
       "collection { name: \"c\" " + f + f + "}",
       "collection.vector_fields[1].name",
       "second time"},
      {"name of both kinds",
       "collection { name: \"c\" " + f + "sparse_fields { name: \"v\" } }",
       "collection.sparse_fields[0].name",
       "second time"},
      {"sparse field without a name",
       "collection { name: \"c\" " + f + "sparse_fields {} }",
       "collection.sparse_fields[0].name",
       "is empty"},
      {"unknown modifier",
       "collection { name: \"c\" sparse_fields { name: \"s\" modifier: 7 } }",
       "collection.sparse_fields[0].modifier",
       "7 is not known"},
      {"multi-vector field under L2",
       "collection { name: \"c\" " + f +
           "multi_vector_fields { name: \"m\" dimension: 8 metric: METRIC_L2 } }",
       "collection.multi_vector_fields[0].metric",
       "L2"},
      {"multi-vector field without a dimension",
       "collection { name: \"c\" " + f + "multi_vector_fields { name: \"m\" metric: METRIC_DOT } }",
       "collection.multi_vector_fields[0].dimension",
       "is 0"},
      {"multi-vector field with the name of another",
       "collection { name: \"c\" " + f +
           "multi_vector_fields { name: \"v\" dimension: 8 metric: METRIC_DOT } }",
       "collection.multi_vector_fields[0].name",
       "second time"},
      {"many sparse fields",
       "collection { name: \"c\" sparse_fields {} sparse_fields {} sparse_fields {} sparse_fields "
       "{} "
       "sparse_fields {} sparse_fields {} sparse_fields {} sparse_fields {} sparse_fields {} }",
       "collection.sparse_fields",
       "the limit is 8"},
      {"huge ef",
       "collection { name: \"c\" search_defaults { ef: 101 } " + f + "}",
       "collection.search_defaults.ef",
       "101"},
      {"long description",
       "collection { name: \"c\" description: \"" + std::string(4097, 'd') + "\" " + f + "}",
       "collection.description",
       "4097"},
      {"empty label key",
       "collection { name: \"c\" labels { key: \"\" value: \"x\" } " + f + "}",
       "collection.labels[\"\"]",
       "1..128"},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused<v1::CreateCollectionRequest>(
        refusal, [](const v1::CreateCollectionRequest& request) {
          return DecodeCreateCollection(request, SmallLimits()).status();
        });
  }
  const auto bad_m = Parse<v1::CreateCollectionRequest>(
      field("name: \"v\" dimension: 8 metric: METRIC_DOT index { hnsw { m: 100000 } }"));
  const Status status = DecodeCreateCollection(bad_m, Limits()).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(FieldOf(status).value_or(""),
              testing::StartsWith("collection.vector_fields[0].index"));
}

TEST(CollectionCodec, UpdatesOnlyWhatTheMaskNames) {
  CollectionInfo current;
  current.config.name = "words";
  VectorField field;
  field.name = "v";
  field.dim = 8;
  field.metric = Metric::kDot;
  current.config.fields.push_back(field);
  const auto decode = [&current](const std::string& text) {
    return DecodeUpdateCollection(Parse<v1::UpdateCollectionRequest>(text), current, SmallLimits());
  };
  const auto update =
      decode(R"(collection { name: "alias" description: "new" search_defaults { ef: 9 nprobe: 3 }
      vector_fields { name: "v" index { flat {} } } }
      update_mask { paths: "search_defaults.ef" paths: "vector_fields" })");
  ASSERT_TRUE(update.ok()) << MessageOf(update.status());
  EXPECT_EQ(update->name, "words");
  EXPECT_FALSE(update->description.has_value());
  EXPECT_EQ(update->default_ef, 9U);
  EXPECT_FALSE(update->default_nprobe.has_value());
  EXPECT_EQ(update->indexes.at("v").kind, IndexKind::kFlat);
  EXPECT_EQ(FieldOf(decode("collection { name: \"c\" }").status()), "update_mask");
  EXPECT_EQ(FieldOf(decode("update_mask { paths: \"name\" }").status()), "update_mask");
  EXPECT_EQ(FieldOf(decode("collection { vector_fields { name: \"w\" } } update_mask { paths: "
                           "\"vector_fields\" }")
                        .status()),
            "collection.vector_fields[0].name");
  EXPECT_EQ(
      FieldOf(
          decode("collection { vector_fields { name: \"v\" dimension: 9 } } update_mask { paths: "
                 "\"vector_fields\" }")
              .status()),
      "collection.vector_fields[0]");
}

TEST(CollectionCodec, DecodesAliasActions) {
  const auto actions = DecodeUpdateAliases(Parse<v1::UpdateAliasesRequest>(
      "actions { set { name: \"a\" collection: \"c\" } } actions { remove: \"b\" }"));
  ASSERT_TRUE(actions.ok());
  EXPECT_EQ((*actions)[0].alias, "a");
  EXPECT_EQ((*actions)[0].collection, "c");
  EXPECT_EQ((*actions)[1].alias, "b");
  EXPECT_TRUE((*actions)[1].collection.empty());
  EXPECT_EQ(FieldOf(DecodeUpdateAliases({}).status()), "actions");
  EXPECT_EQ(FieldOf(DecodeUpdateAliases(Parse<v1::UpdateAliasesRequest>("actions {}")).status()),
            "actions[0]");
  EXPECT_EQ(FieldOf(DecodeUpdateAliases(
                        Parse<v1::UpdateAliasesRequest>("actions { set { name: \"a\" } }"))
                        .status()),
            "actions[0].set.collection");
}

TEST(AdminCodec, ChecksDurations) {
  EXPECT_EQ(*DecodeTimeout(Parse<google::protobuf::Duration>("seconds: 2 nanos: 5000000")),
            std::chrono::milliseconds(2005));
  EXPECT_FALSE(DecodeTimeout(Parse<google::protobuf::Duration>("seconds: -1")).ok());
  EXPECT_FALSE(
      DecodeTimeout(Parse<google::protobuf::Duration>("seconds: 9223372036854775807")).ok());
}

}  // namespace
}  // namespace alidade
