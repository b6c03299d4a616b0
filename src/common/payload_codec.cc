#include "alidade/common/payload_codec.h"

#include <bit>

#include "alidade/common/bytes.h"
#include "alidade/common/check.h"

namespace alidade {
namespace {

void PatchLength(std::string& out, size_t at) {
  const auto length = static_cast<uint32_t>(out.size() - at - sizeof(uint32_t));
  std::memcpy(out.data() + at, &length, sizeof(length));
}

void EncodeValue(const Value& value, std::string& out);

struct Encoder {
  std::string& out;

  void Tag(ValueTag tag) const { out.push_back(static_cast<char>(tag)); }
  void operator()(const Value::Null&) const { Tag(ValueTag::kNull); }
  void operator()(bool x) const {
    Tag(ValueTag::kBool);
    out.push_back(x ? '\1' : '\0');
  }
  void operator()(int64_t x) const {
    Tag(ValueTag::kInt64);
    AppendLittleEndian(out, static_cast<uint64_t>(x));
  }
  void operator()(double x) const {
    Tag(ValueTag::kDouble);
    AppendLittleEndian(out, std::bit_cast<uint64_t>(x));
  }
  void operator()(const std::string& x) const {
    Tag(ValueTag::kString);
    AppendLengthPrefixed(out, x);
  }
  void operator()(const List& x) const {
    Tag(ValueTag::kList);
    const size_t at = out.size();
    AppendLittleEndian(out, uint32_t{0});
    AppendLittleEndian(out, static_cast<uint32_t>(x.size()));
    for (const Value& element : x) {
      EncodeValue(element, out);
    }
    PatchLength(out, at);
  }
  void operator()(const Object& x) const {
    Tag(ValueTag::kObject);
    const size_t at = out.size();
    AppendLittleEndian(out, uint32_t{0});
    EncodeObject(x, out);
    PatchLength(out, at);
  }
};

void EncodeValue(const Value& value, std::string& out) { std::visit(Encoder{out}, value.data()); }

StatusOr<Object> DecodeObjectAt(ByteReader& in, int depth);

StatusOr<Value> DecodeValueAt(ByteReader& in, int depth) {
  if (depth > kPayloadDepthHardMax) {
    return DataLoss("payload nests deeper than {}", kPayloadDepthHardMax);
  }
  switch (static_cast<ValueTag>(in.Little<uint8_t>())) {
    case ValueTag::kNull:
      return Value();
    case ValueTag::kBool:
      return Value(in.Little<uint8_t>() != 0);
    case ValueTag::kInt64:
      return Value(static_cast<int64_t>(in.Little<uint64_t>()));
    case ValueTag::kDouble:
      return Value(std::bit_cast<double>(in.Little<uint64_t>()));
    case ValueTag::kString:
      return Value(std::string(in.LengthPrefixed()));
    case ValueTag::kList: {
      ByteReader body(in.LengthPrefixed());
      const auto count = body.Little<uint32_t>();
      List list;
      for (uint32_t i = 0; i < count && body.ok(); ++i) {
        ALIDADE_ASSIGN_OR_RETURN(Value element, DecodeValueAt(body, depth + 1));
        list.push_back(std::move(element));
      }
      if (!body.done()) {
        return DataLoss("payload list is malformed");
      }
      return Value(std::move(list));
    }
    case ValueTag::kObject: {
      ByteReader body(in.LengthPrefixed());
      ALIDADE_ASSIGN_OR_RETURN(Object object, DecodeObjectAt(body, depth + 1));
      if (!body.done()) {
        return DataLoss("payload object is malformed");
      }
      return Value(std::move(object));
    }
  }
  return DataLoss("payload has an unknown value tag");
}

StatusOr<Object> DecodeObjectAt(ByteReader& in, int depth) {
  const auto count = in.Little<uint32_t>();
  Object object;
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    std::string key(in.LengthPrefixed());
    ALIDADE_ASSIGN_OR_RETURN(Value value, DecodeValueAt(in, depth));
    object.insert_or_assign(object.end(), std::move(key), std::move(value));
  }
  if (!in.ok() || object.size() != count) {
    return DataLoss("payload object is malformed");
  }
  return object;
}

}  // namespace

void EncodeObject(const Object& object, std::string& out) {
  AppendLittleEndian(out, static_cast<uint32_t>(object.size()));
  for (const auto& [key, value] : object) {
    AppendLengthPrefixed(out, key);
    EncodeValue(value, out);
  }
}

StatusOr<Object> DecodeObject(std::string_view bytes) {
  ByteReader in(bytes);
  ALIDADE_ASSIGN_OR_RETURN(Object object, DecodeObjectAt(in, 1));
  if (!in.done()) {
    return DataLoss("payload has {} stray bytes", in.rest().size());
  }
  return object;
}

bool ValueView::AsBool() const { return !body_.empty() && body_[0] != '\0'; }

int64_t ValueView::AsInt64() const {
  return static_cast<int64_t>(ByteReader(body_).Little<uint64_t>());
}

double ValueView::AsDouble() const {
  return std::bit_cast<double>(ByteReader(body_).Little<uint64_t>());
}

std::string_view ValueView::AsString() const { return body_; }

uint32_t ValueView::ListSize() const {
  return tag_ == ValueTag::kList ? ByteReader(body_).Little<uint32_t>() : 0;
}

std::optional<ValueView> TakeValue(std::string_view& bytes) {
  ByteReader in(bytes);
  const auto tag = static_cast<ValueTag>(in.Little<uint8_t>());
  std::string_view body;
  switch (tag) {
    case ValueTag::kNull:
      break;
    case ValueTag::kBool:
      body = in.Bytes(1);
      break;
    case ValueTag::kInt64:
    case ValueTag::kDouble:
      body = in.Bytes(sizeof(uint64_t));
      break;
    case ValueTag::kString:
    case ValueTag::kList:
    case ValueTag::kObject:
      body = in.LengthPrefixed();
      break;
    default:
      return std::nullopt;
  }
  if (!in.ok()) {
    return std::nullopt;
  }
  bytes = in.rest();
  return ValueView(tag, body);
}

std::optional<ValueView> PayloadView::Find(std::string_view path) const {
  ByteReader head(bytes_);
  const auto count = head.Little<uint32_t>();
  std::string_view rest = head.rest();
  // Keys are in byte order, so "a" comes before "a.b": what is found inside "a" waits for the end.
  std::optional<ValueView> nested;
  for (uint32_t i = 0; i < count; ++i) {
    ByteReader in(rest);
    const std::string_view key = in.LengthPrefixed();
    if (!in.ok()) {
      return std::nullopt;
    }
    rest = in.rest();
    const std::optional<ValueView> value = TakeValue(rest);
    if (!value.has_value()) {
      return std::nullopt;
    }
    if (key == path) {
      return value;
    }
    if (!nested.has_value() && value->tag() == ValueTag::kObject && path.size() > key.size() + 1 &&
        path.starts_with(key) && path[key.size()] == '.') {
      nested = PayloadView(value->body_).Find(path.substr(key.size() + 1));
    }
  }
  return nested;
}

}  // namespace alidade
