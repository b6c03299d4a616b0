// Bodies of payload indexes: whatever is accepted can be asked.
#include <random>

#include "alidade/common/bytes.h"
#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter_text.h"
#include "alidade/filter/payload_index.h"

#include "targets.h"

namespace alidade::fuzz {
namespace {

constexpr uint32_t kRows = 3'000;  // enough for blocks

constexpr PayloadIndexType kTypes[] = {PayloadIndexType::kKeyword,
                                       PayloadIndexType::kFloat,
                                       PayloadIndexType::kBool,
                                       PayloadIndexType::kDatetime,
                                       PayloadIndexType::kGeo};

Value ValueFor(PayloadIndexType type, uint64_t number) {
  switch (type) {
    case PayloadIndexType::kFloat:
      return Value(static_cast<double>(number) / 4);
    case PayloadIndexType::kBool:
      return Value(number % 3 == 0);
    case PayloadIndexType::kDatetime:
      return Value("2024-01-" + std::to_string(number % 20 + 10));
    case PayloadIndexType::kGeo:
      return Value(Object{{"lat", Value(static_cast<double>(number % 170) - 85)},
                          {"lon", Value(static_cast<double>(number))}});
    default:
      return Value("word" + std::to_string(number));
  }
}

// The type in front, so that a run knows what it is.
std::string BodyFor(PayloadIndexType type) {
  std::mt19937_64 random(20'261'126);
  PayloadIndexBuilder builder({PayloadIndexId(1), "x", type}, kRows);
  for (RowId row = 0; row < kRows; ++row) {
    std::string payload;
    EncodeObject({{"x", ValueFor(type, random() % 100)}}, payload);
    builder.Add(row, payload);
  }
  return std::move(builder).Finish();
}

void FuzzPayloadIndex(std::string_view bytes) {
  if (bytes.size() < 2 * sizeof(uint32_t)) {
    return;
  }
  const auto type = static_cast<PayloadIndexType>(LoadLittleEndian<uint32_t>(bytes.data() + 4));
  // As a mapped file has it.
  std::vector<uint64_t> aligned((bytes.size() + 7) / 8);
  std::memcpy(aligned.data(), bytes.data(), bytes.size());
  const auto index = PayloadIndex::Open(
      type, {reinterpret_cast<const char*>(aligned.data()), bytes.size()}, kRows);
  if (!index.ok()) {
    Require(index.status().code() == StatusCode::kDataLoss, "a refusal is DATA_LOSS");
    return;
  }
  Accepted();
  static const std::vector<Filter> filters = [] {
    std::vector<Filter> parsed;
    for (const char* text : {R"(x IN ["word7", "word8"])",
                             R"(x >= "word2" AND x < "word5")",
                             R"(starts_with(x, "word1"))",
                             R"(icontains(x, "D9"))",
                             "x = 7.25",
                             "3 < x <= 20",
                             "x = true",
                             R"(datetime(x) > "2024-01-12")",
                             "geo_radius(x, 10, 20, 3e6)",
                             "geo_box(x, -10, 20, 10, 60)",
                             "contains_all(x, [1, 2.5])"}) {
      const auto filter = ParseFilterText(text);
      Require(filter.ok(), text);
      parsed.push_back(*filter);
    }
    return parsed;
  }();
  for (const Filter& filter : filters) {
    if (const auto rows = index->Select(filter); rows.has_value()) {
      rows->ForEach([](RowId row) { Require(row < kRows, "a row is one of the segment"); });
    }
  }
}

std::vector<std::string> PayloadIndexCorpus() {
  std::vector<std::string> bodies;
  for (const PayloadIndexType type : kTypes) {
    bodies.push_back(BodyFor(type));
  }
  return bodies;
}

}  // namespace

std::vector<FuzzTarget> PayloadIndexTargets() {
  return {{.name = "PayloadIndex",
           .run = FuzzPayloadIndex,
           .corpus = PayloadIndexCorpus,
           .hot = {{0, 64}, {64, 2'000}}}};
}

}  // namespace alidade::fuzz
