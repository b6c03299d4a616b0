// Which part of a payload comes back.
#include "alidade/collection/payload_selection.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"

#include "support/status_matchers.h"

namespace alidade {
namespace {

Value Number(int64_t x) { return Value(x); }

// {a: 1, b: {c: 2, d: {e: 3, f: 4}}, "b.x": 5, list: [{c: 6}], empty: {}}
Object Sample() {
  Object d{{"e", Number(3)}, {"f", Number(4)}};
  Object b{{"c", Number(2)}, {"d", Value(d)}};
  return {{"a", Number(1)},
          {"b", Value(b)},
          {"b.x", Number(5)},
          {"list", Value(List{Value(Object{{"c", Number(6)}})})},
          {"empty", Value(Object())}};
}

Object Select(PayloadSelector::Mode mode, std::vector<std::string> keys) {
  std::string bytes;
  EncodeObject(Sample(), bytes);
  const auto selected = SelectPayload(bytes, {mode, std::move(keys)});
  EXPECT_THAT(selected, IsOk());
  return selected.value_or(Object{{"failed", Value()}});
}
Object Include(std::vector<std::string> keys) {
  return Select(PayloadSelector::Mode::kInclude, std::move(keys));
}
Object Exclude(std::vector<std::string> keys) {
  return Select(PayloadSelector::Mode::kExclude, std::move(keys));
}

TEST(PayloadSelectionTest, AllAndNone) {
  EXPECT_EQ(Select(PayloadSelector::Mode::kAll, {}), Sample());
  EXPECT_EQ(Select(PayloadSelector::Mode::kNone, {}), Object());
  EXPECT_EQ(Include({}), Object());
  EXPECT_EQ(Exclude({}), Sample());
}

TEST(PayloadSelectionTest, IncludeKeepsValuesUnderTheirPaths) {
  EXPECT_EQ(Include({"a"}), (Object{{"a", Number(1)}}));
  EXPECT_EQ(Include({"b.c"}), (Object{{"b", Value(Object{{"c", Number(2)}})}}));
  const Object only_f{{"b", Value(Object{{"d", Value(Object{{"f", Number(4)}})}})}};
  EXPECT_EQ(Include({"b.d.f"}), only_f);
  EXPECT_EQ(Include({"list"}), (Object{{"list", Sample()["list"]}}));
}

TEST(PayloadSelectionTest, IncludeOfAnObjectTakesAllOfIt) {
  EXPECT_EQ(Include({"b"})["b"], Sample()["b"]);
  EXPECT_EQ(Include({"b", "b.c"})["b"], Sample()["b"]);
  EXPECT_EQ(Include({"empty"}), (Object{{"empty", Value(Object())}}));
}

TEST(PayloadSelectionTest, IncludeOfWhatIsNotThereLeavesNoEmptyShells) {
  EXPECT_EQ(Include({"nothing"}), Object());
  EXPECT_EQ(Include({"b.nothing"}), Object());
  EXPECT_EQ(Include({"a.c"}), Object());
  EXPECT_EQ(Include({"list.c"}), Object());  // paths do not reach into lists
  EXPECT_EQ(Include({"empty.c"}), Object());
}

TEST(PayloadSelectionTest, AKeyThatOnlyBeginsLikeAPathIsAnother) {
  EXPECT_EQ(Include({"lis"}), Object());
  EXPECT_EQ(Include({"b.d.ee"}), Object());
  Object expected = Sample();
  EXPECT_EQ(Exclude({"lis", "list2", "b.dd"}), expected);
}

TEST(PayloadSelectionTest, KeysWithDotsInThemAreFound) {
  EXPECT_EQ(Include({"b.x"}), (Object{{"b.x", Number(5)}}));
  Object expected = Sample();
  expected.erase("b.x");
  EXPECT_EQ(Exclude({"b.x"}), expected);
}

TEST(PayloadSelectionTest, ExcludeRemovesValuesAndKeepsTheRest) {
  Object expected = Sample();
  expected.erase("a");
  EXPECT_EQ(Exclude({"a"}), expected);

  expected = Sample();
  expected["b"] = Value(Object{{"d", Sample()["b"].As<Object>()->at("d")}});
  EXPECT_EQ(Exclude({"b.c"}), expected);

  expected = Sample();
  expected.erase("b");
  expected.erase("b.x");  // "b.x" lies under the path b
  EXPECT_EQ(Exclude({"b"}), expected);
}

TEST(PayloadSelectionTest, ExcludeMayEmptyAnObjectButKeepsIt) {
  const Object b = *Exclude({"b.c", "b.d"})["b"].As<Object>();
  EXPECT_EQ(b, Object());
}

TEST(PayloadSelectionTest, BytesThatAreNoPayloadAreDataLoss) {
  EXPECT_THAT(SelectPayload("garbage", {PayloadSelector::Mode::kAll, {}}),
              StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(SelectPayload("garbage", {PayloadSelector::Mode::kInclude, {"a"}}),
              StatusIs(StatusCode::kDataLoss));
}

}  // namespace
}  // namespace alidade
