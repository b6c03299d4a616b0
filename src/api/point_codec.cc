#include "point_codec.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "alidade/filter/filter.h"

#include "value_codec.h"

namespace alidade {
namespace {

bool IsNameCharacter(char c, bool first) {
  const bool alphanumeric =
      (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  return alphanumeric || (!first && (c == '_' || c == '-'));
}

}  // namespace

Status CheckName(std::string_view name, const FieldPath& path) {
  if (name.empty()) {
    return FieldError(path.ToString(), "is empty");
  }
  if (name.size() > kNameBytesMax) {
    return FieldError(path.ToString(), "has {} bytes, the limit is {}", name.size(), kNameBytesMax);
  }
  for (size_t i = 0; i < name.size(); ++i) {
    if (!IsNameCharacter(name[i], i == 0)) {
      return FieldError(
          path.ToString(),
          "must start with a letter or digit and hold only letters, digits, '_' and '-'");
    }
  }
  return OkStatus();
}

StatusOr<PointId> DecodePointId(const v1::PointId& in, const FieldPath& path) {
  switch (in.id_case()) {
    case v1::PointId::kNum:
      return PointId(static_cast<uint64_t>(in.num()));
    case v1::PointId::kStr:
      if (const Status status = ValidateTextId(in.str()); !status.ok()) {
        return FieldError(path.ToString(), "{}", MessageOf(status));
      }
      return PointId(in.str());
    case v1::PointId::ID_NOT_SET:
      break;
  }
  return FieldError(path.ToString(), "is missing");
}

StatusOr<std::vector<PointId>> DecodePointIds(
    const google::protobuf::RepeatedPtrField<v1::PointId>& in,
    const Limits& limits,
    const FieldPath& path) {
  if (in.empty()) {
    return FieldError(path.ToString(), "is empty");
  }
  const auto count = static_cast<size_t>(in.size());
  if (count > limits.batch_rows_max) {
    return FieldError(path.ToString(), "has {} ids, the limit is {}", count, limits.batch_rows_max);
  }
  std::vector<PointId> ids;
  ids.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    ALIDADE_ASSIGN_OR_RETURN(PointId id, DecodePointId(in[static_cast<int>(i)], path.At(i)));
    ids.push_back(std::move(id));
  }
  return ids;
}

StatusOr<std::span<const float>> DecodeVector(const v1::Vector& in, const FieldPath& path) {
  switch (in.data_case()) {
    case v1::Vector::kPacked: {
      const std::string& bytes = in.packed();
      if (bytes.empty() || bytes.size() % sizeof(float) != 0) {
        return FieldError(
            path.Field("packed").ToString(),
            "has {} bytes, which is no positive multiple of {} (little-endian float32)",
            bytes.size(),
            sizeof(float));
      }
      // A string's bytes are aligned to at least eight, on the heap and inside the string object
      // alike.
      return std::span<const float>(reinterpret_cast<const float*>(bytes.data()),
                                    bytes.size() / sizeof(float));
    }
    case v1::Vector::kValues:
      if (in.values().values().empty()) {
        return FieldError(path.Field("values").ToString(), "is empty");
      }
      return std::span<const float>(in.values().values().data(),
                                    static_cast<size_t>(in.values().values_size()));
    case v1::Vector::DATA_NOT_SET:
      break;
  }
  return FieldError(path.ToString(), "has neither `packed` nor `values`");
}

StatusOr<SparseVector> DecodeSparse(const v1::SparseVector& in, const FieldPath& path) {
  return MakeSparseVector({in.indices().begin(), in.indices().end()},
                          {in.values().begin(), in.values().end()},
                          path.ToString());
}

StatusOr<MultiVector> DecodeMulti(const v1::MultiVector& in, const FieldPath& path) {
  MultiVector out;
  switch (in.data_case()) {
    case v1::MultiVector::kPacked: {
      const std::string& bytes = in.packed();
      if (bytes.empty() || bytes.size() % sizeof(float) != 0 ||
          bytes.size() > kMultiVectorBytesMax) {
        return FieldError(path.Field("packed").ToString(),
                          "has {} bytes, which is no multiple of 4 from 4 to {}",
                          bytes.size(),
                          kMultiVectorBytesMax);
      }
      out.values.resize(bytes.size() / sizeof(float));
      std::memcpy(out.values.data(), bytes.data(), bytes.size());
      return out;
    }
    case v1::MultiVector::kRows: {
      const auto& lists = in.rows().lists();
      if (lists.empty() || static_cast<size_t>(lists.size()) > kMultiVectorRowsMax) {
        return FieldError(path.Field("rows").Field("lists").ToString(),
                          "has {} vectors, 1 to {} are allowed",
                          lists.size(),
                          kMultiVectorRowsMax);
      }
      out.rows = static_cast<uint32_t>(lists.size());
      for (int i = 0; i < lists.size(); ++i) {
        if (lists[i].values_size() != lists[0].values_size()) {
          return FieldError(path.Field("rows").Field("lists").At(static_cast<size_t>(i)).ToString(),
                            "has {} elements, the first has {}",
                            lists[i].values_size(),
                            lists[0].values_size());
        }
        out.values.insert(out.values.end(), lists[i].values().begin(), lists[i].values().end());
      }
      return out;
    }
    case v1::MultiVector::DATA_NOT_SET:
      break;
  }
  return FieldError(path.ToString(), "has neither `packed` nor `rows`");
}

StatusOr<std::vector<SeqNo>> DecodeIfSeqs(const google::protobuf::RepeatedField<uint64_t>& in,
                                          size_t points,
                                          const FieldPath& path) {
  std::vector<SeqNo> seqs;
  if (!in.empty() && static_cast<size_t>(in.size()) != points) {
    return FieldError(
        path.ToString(), "has {} entries for {} points; give none or one each", in.size(), points);
  }
  seqs.reserve(static_cast<size_t>(in.size()));
  for (const uint64_t seq : in) {
    seqs.emplace_back(seq);
  }
  return seqs;
}

StatusOr<Durability> DecodeDurability(v1::Durability in, Durability default_durability) {
  switch (in) {
    case v1::DURABILITY_UNSPECIFIED:
      return default_durability;
    case v1::DURABILITY_DURABLE:
      return Durability::kDurable;
    case v1::DURABILITY_BUFFERED:
      return Durability::kBuffered;
    default:
      return FieldError("durability", "{} is not known to this server", static_cast<int>(in));
  }
}

StatusOr<WriteOptions> DecodeWriteOptions(const std::string& request_id,
                                          v1::Durability durability,
                                          Durability default_durability) {
  if (request_id.size() > kRequestIdBytesMax) {
    return FieldError(
        "request_id", "has {} bytes, the limit is {}", request_id.size(), kRequestIdBytesMax);
  }
  WriteOptions options;
  options.request_id = request_id;
  ALIDADE_ASSIGN_OR_RETURN(options.durability, DecodeDurability(durability, default_durability));
  return options;
}

Status CheckKey(std::string_view key, const FieldPath& path) {
  if (key.empty() || key.size() > kFilterKeyBytesMax) {
    return FieldError(
        path.ToString(), "has {} bytes; 1..{} are allowed", key.size(), kFilterKeyBytesMax);
  }
  return OkStatus();
}

StatusOr<std::vector<std::string>> DecodeKeys(
    const google::protobuf::RepeatedPtrField<std::string>& in, const FieldPath& path) {
  if (in.empty() || in.size() > kSelectorKeysMax) {
    return FieldError(
        path.ToString(), "has {} keys; 1..{} are allowed", in.size(), kSelectorKeysMax);
  }
  for (const std::string& key : in) {
    if (key.empty() || key.size() > kFilterKeyBytesMax) {
      return FieldError(path.ToString(),
                        "has a key of {} bytes; 1..{} are allowed",
                        key.size(),
                        kFilterKeyBytesMax);
    }
  }
  return std::vector<std::string>(in.begin(), in.end());
}

StatusOr<PayloadSelector> DecodePayloadSelector(bool present,
                                                const v1::PayloadSelector& in,
                                                const FieldPath& path) {
  PayloadSelector out;
  out.mode = PayloadSelector::Mode::kAll;
  if (!present) {
    return out;
  }
  const v1::KeyList* keys = nullptr;
  switch (in.selector_case()) {
    case v1::PayloadSelector::kAll:
      out.mode = in.all() ? PayloadSelector::Mode::kAll : PayloadSelector::Mode::kNone;
      return out;
    case v1::PayloadSelector::kInclude:
      out.mode = PayloadSelector::Mode::kInclude;
      keys = &in.include();
      break;
    case v1::PayloadSelector::kExclude:
      out.mode = PayloadSelector::Mode::kExclude;
      keys = &in.exclude();
      break;
    case v1::PayloadSelector::SELECTOR_NOT_SET:
      return FieldError(path.ToString(), "has none of `all`, `include`, `exclude`");
  }
  ALIDADE_ASSIGN_OR_RETURN(out.keys, DecodeKeys(keys->keys(), path));
  return out;
}

StatusOr<std::vector<std::string>> DecodeWithVectors(
    const google::protobuf::RepeatedPtrField<std::string>& in) {
  const FieldPath path("with_vectors");
  std::vector<std::string> out;
  if (in.size() == 1 && in[0] == "*") {
    out.push_back("*");
    return out;
  }
  constexpr uint32_t kNamesMax = kVectorFieldsMax + kSparseFieldsMax + kMultiVectorFieldsMax;
  if (static_cast<uint32_t>(in.size()) > kNamesMax) {
    return FieldError(path.ToString(), "has {} names, the limit is {}", in.size(), kNamesMax);
  }
  for (int i = 0; i < in.size(); ++i) {
    const FieldPath at = path.At(static_cast<size_t>(i));
    ALIDADE_RETURN_IF_ERROR(CheckName(in[i], at));
    if (std::find(out.begin(), out.end(), in[i]) != out.end()) {
      return FieldError(at.ToString(), "names \"{}\" a second time", in[i]);
    }
    out.push_back(in[i]);
  }
  return out;
}

void EncodePointId(const PointId& in, v1::PointId& out) {
  if (in.is_number()) {
    out.set_num(in.number());
  } else {
    out.set_str(in.text());
  }
}

void EncodeVector(const std::vector<float>& in, v1::Vector& out) {
  static_assert(std::endian::native == std::endian::little);
  out.set_packed(in.data(), in.size() * sizeof(float));
}

void EncodeSparse(const SparseVector& in, v1::SparseVector& out) {
  out.mutable_indices()->Assign(in.dimensions.begin(), in.dimensions.end());
  out.mutable_values()->Assign(in.weights.begin(), in.weights.end());
}

void EncodeMulti(const MultiVector& in, v1::MultiVector& out) {
  out.set_packed(in.values.data(), in.values.size() * sizeof(float));
}

void EncodeReceipt(const WriteReceipt& in, v1::WriteReceipt& out) {
  out.set_seq(in.seq.value());
  out.set_durability(in.reached == Durability::kDurable ? v1::DURABILITY_DURABLE
                                                        : v1::DURABILITY_BUFFERED);
  out.set_replayed(in.replayed);
}

void EncodePoint(const Point& in, v1::Point& out) {
  EncodePointId(in.id, *out.mutable_id());
  if (!in.payload.empty()) {
    EncodePayload(in.payload, *out.mutable_payload());
  }
  for (const auto& [name, vector] : in.vectors) {
    EncodeVector(vector, (*out.mutable_vectors())[name]);
  }
  for (const auto& [name, vector] : in.sparse_vectors) {
    EncodeSparse(vector, (*out.mutable_sparse_vectors())[name]);
  }
  for (const auto& [name, vector] : in.multi_vectors) {
    EncodeMulti(vector, (*out.mutable_multi_vectors())[name]);
  }
  out.set_seq(in.seq.value());
}

}  // namespace alidade
