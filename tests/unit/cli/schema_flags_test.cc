#include "schema_flags.h"

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alidade {
namespace {

// The vector field that these flags describe, or the parser's complaint.
std::string Described(const std::string& flags) {
  CLI::App app("test");
  SchemaFlags schema;
  AddSchemaFlags(app, schema);
  try {
    app.parse(flags, /*program_name_included=*/false);
  } catch (const CLI::ParseError& error) {
    return error.get_name();
  }
  return VectorFieldFor(schema, 8).ShortDebugString();
}

TEST(SchemaFlagsTest, DescribeAField) {
  const std::string cosine = "name: \"vector\" dimension: 8 metric: METRIC_COSINE index ";
  EXPECT_EQ(Described(""), cosine + "{ automatic { } }");
  EXPECT_EQ(Described("--index flat"), cosine + "{ flat { } }");
  EXPECT_EQ(Described("--index hnsw --m 8 --ef-construction 90"),
            cosine + "{ hnsw { m: 8 ef_construction: 90 codes: HNSW_CODES_AUTO } }");
  EXPECT_EQ(Described("--index hnsw --m 8 --hnsw-codes int4"),
            cosine + "{ hnsw { m: 8 codes: HNSW_CODES_INT4 } }");
  EXPECT_EQ(Described("--index ivf --nlist 64"),
            cosine + "{ ivf { nlist: 64 codes: IVF_CODES_FLAT } }");
  EXPECT_EQ(Described("--index ivf --codes sq8"), cosine + "{ ivf { codes: IVF_CODES_SQ8 } }");
  EXPECT_EQ(Described("--index ivf --codes sq4"), cosine + "{ ivf { codes: IVF_CODES_SQ4 } }");
  EXPECT_EQ(Described("--index ivf --codes pq --pq-m 4"),
            cosine + "{ ivf { codes: IVF_CODES_PQ pq_m: 4 } }");
  EXPECT_EQ(Described("--field v --metric l2 --index flat"),
            "name: \"v\" dimension: 8 metric: METRIC_L2 index { flat { } }");
  EXPECT_EQ(Described("--metric dot"),
            "name: \"vector\" dimension: 8 metric: METRIC_DOT index { automatic { } }");
  EXPECT_EQ(Described("--storage-type float32"), cosine + "{ automatic { } }");
  EXPECT_EQ(Described("--storage-type float16"),
            cosine + "{ automatic { } } storage_type: STORAGE_TYPE_FLOAT16");
  EXPECT_EQ(Described("--storage-type bfloat16"),
            cosine + "{ automatic { } } storage_type: STORAGE_TYPE_BFLOAT16");
}

TEST(SchemaFlagsTest, UnknownWordsAreRefused) {
  EXPECT_EQ(Described("--metric euclid"), "ValidationError");
  EXPECT_EQ(Described("--index tree"), "ValidationError");
  EXPECT_EQ(Described("--codes sq2"), "ValidationError");
  EXPECT_EQ(Described("--storage-type float8"), "ValidationError");
  EXPECT_EQ(Described("--m many"), "ConversionError");
  EXPECT_EQ(Described("--m -3"), "ConversionError");
}

TEST(SchemaFlagsTest, PayloadIndexes) {
  CLI::App app("test");
  SchemaFlags schema;
  AddPayloadIndexFlag(app, schema);
  app.parse("--payload-index a:b:integer --payload-index who:keyword:tenant",
            /*program_name_included=*/false);
  v1::Collection collection;
  FillSchema(schema, 0, collection);
  EXPECT_EQ(collection.ShortDebugString(),
            "payload_indexes { key: \"a:b\" type: PAYLOAD_INDEX_TYPE_INTEGER } "
            "payload_indexes { key: \"who\" type: PAYLOAD_INDEX_TYPE_KEYWORD tenant: true }");
  for (const char* bad : {"a", "a:tenant", ":keyword", "a:word", "a:keyword:tenants"}) {
    EXPECT_THROW(app.parse(std::string("--payload-index ") + bad, false), CLI::ValidationError)
        << bad;
  }
}

TEST(SchemaFlagsTest, SparseFields) {
  CLI::App app("test");
  SchemaFlags schema;
  AddFurtherFieldFlags(app, schema);
  app.parse("--sparse-field a --sparse-field b:idf", /*program_name_included=*/false);
  v1::Collection collection;
  FillSchema(schema, 0, collection);
  EXPECT_EQ(collection.ShortDebugString(),
            "sparse_fields { name: \"a\" modifier: SPARSE_MODIFIER_NONE } "
            "sparse_fields { name: \"b\" modifier: SPARSE_MODIFIER_IDF }");
  EXPECT_THROW(app.parse("--sparse-field a:dif", false), CLI::ValidationError);
}

TEST(SchemaFlagsTest, MultiVectorFields) {
  CLI::App app("test");
  SchemaFlags schema;
  AddFurtherFieldFlags(app, schema);
  app.parse(
      "--multi-vector-field a:128 --multi-vector-field b:3:dot --multi-vector-field c:4:cosine",
      /*program_name_included=*/false);
  v1::Collection collection;
  FillSchema(schema, 0, collection);
  EXPECT_EQ(collection.ShortDebugString(),
            "multi_vector_fields { name: \"a\" dimension: 128 metric: METRIC_COSINE } "
            "multi_vector_fields { name: \"b\" dimension: 3 metric: METRIC_DOT } "
            "multi_vector_fields { name: \"c\" dimension: 4 metric: METRIC_COSINE }");
  for (const char* text :
       {"a", "a:", "a:x", "a:-1", "a:4x", "a:4:", "a:4:l2", "a:4294967296", ""}) {
    EXPECT_THROW(app.parse(std::vector<std::string>{text, "--multi-vector-field"}),
                 CLI::ValidationError)
        << text;
  }
}

TEST(SchemaFlagsTest, NamesForPeople) {
  EXPECT_EQ(MetricName(v1::METRIC_L2), "l2");
  EXPECT_EQ(MetricName(v1::METRIC_DOT), "dot");
  EXPECT_EQ(MetricName(v1::METRIC_COSINE), "cosine");
  v1::IndexSpec spec;
  EXPECT_EQ(IndexText(spec), "auto");
  spec.mutable_flat();
  EXPECT_EQ(IndexText(spec), "flat");
  spec.mutable_hnsw()->set_m(16);
  EXPECT_EQ(IndexText(spec), "hnsw m=16 ef_construction=0 codes=auto");
  spec.mutable_ivf()->set_codes(v1::IVF_CODES_PQ);
  EXPECT_EQ(IndexText(spec), "ivf nlist=0 codes=pq");
  spec.mutable_ivf()->set_codes(v1::IVF_CODES_SQ4);
  EXPECT_EQ(IndexText(spec), "ivf nlist=0 codes=sq4");
}

TEST(PointIds, AreNumbersUnlessTheySayOtherwise) {
  EXPECT_EQ(ParsePointId("42").ShortDebugString(), "num: 42");
  EXPECT_EQ(ParsePointId("18446744073709551615").num(), 18446744073709551615U);
  EXPECT_EQ(ParsePointId("18446744073709551616").ShortDebugString(),
            "str: \"18446744073709551616\"");
  EXPECT_EQ(ParsePointId("text:42").ShortDebugString(), "str: \"42\"");
  EXPECT_EQ(ParsePointId("-1").ShortDebugString(), "str: \"-1\"");
  EXPECT_EQ(ParsePointId("4 2").ShortDebugString(), "str: \"4 2\"");
  EXPECT_EQ(FormatPointId(ParsePointId("42")), "42");
  EXPECT_EQ(FormatPointId(ParsePointId("text:42")), "42");
}

}  // namespace
}  // namespace alidade
