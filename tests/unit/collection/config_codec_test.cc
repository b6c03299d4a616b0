// Bytes of configurations and states: round trips, and every damage that a decoder can meet.
#include "alidade/collection/config_codec.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

CollectionConfig FullConfig() {
  CollectionConfig config;
  config.name = "products";
  config.description = "what is sold";
  config.labels = {{"team", "search"}, {"empty", ""}};
  config.default_ef = 77;
  config.default_nprobe = 8;
  config.fields.push_back({.id = FieldId(1),
                           .name = "text",
                           .dim = 384,
                           .metric = Metric::kCosine,
                           .index = {.kind = IndexKind::kHnsw,
                                     .hnsw_m = 24,
                                     .hnsw_ef_construction = 333,
                                     .ivf_nlist = 5,
                                     .ivf_codes = IvfCodes::kSq8,
                                     .ivf_pq_m = 3}});
  config.fields.push_back({.id = FieldId(0xFFFF),
                           .name = "image",
                           .dim = 65'536,
                           .metric = Metric::kL2,
                           .index = {.kind = IndexKind::kIvf,
                                     .ivf_nlist = 4'096,
                                     .ivf_codes = IvfCodes::kPq,
                                     .ivf_pq_m = 48}});
  config.fields.push_back(
      {.id = FieldId(7), .name = "", .dim = 1, .metric = Metric::kDot, .index = {}});
  config.fields[1].element = ElementType::kBfloat16;
  config.payload_indexes = {{PayloadIndexId(3), "a.b", PayloadIndexType::kKeyword},
                            {PayloadIndexId(0xFFF0), "place", PayloadIndexType::kGeo},
                            {PayloadIndexId(4), "whose", PayloadIndexType::kUuid, {}, true},
                            {PayloadIndexId(9),
                             "note",
                             PayloadIndexType::kText,
                             {.analyzer = {.language = Language::kEnglish,
                                           .stop_words = StopWords::kCustom,
                                           .custom_stop_words = {"the", "a"}},
                              .bm25 = {.k1 = 0.9, .b = 0.4}}}};
  config.next_payload_index = PayloadIndexId(0xFFF1);
  config.sparse_fields = {{.id = FieldId(8), .name = "words", .idf = true},
                          {.id = FieldId(9), .name = "learned"}};
  config.multi_vector_fields = {
      {.id = FieldId(10), .name = "tokens", .dim = 128, .metric = Metric::kCosine},
      {.id = FieldId(11), .name = "patches", .dim = 65'536, .metric = Metric::kDot}};
  return config;
}

void ExpectEqual(const CollectionConfig& a, const CollectionConfig& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.description, b.description);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.default_ef, b.default_ef);
  EXPECT_EQ(a.default_nprobe, b.default_nprobe);
  EXPECT_EQ(a.fields, b.fields);
  EXPECT_EQ(a.payload_indexes, b.payload_indexes);
  EXPECT_EQ(a.next_payload_index, b.next_payload_index);
  EXPECT_EQ(a.sparse_fields, b.sparse_fields);
  EXPECT_EQ(a.multi_vector_fields, b.multi_vector_fields);
}

TEST(ConfigCodecTest, ConfigurationsComeBack) {
  for (const CollectionConfig& config : {FullConfig(), CollectionConfig()}) {
    const std::string bytes = EncodeConfig(config);
    ALIDADE_ASSERT_OK_AND_ASSIGN(const CollectionConfig read, DecodeConfig(bytes));
    ExpectEqual(read, config);
    EXPECT_EQ(EncodeConfig(read), bytes);
  }
}

// So that an older server reads what it knows.
TEST(ConfigCodecTest, IsWrittenInTheOldestFormatThatHoldsIt) {
  CollectionConfig config = FullConfig();
  EXPECT_EQ(EncodeConfig(config)[0], 6);
  config.payload_indexes[2].tenant = false;
  EXPECT_EQ(EncodeConfig(config)[0], 6);
  config.fields[1].element = ElementType::kFloat32;
  EXPECT_EQ(EncodeConfig(config)[0], 5);
  config.sparse_fields.clear();
  EXPECT_EQ(EncodeConfig(config)[0], 5);
  config.multi_vector_fields.clear();
  EXPECT_EQ(EncodeConfig(config)[0], 4);
  std::erase_if(config.payload_indexes, [](const PayloadIndexSpec& index) {
    return index.type == PayloadIndexType::kText;
  });
  std::string bytes = EncodeConfig(config);
  EXPECT_EQ(bytes[0], 3);
  bytes[0] = 4;
  EXPECT_THAT(DecodeConfig(bytes), StatusIs(StatusCode::kDataLoss));
  for (const char format : {'\3', '\4', '\5'}) {
    bytes = EncodeConfig(FullConfig());
    bytes[0] = format;
    EXPECT_THAT(DecodeConfig(bytes), StatusIs(StatusCode::kDataLoss));
  }
  // At the end the index of the tenants, one that there is and of a type that tells, and a type of
  // elements for each of the three fields.
  for (const int id : {3, 4, 5, 9}) {
    bytes = EncodeConfig(FullConfig());
    bytes[bytes.size() - 5] = static_cast<char>(id);
    EXPECT_EQ(DecodeConfig(bytes).ok(), id == 3 || id == 4) << id;
  }
  for (const int element : {0, 1, 3, 4}) {
    bytes = EncodeConfig(FullConfig());
    bytes.back() = static_cast<char>(element);
    EXPECT_EQ(DecodeConfig(bytes).ok(), element == 1 || element == 3) << element;
  }
  // Without both the last byte is the metric of the last multi-vector field, or says whether the
  // last sparse field has IDF.
  config = FullConfig();
  config.payload_indexes[2].tenant = false;
  config.fields[1].element = ElementType::kFloat32;
  bytes = EncodeConfig(config);
  bytes.back() = static_cast<char>(Metric::kL2);
  EXPECT_THAT(DecodeConfig(bytes), StatusIs(StatusCode::kDataLoss));
  config.multi_vector_fields.clear();
  bytes = EncodeConfig(config);
  bytes.back() = 2;
  EXPECT_THAT(DecodeConfig(bytes), StatusIs(StatusCode::kDataLoss));
}

TEST(ConfigCodecTest, EveryTruncatedOrLengthenedConfigurationIsDataLoss) {
  const std::string whole = EncodeConfig(FullConfig());
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    ASSERT_THAT(DecodeConfig(whole.substr(0, bytes)), StatusIs(StatusCode::kDataLoss)) << bytes;
  }
  EXPECT_THAT(DecodeConfig(whole + '\0'), StatusIs(StatusCode::kDataLoss));
}

TEST(ConfigCodecTest, ANewerFormatIsRefusedAndAnUnknownOlderOneIsDataLoss) {
  std::string bytes = EncodeConfig(FullConfig());
  bytes[0] = 7;
  EXPECT_THAT(DecodeConfig(bytes), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("newer")));
  bytes[0] = 0;
  EXPECT_THAT(DecodeConfig(bytes), StatusIs(StatusCode::kDataLoss));
}

TEST(ConfigCodecTest, KindsThatThereAreNotAreDataLoss) {
  const auto spoilt = [](const auto& spoil) {
    CollectionConfig config = FullConfig();
    spoil(config.fields[1]);
    return DecodeConfig(EncodeConfig(config));
  };
  ASSERT_THAT(spoilt([](VectorField&) {}), IsOk());
  for (const int number : {0, 6, 255}) {
    const std::vector<StatusOr<CollectionConfig>> all = {
        spoilt([=](VectorField& field) { field.metric = static_cast<Metric>(number); }),
        spoilt([=](VectorField& field) { field.index.kind = static_cast<IndexKind>(number); }),
        spoilt([=](VectorField& field) { field.index.ivf_codes = static_cast<IvfCodes>(number); }),
        spoilt([=](VectorField& field) { field.index.codes = static_cast<CodesSetting>(number); })};
    for (const auto& config : all) {
      EXPECT_THAT(config, StatusIs(StatusCode::kDataLoss, HasSubstr("image"))) << number;
    }
  }
  for (const int number : {0, 9, 255}) {
    CollectionConfig config = FullConfig();
    config.payload_indexes[1].type = static_cast<PayloadIndexType>(number);
    EXPECT_THAT(DecodeConfig(EncodeConfig(config)),
                StatusIs(StatusCode::kDataLoss, HasSubstr("place")))
        << number;
  }
}

TEST(ConfigCodecTest, AbsurdCountsEndAtTheEndOfTheBytes) {
  CollectionConfig config = FullConfig();
  config.labels.clear();
  config.fields.clear();
  std::string bytes = EncodeConfig(config);
  bytes.replace(bytes.size() - 4, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_THAT(DecodeConfig(bytes), StatusIs(StatusCode::kDataLoss));
}

TEST(ConfigCodecTest, StatesComeBackAndAreMeasured) {
  const CollectionState state{RowNo(~uint64_t{0}), 12, SeqNo(34)};
  const std::string whole = EncodeState(state);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const CollectionState read, DecodeState(whole));
  EXPECT_EQ(read.next_row, state.next_row);
  EXPECT_EQ(read.live_rows, state.live_rows);
  EXPECT_EQ(read.seq, state.seq);
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    ASSERT_THAT(DecodeState(whole.substr(0, bytes)), StatusIs(StatusCode::kDataLoss)) << bytes;
  }
  EXPECT_THAT(DecodeState(whole + "x"), StatusIs(StatusCode::kDataLoss));
  std::string other = whole;
  other[0] = 2;
  EXPECT_THAT(DecodeState(other), StatusIs(StatusCode::kDataLoss));
}

TEST(ConfigCodecTest, NamesSortByCollectionThenSegment) {
  EXPECT_EQ(CollectionMetaName(CollectionId(0x01020304)), "\x01\x02\x03\x04");
  EXPECT_LT(CollectionMetaName(CollectionId(255)), CollectionMetaName(CollectionId(256)));
  EXPECT_LT(ManifestMetaName(CollectionId(1), SegmentId(256)),
            ManifestMetaName(CollectionId(1), SegmentId(257)));
  EXPECT_LT(ManifestMetaName(CollectionId(1), SegmentId(~uint64_t{0})),
            ManifestMetaName(CollectionId(2), SegmentId(0)));
  EXPECT_TRUE(ManifestMetaName(CollectionId(9), SegmentId(1))
                  .starts_with(CollectionMetaName(CollectionId(9))));
}

}  // namespace
}  // namespace alidade
