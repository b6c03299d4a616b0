#include "alidade/query/plan.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace alidade {
namespace {

constexpr IndexKind kFlat = IndexKind::kFlat;
constexpr IndexKind kHnsw = IndexKind::kHnsw;
constexpr IndexKind kIvf = IndexKind::kIvf;

SegmentFacts All(uint32_t rows, IndexKind index) { return {rows, rows, false, index}; }
SegmentFacts Filtered(uint32_t allowed, uint32_t rows, IndexKind index) {
  return {rows, allowed, true, index};
}
SegmentFacts OfTenant(uint32_t allowed, uint32_t subset, uint32_t rows) {
  SegmentFacts facts = Filtered(allowed, rows, kHnsw);
  facts.subset = subset;
  facts.subset_hardness = 1.5;
  return facts;
}

std::string Plan(const PlanRequest& request, const std::vector<SegmentFacts>& segments) {
  return DescribePlan(MakePlan(request, segments), segments);
}

TEST(PlanTest, PrintsWhatIsDoneWithEachSegment) {
  struct Case {
    PlanRequest request;
    std::vector<SegmentFacts> segments;
    const char* expected;
  };
  const std::vector<Case> cases = {
      {{10, false}, {}, ""},
      {{10, false},
       {All(117'000, kHnsw), All(40'000, kIvf), All(300, kFlat), All(0, kFlat)},
       "segment 0: hnsw (117000 rows)\n"
       "segment 1: ivf (40000 rows)\n"
       "segment 2: exact (no index; 300 rows)\n"
       "segment 3: skip (0 rows)"},
      {{10, true},
       {All(117'000, kHnsw), Filtered(4'000, 5'000, kIvf), Filtered(0, 5'000, kHnsw)},
       "segment 0: exact (asked for; 117000 rows)\n"
       "segment 1: exact (asked for; filter passes 4000 of 5000 rows)\n"
       "segment 2: skip (filter passes 0 of 5000 rows)"},
      // Around the share below which a scan is cheaper than lists: 15 % of 5,000 are 750.
      {{10, false},
       {Filtered(750, 5'000, kIvf), Filtered(751, 5'000, kIvf), Filtered(5'000, 5'000, kIvf)},
       "segment 0: exact (a scan is cheaper; filter passes 750 of 5000 rows)\n"
       "segment 1: ivf (filter passes 751 of 5000 rows)\n"
       "segment 2: ivf (filter passes 5000 of 5000 rows)"},
      // Around the number of rows below which a scan is cheaper than a walk, whose ef rises as
      // fewer rows pass: 200 * 128 * (0.6 / 0.4)^0.61 are about 32,800, 200 * 20 * (0.6 / 0.1)^0.61
      // are 12,000.
      {{10, false},
       {Filtered(12, 5'000, kHnsw),
        Filtered(32'800, 82'000, kHnsw),
        Filtered(33'200, 83'000, kHnsw),
        Filtered(5'500'000, 9'000'000, kHnsw)},
       "segment 0: scan (cheaper than a walk; ef 128; filter passes 12 of 5000 rows)\n"
       "segment 1: scan (cheaper than a walk; ef 128; filter passes 32800 of 82000 rows)\n"
       "segment 2: hnsw (ef 165; filter passes 33200 of 83000 rows)\n"
       "segment 3: hnsw (most pass; ef 262; filter passes 5500000 of 9000000 rows)"},
      {{.k = 10, .ef = 20},
       {Filtered(11'900, 119'000, kHnsw), Filtered(12'100, 121'000, kHnsw)},
       "segment 0: scan (cheaper than a walk; ef 20; filter passes 11900 of 119000 rows)\n"
       "segment 1: hnsw (ef 60; filter passes 12100 of 121000 rows)"},
      // A tenant with a graph: 22 * 1.5 * 20 rows take as long as a walk among its rows, and where
      // a filter lets few of these through, as much more as where there are no others: 200 * 90;
      // where it lets most through, 22 * 30 * 1.25 * 1800 / 1300.
      {{.k = 10, .ef = 20},
       {OfTenant(660, 660, 50'000),
        OfTenant(661, 661, 50'000),
        OfTenant(1'200, 1'800, 50'000),
        OfTenant(1'300, 1'800, 50'000),
        OfTenant(17'900, 179'000, 900'000),
        OfTenant(18'100, 181'000, 900'000)},
       "segment 0: scan (cheaper than a walk; ef 20; filter passes 660 of 50000 rows)\n"
       "segment 1: hnsw (ef 30; graph of 661 rows; filter passes 661 of 50000 rows)\n"
       "segment 2: scan (cheaper than a walk; ef 20; filter passes 1200 of 50000 rows)\n"
       "segment 3: hnsw (most pass; ef 52; graph of 1800 rows; filter passes 1300 of 50000 rows)\n"
       "segment 4: scan (cheaper than a walk; ef 20; filter passes 17900 of 900000 rows)\n"
       "segment 5: hnsw (ef 90; graph of 181000 rows; filter passes 18100 of 900000 rows)"},
      // Where k takes all there is, there is nothing to choose.
      {{100, false},
       {All(100, kHnsw), All(101, kHnsw), Filtered(100, 200, kHnsw), Filtered(101, 200, kHnsw)},
       "segment 0: exact (k covers all; 100 rows)\n"
       "segment 1: hnsw (101 rows)\n"
       "segment 2: exact (k covers all; filter passes 100 of 200 rows)\n"
       "segment 3: scan (cheaper than a walk; ef 128; filter passes 101 of 200 rows)"},
      // The share is no reason without a filter, and no index is stronger than few rows.
      {{10, false},
       {Filtered(1, 5'000, kFlat), All(5, kFlat)},
       "segment 0: exact (no index; filter passes 1 of 5000 rows)\n"
       "segment 1: exact (no index; 5 rows)"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Plan(c.request, c.segments), c.expected);
  }
}

// A walk of the graph takes as long as 22 * ef * 1.5 rows; those kept a third, if they are few.
TEST(PlanTest, WhatWasLookedAtBeforeIsScannedForLess) {
  const auto method = [](uint32_t rows, bool kept, uint32_t ef = 20) {
    SegmentFacts facts = OfTenant(rows, rows, 120'000);
    facts.kept = kept;
    return MakePlan({.k = 10, .ef = ef}, {facts}).steps[0].method;
  };
  EXPECT_EQ(method(660, false), SegmentMethod::kScan);
  EXPECT_EQ(method(661, false), SegmentMethod::kIndex);
  EXPECT_EQ(method(1'885, true), SegmentMethod::kScan);
  EXPECT_EQ(method(1'886, true), SegmentMethod::kIndex);
  EXPECT_EQ(method(13'150, true, 300), SegmentMethod::kScan);
  EXPECT_EQ(method(13'151, true, 300), SegmentMethod::kIndex);
}

// Only where a walk of it would take less than half: 2 * 22 * 20 rows.
TEST(PlanTest, AGraphOfWhatPassesIsWishedForWhereItWouldPay) {
  const auto wishes = [](const SegmentFacts& facts, uint32_t ef = 20) {
    return MakePlan({.k = 10, .ef = ef}, {facts}).steps[0].wants_subset;
  };
  EXPECT_FALSE(wishes(Filtered(880, 120'000, kHnsw)));
  EXPECT_TRUE(wishes(Filtered(881, 120'000, kHnsw)));
  EXPECT_FALSE(wishes(Filtered(881, 120'000, kHnsw), 30));
  EXPECT_TRUE(wishes(Filtered(60'000, 120'000, kHnsw)));  // now it walks
  EXPECT_FALSE(wishes(OfTenant(60'000, 60'000, 120'000)));
  EXPECT_FALSE(wishes(All(120'000, kHnsw)));
  EXPECT_FALSE(wishes(Filtered(60'000, 120'000, kIvf)));
  EXPECT_FALSE(wishes(Filtered(60'000, 120'000, kFlat)));
}

TEST(PlanTest, ARecallIsReachedWithTheLeastMeasuredEffort) {
  const MeasuredRecall curve = {
      .all = {{.k = 10, .effort = 11, .recall = 0.8F},
              {.k = 10, .effort = 20, .recall = 0.95F},
              {.k = 10, .effort = 40, .recall = 0.99F},
              {.k = 100, .effort = 101, .recall = 0.9F},
              {.k = 100, .effort = 150, .recall = 0.96F}},
      .tenth = {{.k = 10, .effort = 22, .recall = 0.8F}, {.k = 10, .effort = 100, .recall = 0.98F}},
      .places = {}};
  const auto with = [](SegmentFacts facts, const MeasuredRecall* recall) {
    facts.recall = recall;
    return facts;
  };
  const auto plan = [&](uint32_t k, double recall, const SegmentFacts& facts) {
    return Plan({.k = k, .recall_target = recall}, {with(facts, &curve)});
  };
  const SegmentFacts all = All(9'000, kHnsw);
  EXPECT_EQ(plan(10, 0.95, all), "segment 0: hnsw (ef 20; 9000 rows)");
  EXPECT_EQ(plan(3, 0.96, all), "segment 0: hnsw (ef 40; 9000 rows)");
  EXPECT_EQ(plan(11, 0.95, all), "segment 0: hnsw (ef 150; 9000 rows)");
  EXPECT_EQ(plan(250, 0.95, all), "segment 0: hnsw (ef 375; 9000 rows)");
  EXPECT_EQ(plan(10, 0.9, All(9'000, kIvf)), "segment 0: ivf (nprobe 20; 9000 rows)");
  // A third of the rows passes: three times the lists, and a walk that is five times as hard where
  // a tenth does, which takes 100 instead of 20 for 0.95.
  EXPECT_EQ(plan(10, 0.9, Filtered(3'000, 9'000, kIvf)),
            "segment 0: ivf (nprobe 60; filter passes 3000 of 9000 rows)");
  EXPECT_EQ(plan(10, 0.9, Filtered(300'000, 900'000, kHnsw)),
            "segment 0: hnsw (ef 34; filter passes 300000 of 900000 rows)");
  EXPECT_EQ(plan(10, 0.9, Filtered(90, 9'000, kHnsw)),
            "segment 0: scan (cheaper than a walk; ef 20; filter passes 90 of 9000 rows)");
  EXPECT_EQ(plan(10, 0.995, all),
            "segment 0: exact (the index did not reach the recall; 9000 rows)");
  EXPECT_EQ(plan(10, 1, all), "segment 0: exact (asked for; 9000 rows)");
  EXPECT_EQ(plan(8'950, 0.9, all), "segment 0: exact (the recall takes all rows; 9000 rows)");
  EXPECT_EQ(Plan({.k = 10, .recall_target = 0.9}, {with(all, nullptr)}),
            "segment 0: exact (its recall was not measured; 9000 rows)");
}

TEST(PlanTest, PlacesAreTakenWhereTheyCostLeastAndWereMeasuredToFindAsMuch) {
  const MeasuredRecall curve = {
      .all = {{.k = 10, .effort = 10, .recall = 0.9F},
              {.k = 10, .effort = 20, .recall = 0.95F},
              {.k = 10, .effort = 200, .recall = 0.999F}},
      .tenth = {{.k = 10, .effort = 30, .recall = 0.9F}, {.k = 10, .effort = 60, .recall = 0.96F}},
      .places = {{.slack = 60, .recall = 0.9F, .distances = 1'500},
                 {.slack = 66, .recall = 0.95F, .distances = 3'000},
                 {.slack = 70, .recall = 0.99F, .distances = 9'000}}};
  const auto plan = [&curve](PlanRequest request, SegmentFacts facts) {
    facts.recall = &curve;
    return Plan(request, {facts});
  };
  const SegmentFacts tenth = Filtered(20'000, 200'000, kHnsw);
  EXPECT_EQ(plan({.k = 10, .ef = 20}, tenth),
            "segment 0: places (cheaper than a walk; slack 66, ef 32; filter passes 20000 of "
            "200000 rows)");
  EXPECT_EQ(plan({.k = 10, .ef = 15}, tenth),
            "segment 0: places (cheaper than a walk; slack 60, ef 32; filter passes 20000 of "
            "200000 rows)");
  EXPECT_EQ(plan({.k = 10, .recall_target = 0.95}, tenth),
            "segment 0: places (cheaper than a walk; slack 66, ef 32; filter passes 20000 of "
            "200000 rows)");
  // Fewer rows pass than places would look at.
  EXPECT_EQ(plan({.k = 10, .ef = 20}, Filtered(3'000, 200'000, kHnsw)),
            "segment 0: scan (cheaper than a walk; ef 20; filter passes 3000 of 200000 rows)");
  EXPECT_EQ(plan({.k = 10, .ef = 20}, Filtered(3'001, 200'000, kHnsw)),
            "segment 0: places (cheaper than a walk; slack 66, ef 32; filter passes 3001 of 200000 "
            "rows)");
  // So many pass that a walk hardly notices.
  EXPECT_EQ(plan({.k = 10, .ef = 20}, Filtered(26'000, 200'000, kHnsw)),
            "segment 0: hnsw (ef 52; filter passes 26000 of 200000 rows)");
  // Places were not measured to find as much as a walk with this ef.
  EXPECT_EQ(plan({.k = 10, .ef = 200}, Filtered(200'000, 2'000'000, kHnsw)),
            "segment 0: hnsw (ef 600; filter passes 200000 of 2000000 rows)");
}

TEST(PlanTest, AWalkReachesAsFarAsItWasMeasuredToNeed) {
  const MeasuredRecall curve = {.all = {{.k = 10, .effort = 20, .recall = 0.95F, .reach = 1.1F},
                                        {.k = 10, .effort = 200, .recall = 0.999F, .reach = 1.3F},
                                        {.k = 100, .effort = 120, .recall = 0.9F, .reach = 1.05F},
                                        {.k = 100, .effort = 300, .recall = 0.99F, .reach = 0}},
                                .tenth = {{.k = 10, .effort = 60, .recall = 0.96F, .reach = 1.2F}},
                                .places = {}};
  const auto plan = [&curve](PlanRequest request, SegmentFacts facts) {
    facts.recall = &curve;
    return Plan(request, {facts});
  };
  const SegmentFacts all = All(2'000'000, kHnsw);
  EXPECT_EQ(plan({.k = 10}, all), "segment 0: hnsw (reach 1.22; 2000000 rows)")
      << "as much as the default ef, 128";
  EXPECT_EQ(plan({.k = 10, .ef = 20}, all), "segment 0: hnsw (reach 1.10; 2000000 rows)");
  EXPECT_EQ(plan({.k = 10, .recall_target = 0.95}, all),
            "segment 0: hnsw (ef 20, reach 1.10; 2000000 rows)");
  EXPECT_EQ(plan({.k = 100, .ef = 120}, all), "segment 0: hnsw (reach 1.05; 2000000 rows)");
  EXPECT_EQ(plan({.k = 100, .ef = 300}, all), "segment 0: hnsw (2000000 rows)");
  // Farther, where fewer rows pass.
  EXPECT_EQ(
      plan({.k = 10, .ef = 20}, Filtered(1'800'000, 2'000'000, kHnsw)),
      "segment 0: hnsw (most pass; ef 28, reach 1.10; filter passes 1800000 of 2000000 rows)");
  EXPECT_EQ(plan({.k = 10, .ef = 20}, Filtered(1'200'000, 2'000'000, kHnsw)),
            "segment 0: hnsw (most pass; ef 42, reach 1.10; filter passes 1200000 of 2000000 rows)")
      << "as if for 21 hits";
  EXPECT_EQ(plan({.k = 10, .ef = 20}, Filtered(1'199'000, 2'000'000, kHnsw)),
            "segment 0: hnsw (ef 21, reach 1.10; filter passes 1199000 of 2000000 rows)");
  EXPECT_EQ(plan({.k = 10, .ef = 20}, Filtered(200'000, 2'000'000, kHnsw)),
            "segment 0: hnsw (ef 60, reach 1.20; filter passes 200000 of 2000000 rows)");
  EXPECT_EQ(plan({.k = 10, .ef = 20}, Filtered(500'000, 2'000'000, kHnsw)),
            "segment 0: hnsw (ef 35, reach 1.15; filter passes 500000 of 2000000 rows)");
  EXPECT_EQ(plan({.k = 10, .ef = 20}, Filtered(1'000, 2'000'000, kHnsw)),
            "segment 0: scan (cheaper than a walk; ef 20; filter passes 1000 of 2000000 rows)");
}

TEST(PlanTest, PayloadsAreNotLookedAtBeforeAWalkThatTakesLess) {
  const MeasuredRecall curve = {.all = {{.k = 10, .effort = 20, .recall = 0.95F, .reach = 1.1F},
                                        {.k = 10, .effort = 200, .recall = 0.999F, .reach = 1.3F},
                                        {.k = 100, .effort = 20, .recall = 0.7F, .reach = 1.02F},
                                        {.k = 100, .effort = 300, .recall = 0.99F, .reach = 1.2F}},
                                .tenth = {},
                                .places = {}};
  const auto untried = [&curve](uint32_t allowed, uint32_t rows) {
    SegmentFacts facts = Filtered(allowed, rows, kHnsw);
    facts.untried = rows;
    facts.recall = &curve;
    return facts;
  };
  const auto plan = [](const PlanRequest& request, const SegmentFacts& facts) {
    return PlanUntried(request, facts).has_value() ? Plan(request, {facts}) : "all first";
  };
  EXPECT_EQ(plan({.k = 10, .ef = 20}, untried(1'000'000, 1'000'000)),
            "segment 0: hnsw (tried on what is found; ef 25, reach 1.10; filter passes about "
            "1000000 of 1000000 rows)");
  // As if for 25 hits.
  EXPECT_EQ(plan({.k = 10, .ef = 20}, untried(500'000, 1'000'000)),
            "segment 0: hnsw (tried on what is found; ef 50, reach 1.10; filter passes about "
            "500000 of 1000000 rows)");
  EXPECT_EQ(plan({.k = 10, .ef = 20}, untried(100'000, 1'000'000)),
            "segment 0: hnsw (tried on what is found; ef 250, reach 1.17; filter passes about "
            "100000 of 1000000 rows)");
  EXPECT_EQ(plan({.k = 10, .ef = 20}, untried(49'999, 1'000'000)), "all first");
  EXPECT_EQ(plan({.k = 10, .recall_target = 0.99}, untried(500'000, 1'000'000)),
            "segment 0: hnsw (tried on what is found; ef 500, reach 1.34; filter passes about "
            "500000 of 1000000 rows)");
  // 40 payloads for each of 320 candidates.
  EXPECT_EQ(plan({.k = 10}, untried(6'399, 12'798)), "all first");
  EXPECT_EQ(plan({.k = 10}, untried(6'400, 12'800)),
            "segment 0: hnsw (tried on what is found; ef 320, reach 1.29; filter passes about "
            "6400 of 12800 rows)");
  EXPECT_EQ(plan({.k = 1'638}, untried(500'000, 1'000'000)).substr(0, 48),
            "segment 0: hnsw (tried on what is found; ef 4095");
  EXPECT_EQ(plan({.k = 1'639}, untried(500'000, 1'000'000)), "all first");
  EXPECT_EQ(plan({.k = 10, .exact = true}, untried(500'000, 1'000'000)), "all first");
  EXPECT_EQ(plan({.k = 10, .recall_target = 1}, untried(500'000, 1'000'000)), "all first");
  SegmentFacts facts = untried(500'000, 1'000'000);
  facts.index = kIvf;
  EXPECT_EQ(plan({.k = 10}, facts), "all first");
  facts = untried(500'000, 1'000'000);
  facts.untried = 0;
  EXPECT_EQ(plan({.k = 10}, facts), "all first");
}

TEST(PlanTest, DoesNotOverflowAtTheLargestSegment) {
  const uint32_t rows = 4'294'967'295;
  EXPECT_EQ(Plan({rows, false}, {All(rows, kHnsw)}),
            "segment 0: exact (k covers all; 4294967295 rows)");
  const MeasuredRecall curve = {
      .all = {{.k = 1, .effort = rows, .recall = 1}}, .tenth = {}, .places = {}};
  SegmentFacts facts = Filtered(rows - 1, rows, kHnsw);
  facts.recall = &curve;
  EXPECT_EQ(Plan({.k = 1, .recall_target = 0.5}, {facts}),
            "segment 0: exact (the recall takes all rows; filter passes 4294967294 of 4294967295 "
            "rows)");
  EXPECT_EQ(Plan({.k = 1, .ef = rows}, {Filtered(rows - 1, rows, kHnsw)}),
            "segment 0: scan (cheaper than a walk; ef 4294967295; filter passes 4294967294 of "
            "4294967295 rows)");
  EXPECT_EQ(Plan({1, false}, {Filtered(rows, rows, kHnsw)}),
            "segment 0: hnsw (ef 128; filter passes 4294967295 of 4294967295 rows)");
}

}  // namespace
}  // namespace alidade
