#include "alidade/common/payload_codec.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/status_matchers.h"

namespace alidade {
namespace {

Value Int(int64_t x) { return Value(x); }

std::string Encoded(const Object& object) {
  std::string bytes;
  EncodeObject(object, bytes);
  return bytes;
}

// A copy in a block of exactly its size: a sanitizer sees any read past its end.
class ExactCopy {
 public:
  explicit ExactCopy(std::string_view bytes)
      : size_(bytes.size()), block_(std::make_unique<char[]>(size_)) {
    std::memcpy(block_.get(), bytes.data(), size_);
  }
  std::string_view bytes() const { return {block_.get(), size_}; }

 private:
  size_t size_;
  std::unique_ptr<char[]> block_;
};

Object Sample() {
  return {{"", Value("empty key")},
          {"a", Value()},
          {"b", Value(true)},
          {"c", Int(std::numeric_limits<int64_t>::min())},
          {"d", Value(-0.0)},
          {"e", Value(std::string("nul \0 inside", 12))},
          {"f", Value(List{Int(1), Value("two"), Value(List{}), Value(Object{{"g", Value(3.5)}})})},
          {"h", Value(Object{{"i", Value(Object{{"j", Int(-7)}})}, {"k", Value(List{Value()})}})},
          {"x.y", Int(9)}};
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}
  uint64_t Below(uint64_t bound) { return random_() % bound; }

  Value Any(int depth) {
    switch (Below(depth < 4 ? 7 : 5)) {
      case 0:
        return Value();
      case 1:
        return Value(Below(2) == 1);
      case 2:
        return Value(static_cast<int64_t>(random_()));
      case 3:
        return Value(static_cast<double>(random_()) / 3.0);
      case 4:
        return Value(std::string(Below(20), static_cast<char>(Below(256))));
      case 5: {
        List list;
        for (uint64_t count = Below(4); count > 0; --count) {
          list.push_back(Any(depth + 1));
        }
        return Value(std::move(list));
      }
      default:
        return Value(Payload(depth + 1));
    }
  }
  Object Payload(int depth) {
    Object object;
    for (uint64_t count = Below(5); count > 0; --count) {
      object.insert_or_assign(std::string(1 + Below(3), static_cast<char>('a' + Below(4))),
                              Any(depth));
    }
    return object;
  }

 private:
  std::mt19937_64 random_;
};

uint64_t TestSeed() {
  const char* text = std::getenv("ALIDADE_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device{}();
}

TEST(PayloadCodecTest, BytesAreTheDocumentedOnes) {
  EXPECT_EQ(Encoded({}), std::string("\0\0\0\0", 4));
  EXPECT_EQ(Encoded({{"k", Value(true)}, {"l", Value(List{Int(2)})}}),
            std::string("\2\0\0\0"
                        "\1\0\0\0k\1\1"
                        "\1\0\0\0l\5\15\0\0\0\1\0\0\0\2\2\0\0\0\0\0\0\0",
                        34));
}

TEST(PayloadCodecTest, RoundTripsAndKeepsKinds) {
  EXPECT_THAT(DecodeObject(Encoded({})), IsOkAndHolds(Object{}));
  EXPECT_THAT(DecodeObject(Encoded(Sample())), IsOkAndHolds(Sample()));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Object one, DecodeObject(Encoded({{"x", Int(1)}})));
  EXPECT_NE(one, (Object{{"x", Value(1.0)}}));
  // Bit for bit: the sign of zero and the payload of a NaN.
  for (const uint64_t bits : {uint64_t{1} << 63, uint64_t{0x7FF8'0000'0000'1234}}) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const Object read, DecodeObject(Encoded({{"x", Value(std::bit_cast<double>(bits))}})));
    const double* number = read.at("x").As<double>();
    ASSERT_NE(number, nullptr);
    EXPECT_EQ(std::bit_cast<uint64_t>(*number), bits);
  }
}

TEST(PayloadCodecTest, RandomObjectsRoundTrip) {
  const uint64_t seed = TestSeed();
  Generator generator(seed);
  for (int i = 0; i < 2'000; ++i) {
    const Object object = generator.Payload(0);
    ASSERT_THAT(DecodeObject(Encoded(object)), IsOkAndHolds(object))
        << "ALIDADE_TEST_SEED=" << seed;
  }
}

TEST(PayloadCodecTest, DepthIsBounded) {
  const auto nested = [](int depth, bool lists) {
    Value value;
    for (int i = 0; i < depth; ++i) {
      value = lists ? Value(List{std::move(value)}) : Value(Object{{"k", std::move(value)}});
    }
    return Encoded({{"k", std::move(value)}});
  };
  for (const bool lists : {false, true}) {
    EXPECT_THAT(DecodeObject(nested(kPayloadDepthHardMax - 1, lists)), IsOk());
    EXPECT_THAT(DecodeObject(nested(kPayloadDepthHardMax, lists)), StatusIs(StatusCode::kDataLoss));
  }
}

TEST(PayloadCodecTest, EveryTruncationAndEveryStrayByteIsFound) {
  const std::string bytes = Encoded(Sample());
  for (size_t length = 0; length < bytes.size(); ++length) {
    const ExactCopy copy(std::string_view(bytes).substr(0, length));
    ASSERT_THAT(DecodeObject(copy.bytes()), StatusIs(StatusCode::kDataLoss)) << length;
  }
  EXPECT_THAT(DecodeObject(bytes + '\0'), StatusIs(StatusCode::kDataLoss));
}

TEST(PayloadCodecTest, RefusesUnknownTagsWrongCountsAndDoubledKeys) {
  const auto with_tag = [](char tag) { return std::string("\1\0\0\0\1\0\0\0k", 9) + tag; };
  EXPECT_THAT(DecodeObject(with_tag(0)), IsOk());
  EXPECT_THAT(DecodeObject(with_tag(7)), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(DecodeObject(with_tag('\xFF')), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(DecodeObject(std::string("\2\0\0\0\1\0\0\0k\0\1\0\0\0k\0", 16)),
              StatusIs(StatusCode::kDataLoss));
  // A list that says two elements and has one, and the reverse.
  EXPECT_THAT(DecodeObject(std::string("\1\0\0\0\1\0\0\0k\5\5\0\0\0\2\0\0\0\0", 19)),
              StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(DecodeObject(std::string("\1\0\0\0\1\0\0\0k\5\5\0\0\0\0\0\0\0\0", 19)),
              StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(DecodeObject(std::string("\xFF\xFF\xFF\xFF", 4)), StatusIs(StatusCode::kDataLoss));
}

// Walks everything that a view can reach.
size_t Touch(const ValueView& value, int depth = 0) {
  size_t sum = value.AsString().size() + (value.AsBool() ? 1 : 0) +
               static_cast<size_t>(value.AsInt64() & 1) + (value.AsDouble() > 0 ? 1 : 0);
  for (const char c : value.AsString()) {
    sum += static_cast<size_t>(c == 'q');
  }
  if (depth < 8) {
    (void)value.AnyElement([&](const ValueView& element) {
      sum += Touch(element, depth + 1);
      return false;
    });
  }
  return sum;
}

TEST(PayloadCodecTest, DamagedBytesNeverReadPastTheEnd) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE("ALIDADE_TEST_SEED=" + std::to_string(seed));
  Generator generator(seed);
  const std::string sample = Encoded(Sample());
  size_t refused = 0;
  size_t touched = 0;
  const int rounds = 20'000;
  for (int round = 0; round < rounds; ++round) {
    std::string bytes = round % 2 == 0 ? sample : Encoded(generator.Payload(0));
    for (uint64_t flips = 1 + generator.Below(3); flips > 0; --flips) {
      const size_t at = generator.Below(bytes.size());
      bytes[at] = generator.Below(2) == 0
                      ? static_cast<char>(generator.Below(256))
                      : static_cast<char>(bytes[at] ^ (1 << generator.Below(8)));
    }
    if (generator.Below(4) == 0) {
      bytes.resize(generator.Below(bytes.size() + 1));
    }
    const ExactCopy copy(bytes);
    const auto decoded = DecodeObject(copy.bytes());
    if (decoded.ok()) {
      // What was accepted is an object like any other.
      const std::string again = Encoded(*decoded);
      const auto twice = DecodeObject(again);
      ASSERT_THAT(twice, IsOk());
      ASSERT_EQ(Encoded(*twice), again);
    } else {
      ASSERT_THAT(decoded, StatusIs(StatusCode::kDataLoss));
      ++refused;
    }
    for (const char* path :
         {"", "a", "b", "d", "f", "h", "h.i", "h.i.j", "h.k", "x.y", "aa.b", "zz"}) {
      if (const auto value = PayloadView(copy.bytes()).Find(path)) {
        touched += Touch(*value);
      }
    }
  }
  EXPECT_GT(refused, size_t{rounds} / 10);
  EXPECT_GT(touched, 0u);
}

TEST(PayloadViewTest, FindsKeysAndDottedPaths) {
  const std::string bytes = Encoded(Sample());
  const PayloadView view(bytes);
  const auto tag = [&view](const char* path) -> std::optional<ValueTag> {
    const auto found = view.Find(path);
    return found.has_value() ? std::optional(found->tag()) : std::nullopt;
  };
  EXPECT_EQ(tag(""), ValueTag::kString);
  EXPECT_EQ(tag("a"), ValueTag::kNull);
  EXPECT_EQ(tag("b"), ValueTag::kBool);
  EXPECT_EQ(tag("c"), ValueTag::kInt64);
  EXPECT_EQ(tag("d"), ValueTag::kDouble);
  EXPECT_EQ(tag("e"), ValueTag::kString);
  EXPECT_EQ(tag("f"), ValueTag::kList);
  EXPECT_EQ(tag("h"), ValueTag::kObject);
  EXPECT_EQ(tag("h.i"), ValueTag::kObject);
  EXPECT_EQ(tag("h.i.j"), ValueTag::kInt64);
  EXPECT_EQ(tag("h.k"), ValueTag::kList);
  EXPECT_EQ(tag("x.y"), ValueTag::kInt64);
  for (const char* path :
       {"g", "f.g", "h.", "h.j", "h.i.j.k", ".", ".h", "x", "x.y.z", "hh", "a.b"}) {
    EXPECT_EQ(tag(path), std::nullopt) << path;
  }
  EXPECT_EQ(view.Find("h.i.j")->AsInt64(), -7);
  EXPECT_EQ(view.Find("c")->AsInt64(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(view.Find("e")->AsString(), std::string_view("nul \0 inside", 12));
  EXPECT_TRUE(view.Find("b")->AsBool());
}

TEST(PayloadViewTest, TheKeyItselfIsLookedForBeforeThePath) {
  const std::string bytes = Encoded({{"a", Value(Object{{"b", Int(1)}, {"b.c", Int(2)}})},
                                     {"a.b", Int(3)},
                                     {"p", Value(Object{{"q", Value(Object{})}})},
                                     {"p.q", Value(Object{{"r", Int(4)}})}});
  const PayloadView view(bytes);
  EXPECT_EQ(view.Find("a.b")->AsInt64(), 3);
  EXPECT_EQ(view.Find("a.b.c")->AsInt64(), 2);
  ASSERT_TRUE(view.Find("p.q.r").has_value());
  EXPECT_EQ(view.Find("p.q.r")->AsInt64(), 4);
}

TEST(ValueViewTest, AnyElementStopsAtTheFirstThatHolds) {
  const std::string bytes = Encoded({{"l", Value(List{Int(1), Int(2), Int(3)})}, {"n", Int(2)}});
  const auto list = PayloadView(bytes).Find("l");
  ASSERT_TRUE(list.has_value());
  int seen = 0;
  const auto is_two = [&seen](const ValueView& element) {
    ++seen;
    return element.AsInt64() == 2;
  };
  EXPECT_TRUE(list->AnyElement(is_two));
  EXPECT_EQ(seen, 2);
  EXPECT_FALSE(list->AnyElement([](const ValueView&) { return false; }));
  EXPECT_FALSE(PayloadView(bytes).Find("n")->AnyElement(is_two));
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace alidade
