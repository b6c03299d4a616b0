// Codecs of filters, collections and administration: what good requests become, and which field
// each bad request is refused for.
#include <functional>
#include <string>
#include <utility>

#include "admin_codec.h"
#include "codec_testing.h"
#include "collection_codec.h"
#include "filter_codec.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(FilterCodec, DecodesEveryKindOfNode) {
  const auto filter = DecodeFilter(Parse<v1::Filter>(R"(
      all_of {
        filters { any_of { filters { exists { key: "a" } } filters { is_null { key: "b" } } } }
        filters { none_of { filters { is_in { key: "c" values { int64_value: 1 } values { null_value: NULL_VALUE } } } } }
        filters { range { key: "d.e" gte { int64_value: 1 } lt { double_value: 2.5 } } }
        filters { equals { key: "f" value { bool_value: false } } }
      })"),
                                   Limits(),
                                   FieldPath("filter"));
  ASSERT_TRUE(filter.ok()) << MessageOf(filter.status());
  const auto& children = std::get<AllOf>((*filter)->node).children;
  ASSERT_EQ(children.size(), 4U);
  const auto& any = std::get<AnyOf>(children[0].node).children;
  EXPECT_EQ(std::get<Exists>(any[0].node).key, "a");
  EXPECT_EQ(std::get<IsNull>(any[1].node).key, "b");
  const auto& in = std::get<In>(std::get<NoneOf>(children[1].node).children[0].node);
  EXPECT_THAT(in.values, ElementsAre(Value(int64_t{1}), Value()));
  const auto& range = std::get<Range>(children[2].node);
  EXPECT_EQ(range.key, "d.e");
  EXPECT_EQ(range.gte, Value(int64_t{1}));
  EXPECT_EQ(range.lt, Value(2.5));
  EXPECT_FALSE(range.gt.has_value());
  EXPECT_THAT(std::get<In>(children[3].node).values, ElementsAre(Value(false)));
}

TEST(FilterCodec, RefusesMalformedFiltersWithTheirField) {
  const std::string leaf = "filters { exists { key: \"a\" } } ";
  const std::vector<Refusal> refusals = {
      {"nothing set", "", "filter", "sets no condition"},
      {"nested nothing", "all_of { filters {} }", "filter.all_of.filters[0]", "sets no condition"},
      {"empty key", "exists {}", "filter.exists.key", "0 bytes"},
      {"long key",
       "exists { key: \"" + std::string(257, 'k') + "\" }",
       "filter.exists.key",
       "257 bytes"},
      {"value missing", "equals { key: \"a\" }", "filter.equals.value", "no value set"},
      {"object operand",
       "equals { key: \"a\" value { object_value {} } }",
       "filter.equals.value",
       "must be"},
      {"nan operand",
       "equals { key: \"a\" value { double_value: nan } }",
       "filter.equals.value",
       "finite"},
      {"too many values",
       "is_in { key: \"a\" values {bool_value:1} values {bool_value:1} values {bool_value:1} }",
       "filter.is_in.values",
       "the limit is 2"},
      {"no bound", "range { key: \"a\" }", "filter.range", "no bound"},
      {"two lower bounds",
       "range { key: \"a\" gt { int64_value: 1 } gte { int64_value: 1 } }",
       "filter.range",
       "two lower"},
      {"mixed bounds",
       "range { key: \"a\" gt { int64_value: 1 } lt { string_value: \"x\" } }",
       "filter.range",
       "mixes"},
      {"bool bound",
       "range { key: \"a\" gt { bool_value: true } }",
       "filter.range.gt",
       "number or a string"},
      {"too deep",
       "all_of { filters { any_of { filters { none_of { filters { exists { key: \"a\" } } } } } } "
       "}",
       "filter.all_of.filters[0].any_of.filters[0].none_of.filters[0]",
       "deeper than 3"},
      {"too many nodes",
       "all_of { " + leaf + leaf + leaf + leaf + leaf + "}",
       "filter.all_of.filters[4]",
       "5 nodes"},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused<v1::Filter>(refusal, [](const v1::Filter& filter) {
      return DecodeFilter(filter, SmallLimits(), FieldPath("filter")).status();
    });
  }
}

TEST(FilterCodec, RefusesUnknownFieldsAtEveryLevel) {
  const auto good = Parse<v1::Filter>(
      "all_of { filters { equals { key: \"a\" value { int64_value: 1 } } } filters { range { key: "
      "\"b\" gt { "
      "int64_value: 1 } } } filters { is_in { key: \"c\" values { int64_value: 1 } } } filters { "
      "exists { key: "
      "\"d\" } } filters { is_null { key: \"e\" } } }");
  ASSERT_TRUE(DecodeFilter(good, Limits(), FieldPath("filter")).ok());
  using Poison = std::function<google::protobuf::Message*(v1::Filter&)>;
  const std::vector<Poison> places = {
      [](v1::Filter& f) { return &f; },
      [](v1::Filter& f) { return f.mutable_all_of(); },
      [](v1::Filter& f) { return f.mutable_all_of()->mutable_filters(0); },
      [](v1::Filter& f) { return f.mutable_all_of()->mutable_filters(0)->mutable_equals(); },
      [](v1::Filter& f) {
        return f.mutable_all_of()->mutable_filters(0)->mutable_equals()->mutable_value();
      },
      [](v1::Filter& f) { return f.mutable_all_of()->mutable_filters(1)->mutable_range(); },
      [](v1::Filter& f) {
        return f.mutable_all_of()->mutable_filters(1)->mutable_range()->mutable_gt();
      },
      [](v1::Filter& f) { return f.mutable_all_of()->mutable_filters(2)->mutable_is_in(); },
      [](v1::Filter& f) {
        return f.mutable_all_of()->mutable_filters(2)->mutable_is_in()->mutable_values(0);
      },
      [](v1::Filter& f) { return f.mutable_all_of()->mutable_filters(3)->mutable_exists(); },
      [](v1::Filter& f) { return f.mutable_all_of()->mutable_filters(4)->mutable_is_null(); },
  };
  for (size_t i = 0; i < places.size(); ++i) {
    v1::Filter bad = good;
    google::protobuf::Message* message = places[i](bad);
    message->GetReflection()->MutableUnknownFields(message)->AddVarint(99, 1);
    const Status status = DecodeFilter(bad, Limits(), FieldPath("filter")).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << i;
    EXPECT_THAT(MessageOf(status), HasSubstr("field number 99")) << i;
  }
}

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
      vector_fields { name: "c" dimension: 2 metric: METRIC_DOT } })");
  const auto config = DecodeCreateCollection(request, Limits());
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  ASSERT_EQ(config->fields.size(), 3U);
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
