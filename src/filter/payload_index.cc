// The body of a payload index.
//
// Format:   header: u32 format | u32 type | u32 rows | u32 scalars | u64 values | u64 bytes of keys
// |
//           u64 entries | u64 entries of a block (scalars: 1: the values are all that the payloads
//           have at the key; 2: they are not; 0: not known, written before there was this); then
//           sections, each from a multiple of 64 bytes on:
//             key starts     u64[values + 1] into the keys
//             entry starts   u64[values + 1] into the entries
//             keys           bytes of the values (index_keys.h), rising
//             entries        u32: the rows of each value, rising
//             blocks         bitmaps of all rows: the rows among the first, second, ... so many
//                            entries; only of full blocks
//           So a run of values is a run of entries, most of it whole blocks: a condition that half
//           of the rows pass takes a few bitmaps and the entries at both ends.
#include "alidade/filter/payload_index.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <variant>

#include "alidade/common/bytes.h"
#include "alidade/common/payload_codec.h"

#include "bounds.h"
#include "condition.h"
#include "geo_shapes.h"
#include "index_keys.h"
#include "key_path.h"
#include "text_search.h"

namespace alidade {
namespace {

constexpr uint32_t kFormat = 1;
constexpr size_t kHeaderBytes = 64;
constexpr size_t kSectionAlign = 64;
// Bitmaps of an index with one value for each row (chosen: they take as much as its entries).
constexpr uint64_t kBlocks = 32;
constexpr uint64_t kBlockEntriesMin = 1'024;

// On disk: numbers are never reused.
enum class Scalars : uint32_t { kNotKnown = 0, kAll = 1, kSome = 2 };

// Whether a value of the index is one scalar.
bool TellsScalars(PayloadIndexType type) {
  switch (type) {
    case PayloadIndexType::kKeyword:
    case PayloadIndexType::kUuid:
    case PayloadIndexType::kInteger:
    case PayloadIndexType::kFloat:
    case PayloadIndexType::kBool:
      return true;
    case PayloadIndexType::kDatetime:  // strings of one instant are one value
    case PayloadIndexType::kGeo:
    case PayloadIndexType::kText:
      break;
  }
  return false;
}

uint64_t WordsOf(uint32_t rows) { return (uint64_t{rows} + 63) / 64; }

// Where sections begin. Requires counts that fit the body by themselves.
struct Layout {
  uint64_t key_starts = 0;
  uint64_t entry_starts = 0;
  uint64_t keys = 0;
  uint64_t entries = 0;
  uint64_t blocks = 0;
  uint64_t end = 0;

  Layout(uint64_t values, uint64_t key_bytes, uint64_t entry_count, uint64_t block_words) {
    const auto align = [](uint64_t at) {
      return (at + kSectionAlign - 1) / kSectionAlign * kSectionAlign;
    };
    key_starts = kHeaderBytes;
    entry_starts = align(key_starts + (values + 1) * sizeof(uint64_t));
    keys = align(entry_starts + (values + 1) * sizeof(uint64_t));
    entries = align(keys + key_bytes);
    blocks = align(entries + entry_count * sizeof(uint32_t));
    end = blocks + block_words * sizeof(uint64_t);
  }
};

template <typename T>
void PutSection(std::string& body, uint64_t at, const std::vector<T>& values) {
  body.resize(at, '\0');
  body.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

bool StartsRise(const uint64_t* starts, uint64_t count, uint64_t end) {
  return starts[0] == 0 && starts[count] == end && std::is_sorted(starts, starts + count + 1);
}

// The shortest bytes behind all that begin with the prefix; nothing if there are none.
std::optional<std::string> BehindPrefix(std::string prefix) {
  while (!prefix.empty() && static_cast<uint8_t>(prefix.back()) == 0xFF) {
    prefix.pop_back();
  }
  if (prefix.empty()) {
    return std::nullopt;
  }
  prefix.back() = static_cast<char>(static_cast<uint8_t>(prefix.back()) + 1);
  return prefix;
}

}  // namespace

PayloadIndexBuilder::PayloadIndexBuilder(const PayloadIndexSpec& spec, uint32_t rows)
    : spec_(spec), rows_(rows), holds_all_scalars_(TellsScalars(spec.type)) {}

void PayloadIndexBuilder::Add(RowId row, std::string_view payload) {
  const std::optional<ValueView> value = KeyPath(spec_.key).Find(payload);
  if (!value.has_value()) {
    return;
  }
  AnyLeaf(*value, [&](const ValueView& leaf) {
    if (const auto key = IndexKeyOf(spec_.type, leaf); key.has_value()) {
      entries_.push_back(
          {.at = keys_.size(), .bytes = static_cast<uint32_t>(key->size()), .row = row});
      keys_ += *key;
    } else if (ScalarOf(leaf).has_value()) {
      holds_all_scalars_ = false;
    }
    return false;
  });
}

std::string PayloadIndexBuilder::Finish() && {
  std::ranges::sort(entries_, [this](const Entry& a, const Entry& b) {
    const int order = KeyOf(a).compare(KeyOf(b));
    return order != 0 ? order < 0 : a.row < b.row;
  });
  std::vector<uint64_t> key_starts = {0};
  std::vector<uint64_t> entry_starts = {0};
  std::string keys;
  std::vector<uint32_t> rows;
  rows.reserve(entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) {
    const bool new_key = i == 0 || KeyOf(entries_[i]) != KeyOf(entries_[i - 1]);
    if (!new_key && entries_[i].row == rows.back()) {
      continue;  // twice in one list
    }
    if (new_key) {
      if (i > 0) {
        entry_starts.push_back(rows.size());
      }
      keys += KeyOf(entries_[i]);
      key_starts.push_back(keys.size());
    }
    rows.push_back(entries_[i].row);
  }
  if (!rows.empty()) {
    entry_starts.push_back(rows.size());
  }
  const uint64_t block_entries =
      std::max<uint64_t>((uint64_t{rows_} + kBlocks - 1) / kBlocks, kBlockEntriesMin);
  std::vector<uint64_t> blocks;
  for (uint64_t at = 0; at + block_entries <= rows.size(); at += block_entries) {
    RowBitmap block(rows_);
    for (uint64_t i = at; i < at + block_entries; ++i) {
      block.Set(rows[i]);
    }
    blocks.insert(blocks.end(), block.words().begin(), block.words().end());
  }

  const Layout layout(key_starts.size() - 1, keys.size(), rows.size(), blocks.size());
  std::string body;
  body.reserve(layout.end);
  AppendLittleEndian(body, kFormat);
  AppendLittleEndian(body, static_cast<uint32_t>(spec_.type));
  AppendLittleEndian(body, rows_);
  AppendLittleEndian(body,
                     static_cast<uint32_t>(holds_all_scalars_ ? Scalars::kAll : Scalars::kSome));
  AppendLittleEndian(body, uint64_t{key_starts.size() - 1});
  AppendLittleEndian(body, uint64_t{keys.size()});
  AppendLittleEndian(body, uint64_t{rows.size()});
  AppendLittleEndian(body, block_entries);
  PutSection(body, layout.key_starts, key_starts);
  PutSection(body, layout.entry_starts, entry_starts);
  body.resize(layout.keys, '\0');
  body += keys;
  PutSection(body, layout.entries, rows);
  PutSection(body, layout.blocks, blocks);
  return body;
}

StatusOr<PayloadIndex> PayloadIndex::Open(PayloadIndexType type,
                                          std::string_view body,
                                          uint32_t rows) {
  ByteReader in(body);
  const auto format = in.Little<uint32_t>();
  const auto found_type = in.Little<uint32_t>();
  const auto found_rows = in.Little<uint32_t>();
  const auto scalars = in.Little<uint32_t>();
  const auto values = in.Little<uint64_t>();
  const auto key_bytes = in.Little<uint64_t>();
  const auto entries = in.Little<uint64_t>();
  const auto block_entries = in.Little<uint64_t>();
  if (!in.ok() || format != kFormat || found_type != static_cast<uint32_t>(type) ||
      found_rows != rows || scalars > static_cast<uint32_t>(Scalars::kSome) || block_entries == 0) {
    return DataLoss("the header of the payload index does not fit");
  }
  if (values > body.size() || key_bytes > body.size() || entries > body.size()) {
    return DataLoss("the payload index is larger than its {} bytes", body.size());
  }
  const uint64_t words = WordsOf(rows);
  const uint64_t blocks = entries / block_entries;
  const Layout layout(values, key_bytes, entries, blocks * words);
  if (blocks > body.size() || layout.end != body.size()) {
    return DataLoss("the payload index should have {} bytes, not {}", layout.end, body.size());
  }
  PayloadIndex index;
  index.type_ = type;
  index.rows_ = rows;
  index.holds_all_scalars_ = scalars == static_cast<uint32_t>(Scalars::kAll) && TellsScalars(type);
  index.body_bytes_ = body.size();
  index.values_ = values;
  index.block_entries_ = block_entries;
  index.blocks_ = blocks;
  index.key_starts_ = reinterpret_cast<const uint64_t*>(body.data() + layout.key_starts);
  index.entry_starts_ = reinterpret_cast<const uint64_t*>(body.data() + layout.entry_starts);
  index.keys_ = body.substr(layout.keys, key_bytes);
  index.entries_ = reinterpret_cast<const uint32_t*>(body.data() + layout.entries);
  index.blocks_rows_ = reinterpret_cast<const uint64_t*>(body.data() + layout.blocks);
  if (!StartsRise(index.key_starts_, values, key_bytes) ||
      !StartsRise(index.entry_starts_, values, entries)) {
    return DataLoss("the values of the payload index do not follow each other");
  }
  const size_t fixed = IndexKeyBytes(type);
  for (uint64_t i = 0; i < values; ++i) {
    if ((fixed != 0 && index.value(i).size() != fixed) ||
        (i > 0 && index.value(i - 1) >= index.value(i))) {
      return DataLoss("value {} of the payload index is out of order", i);
    }
  }
  if (std::any_of(
          index.entries_, index.entries_ + entries, [rows](uint32_t row) { return row >= rows; })) {
    return DataLoss("the payload index has a row beyond {}", rows);
  }
  return index;
}

std::optional<Scalar> PayloadIndex::scalar(uint64_t number) const {
  switch (type_) {
    case PayloadIndexType::kKeyword:
    case PayloadIndexType::kUuid:
      return Scalar(value(number));
    case PayloadIndexType::kInteger:
    case PayloadIndexType::kFloat:
      if (const auto found = NumberOfIndexKey(value(number)); found.has_value()) {
        return std::visit([](auto x) { return Scalar(x); }, *found);
      }
      break;
    case PayloadIndexType::kBool:
      return Scalar(value(number) != std::string_view("\0", 1));
    case PayloadIndexType::kDatetime:
    case PayloadIndexType::kGeo:
    case PayloadIndexType::kText:
      break;
  }
  return std::nullopt;
}

uint64_t PayloadIndex::LowerBound(std::string_view key) const {
  uint64_t first = 0;
  for (uint64_t count = values_; count > 0;) {
    const uint64_t half = count / 2;
    if (value(first + half) < key) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first;
}

uint64_t PayloadIndex::UpperBound(std::string_view key) const {
  const uint64_t at = LowerBound(key);
  return at < values_ && value(at) == key ? at + 1 : at;
}

std::optional<PayloadIndex::Span> PayloadIndex::Find(std::string_view key) const {
  const uint64_t at = LowerBound(key);
  return at < values_ && value(at) == key ? std::optional(Span{at, at + 1}) : std::nullopt;
}

void PayloadIndex::Unite(const Span& span, RowBitmap& rows) const {
  if (span.first >= span.last) {
    return;
  }
  uint64_t at = entry_starts_[span.first];
  const uint64_t end = entry_starts_[span.last];
  const auto set_until = [&](uint64_t stop) {
    for (; at < stop; ++at) {
      rows.Set(entries_[at]);
    }
  };
  set_until(std::min(end, (at + block_entries_ - 1) / block_entries_ * block_entries_));
  const uint64_t words = WordsOf(rows_);
  for (; at + block_entries_ <= end; at += block_entries_) {
    rows.Unite({blocks_rows_ + at / block_entries_ * words, words});
  }
  set_until(end);
}

RowBitmap PayloadIndex::RowsIn(const Span& span) const {
  RowBitmap rows(rows_);
  Unite(span, rows);
  return rows;
}

// What a value that a filter names is here; nothing if values of its kind are not held.
std::optional<std::string> PayloadIndex::KeyOf(const Value& value) const {
  switch (type_) {
    case PayloadIndexType::kKeyword:
    case PayloadIndexType::kUuid:
      if (const auto* text = value.As<std::string>()) {
        return *text;
      }
      break;
    case PayloadIndexType::kInteger:
    case PayloadIndexType::kFloat:
      if (const auto* integer = value.As<int64_t>()) {
        return IndexKeyOfInteger(*integer);
      }
      if (const auto* number = value.As<double>()) {
        return IndexKeyOfDouble(*number);
      }
      break;
    case PayloadIndexType::kBool:
      if (const auto* truth = value.As<bool>()) {
        return std::string(1, *truth ? '\1' : '\0');
      }
      break;
    case PayloadIndexType::kDatetime:  // a string equals itself, not its instant
    case PayloadIndexType::kGeo:
    case PayloadIndexType::kText:
      break;
  }
  return std::nullopt;
}

std::optional<RowBitmap> PayloadIndex::SelectNode(const In& condition) const {
  RowBitmap rows(rows_);
  for (const Value& value : condition.values) {
    const std::optional<std::string> key = KeyOf(value);
    if (!key.has_value()) {
      return std::nullopt;
    }
    if (const auto span = Find(*key); span.has_value()) {
      Unite(*span, rows);
    }
  }
  return rows;
}

std::optional<RowBitmap> PayloadIndex::SelectNode(const ContainsAll& condition) const {
  RowBitmap rows(rows_);
  rows.SetAll();
  for (const Value& value : condition.values) {
    const std::optional<std::string> key = KeyOf(value);
    if (!key.has_value()) {
      return std::nullopt;
    }
    const auto span = Find(*key);
    rows.Intersect(RowsIn(span.value_or(Span{})).words());
  }
  return rows;
}

template <typename AnyRange, typename KeyOfBound>
std::optional<RowBitmap> PayloadIndex::SelectRange(const AnyRange& range,
                                                   const KeyOfBound& key_of) const {
  if (!range.gt.has_value() && !range.gte.has_value() && !range.lt.has_value() &&
      !range.lte.has_value()) {
    return std::nullopt;
  }
  Span span{0, values_};
  const auto bound = [&](const auto& given, const auto& narrow) {
    if (!given.has_value()) {
      return true;
    }
    const std::optional<std::string> key = key_of(*given);
    if (key.has_value()) {
      narrow(*key);
    }
    return key.has_value();
  };
  const bool known =
      bound(range.gt,
            [&](const auto& key) { span.first = std::max(span.first, UpperBound(key)); }) &&
      bound(range.gte,
            [&](const auto& key) { span.first = std::max(span.first, LowerBound(key)); }) &&
      bound(range.lt, [&](const auto& key) { span.last = std::min(span.last, LowerBound(key)); }) &&
      bound(range.lte, [&](const auto& key) { span.last = std::min(span.last, UpperBound(key)); });
  return known ? std::optional(RowsIn(span)) : std::nullopt;
}

std::optional<RowBitmap> PayloadIndex::SelectNode(const Range& range) const {
  return SelectRange(range, [this](const Value& value) { return KeyOf(value); });
}

std::optional<RowBitmap> PayloadIndex::SelectNode(const DatetimeRange& range) const {
  if (type_ != PayloadIndexType::kDatetime) {
    return std::nullopt;
  }
  return SelectRange(range, [](const std::string& text) {
    const std::optional<Instant> instant = ParseInstant(text);
    return instant.has_value() ? std::optional(IndexKeyOfInstant(*instant)) : std::nullopt;
  });
}

// Asks each distinct value instead of each row.
template <typename Test>
RowBitmap PayloadIndex::SelectTexts(const Test& test) const {
  RowBitmap rows(rows_);
  for (uint64_t i = 0; i < values_; ++i) {
    if (test(ValueView(ValueTag::kString, value(i)))) {
      Unite({i, i + 1}, rows);
    }
  }
  return rows;
}

std::optional<RowBitmap> PayloadIndex::SelectNode(const StringMatch& match) const {
  if (type_ != PayloadIndexType::kKeyword && type_ != PayloadIndexType::kUuid) {
    return std::nullopt;
  }
  switch (match.kind) {
    case StringMatchKind::kPrefix: {
      const std::optional<std::string> behind = BehindPrefix(match.text);
      return RowsIn({LowerBound(match.text), behind.has_value() ? LowerBound(*behind) : values_});
    }
    case StringMatchKind::kSubstring:
      return SelectTexts(SubstringTest{match.text});
    case StringMatchKind::kFolded:
      return SelectTexts(FoldedSubstringTest(match.text));
  }
  return std::nullopt;
}

template <typename Shape>
std::optional<RowBitmap> PayloadIndex::SelectShape(const Shape& shape) const {
  if (type_ != PayloadIndexType::kGeo) {
    return std::nullopt;
  }
  // Values lie in the order of their latitudes.
  RowBitmap rows(rows_);
  uint64_t i = LowerBound(IndexKeyOfPoint({.lat = shape.south(), .lon = -180}));
  for (; i < values_; ++i) {
    const GeoPoint point = PointOfIndexKey(value(i));
    if (point.lat > shape.north()) {
      break;
    }
    if (shape.Contains(point)) {
      Unite({i, i + 1}, rows);
    }
  }
  return rows;
}

std::optional<RowBitmap> PayloadIndex::SelectNode(const GeoRadius& radius) const {
  return SelectShape(Disc(radius));
}
std::optional<RowBitmap> PayloadIndex::SelectNode(const GeoBox& box) const {
  return SelectShape(Box(box));
}
std::optional<RowBitmap> PayloadIndex::SelectNode(const GeoPolygon& polygon) const {
  return SelectShape(Polygon(polygon));
}

std::optional<RowBitmap> PayloadIndex::Select(const Filter& condition) const {
  return std::visit([this](const auto& node) { return SelectNode(node); }, condition.node);
}

}  // namespace alidade
