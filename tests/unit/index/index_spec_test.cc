#include "alidade/index/index_spec.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/status_matchers.h"

namespace alidade {
namespace {

TEST(IndexSpecTest, NumbersOnDiskStay) {
  EXPECT_EQ(static_cast<int>(IndexKind::kFlat), 1);
  EXPECT_EQ(static_cast<int>(IndexKind::kHnsw), 2);
  EXPECT_EQ(static_cast<int>(IndexKind::kIvf), 3);
  EXPECT_EQ(static_cast<int>(IndexKind::kAuto), 4);
  EXPECT_EQ(static_cast<int>(IvfCodes::kFlat), 1);
  EXPECT_EQ(static_cast<int>(IvfCodes::kSq8), 2);
  EXPECT_EQ(static_cast<int>(IvfCodes::kPq), 3);
  EXPECT_EQ(static_cast<int>(IvfCodes::kSq4), 4);
}

struct SpecCase {
  std::string name;
  IndexSpec spec;
  uint32_t dim = 384;
  std::string field = {};  // below the path; empty: the spec is good
};

class ValidateIndexSpecTest : public ::testing::TestWithParam<SpecCase> {};

TEST_P(ValidateIndexSpecTest, NamesTheParameterOutOfBounds) {
  const SpecCase& param = GetParam();
  const Status status = ValidateIndexSpec(param.spec, param.dim, "schema.fields[1].index");
  if (param.field.empty()) {
    EXPECT_THAT(status, IsOk());
  } else {
    EXPECT_THAT(status,
                FieldErrorAt("schema.fields[1].index" + (param.field == "." ? "" : param.field)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Specs,
    ValidateIndexSpecTest,
    ::testing::Values(
        SpecCase{.name = "Default", .spec = {}},
        SpecCase{.name = "Flat", .spec = {.kind = IndexKind::kFlat}},
        SpecCase{.name = "Hnsw", .spec = {.kind = IndexKind::kHnsw}},
        SpecCase{.name = "Ivf", .spec = {.kind = IndexKind::kIvf}},
        SpecCase{.name = "NoKind", .spec = {.kind = IndexKind{0}}, .field = "."},
        SpecCase{.name = "UnknownKind", .spec = {.kind = IndexKind{5}}, .field = "."},
        SpecCase{.name = "MSmallest", .spec = {.hnsw_m = 2}},
        SpecCase{.name = "MLargest", .spec = {.hnsw_m = 128}},
        SpecCase{.name = "MTooSmall", .spec = {.hnsw_m = 1}, .field = ".hnsw.m"},
        SpecCase{.name = "MZero", .spec = {.hnsw_m = 0}, .field = ".hnsw.m"},
        SpecCase{.name = "MTooLarge", .spec = {.hnsw_m = 129}, .field = ".hnsw.m"},
        SpecCase{.name = "EfSmallest", .spec = {.hnsw_ef_construction = 1}},
        SpecCase{.name = "EfLargest", .spec = {.hnsw_ef_construction = 4'096}},
        SpecCase{.name = "EfZero",
                 .spec = {.hnsw_ef_construction = 0},
                 .field = ".hnsw.ef_construction"},
        SpecCase{.name = "EfTooLarge",
                 .spec = {.hnsw_ef_construction = 4'097},
                 .field = ".hnsw.ef_construction"},
        SpecCase{.name = "NlistLargest", .spec = {.ivf_nlist = 65'536}},
        SpecCase{.name = "NlistTooLarge", .spec = {.ivf_nlist = 65'537}, .field = ".ivf.nlist"},
        SpecCase{.name = "NoCodes", .spec = {.ivf_codes = IvfCodes{0}}, .field = ".ivf.codes"},
        SpecCase{.name = "UnknownCodes", .spec = {.ivf_codes = IvfCodes{5}}, .field = ".ivf.codes"},
        SpecCase{.name = "PqDivides", .spec = {.ivf_pq_m = 48}},
        SpecCase{.name = "PqIsDimension", .spec = {.ivf_pq_m = 384}},
        SpecCase{.name = "PqOfOne", .spec = {.ivf_pq_m = 1}, .dim = 1},
        SpecCase{.name = "PqDoesNotDivide", .spec = {.ivf_pq_m = 5}, .field = ".ivf.pq_m"},
        SpecCase{.name = "PqAboveDimension", .spec = {.ivf_pq_m = 768}, .field = ".ivf.pq_m"}),
    [](const auto& tested) { return tested.param.name; });

TEST(ResolveIndexKindTest, SmallSegmentsAreFlat) {
  struct Row {
    IndexKind asked;
    IndexKind above;  // from kAutoFlatRowsMax rows on
  };
  for (const Row& row : {Row{IndexKind::kFlat, IndexKind::kFlat},
                         Row{IndexKind::kHnsw, IndexKind::kHnsw},
                         Row{IndexKind::kIvf, IndexKind::kIvf},
                         Row{IndexKind::kAuto, IndexKind::kHnsw}}) {
    const IndexSpec spec{.kind = row.asked};
    for (const uint32_t rows : {0U, 1U, kAutoFlatRowsMax - 1}) {
      EXPECT_EQ(ResolveIndexKind(spec, rows), IndexKind::kFlat) << DescribeIndexSpec(spec);
    }
    for (const uint32_t rows : {kAutoFlatRowsMax, kAutoFlatRowsMax + 1, 1'000'000U}) {
      EXPECT_EQ(ResolveIndexKind(spec, rows), row.above) << DescribeIndexSpec(spec);
    }
  }
}

TEST(DescribeIndexSpecTest, SaysKindAndParameters) {
  EXPECT_EQ(DescribeIndexSpec({.kind = IndexKind::kFlat}), "flat");
  EXPECT_EQ(
      DescribeIndexSpec({.kind = IndexKind::kHnsw, .hnsw_m = 24, .hnsw_ef_construction = 300}),
      "hnsw(m=24, ef_construction=300, codes=auto)");
  EXPECT_EQ(DescribeIndexSpec({}), "auto(hnsw m=16, ef_construction=200, codes=auto)");
  EXPECT_EQ(DescribeIndexSpec({.kind = IndexKind::kIvf, .ivf_nlist = 64}),
            "ivf(nlist=64, codes=flat)");
  EXPECT_EQ(DescribeIndexSpec({.kind = IndexKind::kIvf, .ivf_codes = IvfCodes::kSq8}),
            "ivf(nlist=0, codes=sq8)");
  EXPECT_EQ(DescribeIndexSpec({.kind = IndexKind::kIvf, .ivf_codes = IvfCodes::kSq4}),
            "ivf(nlist=0, codes=sq4)");
  EXPECT_EQ(DescribeIndexSpec({.kind = IndexKind::kIvf, .ivf_codes = IvfCodes::kPq}),
            "ivf(nlist=0, codes=pq)");
  EXPECT_EQ(DescribeIndexSpec({.kind = IndexKind{9}}), "unknown");
}

}  // namespace
}  // namespace alidade
