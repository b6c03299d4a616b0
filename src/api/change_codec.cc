#include "change_codec.h"

#include <charconv>
#include <string>
#include <utility>

#include "alidade/common/payload_codec.h"

#include "field_path.h"
#include "filter_codec.h"
#include "point_codec.h"
#include "value_codec.h"
#include "write_codec.h"

namespace alidade {
namespace {

constexpr int kBatchOperationsMax = 1'000;  // chosen: each may be as large as a write by itself

// Name, options and points, which these requests have under the same names.
template <typename In, typename Out>
Status DecodeTarget(const In& in, const WriteDecoding& decoding, Out& out) {
  ALIDADE_RETURN_IF_ERROR(CheckName(in.collection(), FieldPath("collection")));
  out.collection = in.collection();
  ALIDADE_ASSIGN_OR_RETURN(
      out.options,
      DecodeWriteOptions(in.request_id(), in.durability(), decoding.default_durability));
  PointSelection& points = out.points;
  points.deadline = decoding.deadline;
  if (in.has_filter()) {
    if (!in.ids().empty()) {
      return FieldError("ids", "must be empty if there is a `filter`");
    }
    ALIDADE_ASSIGN_OR_RETURN(points.filter,
                             DecodeFilter(in.filter(), decoding.limits, FieldPath("filter")));
  } else {
    ALIDADE_ASSIGN_OR_RETURN(points.ids,
                             DecodePointIds(in.ids(), decoding.limits, FieldPath("ids")));
  }
  ALIDADE_ASSIGN_OR_RETURN(points.if_seqs,
                           DecodeIfSeqs(in.if_seqs(), points.ids.size(), FieldPath("if_seqs")));
  return OkStatus();
}

template <typename In>
StatusOr<std::string> DecodeNewPayload(const In& in, const WriteDecoding& decoding) {
  if (!in.has_payload()) {
    return FieldError("payload", "is missing");
  }
  return DecodePayloadBytes(in.payload(), decoding.limits, FieldPath("payload"));
}

// Of a write inside a batch: what only the batch may say.
template <typename In>
Status CheckPart(const In& in) {
  if (!in.request_id().empty()) {
    return FieldError("request_id", "is for the whole batch, not for one of its operations");
  }
  if (in.durability() != v1::DURABILITY_UNSPECIFIED) {
    return FieldError("durability", "is for the whole batch, not for one of its operations");
  }
  return OkStatus();
}

const char* OperationField(const v1::WriteOperation& in) {
  switch (in.operation_case()) {
    case v1::WriteOperation::kUpsertPoints:
      return "upsert_points";
    case v1::WriteOperation::kDeletePoints:
      return "delete_points";
    case v1::WriteOperation::kSetPayload:
      return "set_payload";
    case v1::WriteOperation::kOverwritePayload:
      return "overwrite_payload";
    case v1::WriteOperation::kDeletePayloadKeys:
      return "delete_payload_keys";
    case v1::WriteOperation::OPERATION_NOT_SET:
      break;
  }
  return "operation";
}

std::string OperationPath(size_t index, const v1::WriteOperation& in) {
  return fmt::format("operations[{}].{}", index, OperationField(in));
}

template <typename Request>
StatusOr<WritePart> AsPart(StatusOr<Request> decoded) {
  if (!decoded.ok()) {
    return decoded.status();
  }
  return WritePart(std::move(decoded).value());
}

StatusOr<WritePart> DecodeOperation(const v1::WriteOperation& in, const WriteDecoding& decoding) {
  switch (in.operation_case()) {
    case v1::WriteOperation::kUpsertPoints:
      ALIDADE_RETURN_IF_ERROR(CheckPart(in.upsert_points()));
      return AsPart(DecodeUpsert(in.upsert_points(), decoding.limits, decoding.default_durability));
    case v1::WriteOperation::kDeletePoints:
      ALIDADE_RETURN_IF_ERROR(CheckPart(in.delete_points()));
      return AsPart(DecodeDelete(in.delete_points(), decoding));
    case v1::WriteOperation::kSetPayload:
      ALIDADE_RETURN_IF_ERROR(CheckPart(in.set_payload()));
      return AsPart(DecodePayloadChange(in.set_payload(), decoding));
    case v1::WriteOperation::kOverwritePayload:
      ALIDADE_RETURN_IF_ERROR(CheckPart(in.overwrite_payload()));
      return AsPart(DecodePayloadChange(in.overwrite_payload(), decoding));
    case v1::WriteOperation::kDeletePayloadKeys:
      ALIDADE_RETURN_IF_ERROR(CheckPart(in.delete_payload_keys()));
      return AsPart(DecodePayloadChange(in.delete_payload_keys(), decoding));
    case v1::WriteOperation::OPERATION_NOT_SET:
      break;
  }
  return InvalidArgument("no operation");  // said with its path by the caller
}

}  // namespace

StatusOr<DeleteRequest> DecodeDelete(const v1::DeletePointsRequest& in,
                                     const WriteDecoding& decoding) {
  DeleteRequest out;
  ALIDADE_RETURN_IF_ERROR(DecodeTarget(in, decoding, out));
  return out;
}

StatusOr<PayloadRequest> DecodePayloadChange(const v1::SetPayloadRequest& in,
                                             const WriteDecoding& decoding) {
  PayloadRequest out;
  ALIDADE_RETURN_IF_ERROR(DecodeTarget(in, decoding, out));
  out.edit.kind = PayloadEdit::Kind::kMerge;
  ALIDADE_ASSIGN_OR_RETURN(const std::string encoded, DecodeNewPayload(in, decoding));
  ALIDADE_ASSIGN_OR_RETURN(out.edit.merged, DecodeObject(encoded));
  if (out.edit.merged.empty()) {
    return FieldError("payload", "has no keys to set");
  }
  return out;
}

StatusOr<PayloadRequest> DecodePayloadChange(const v1::OverwritePayloadRequest& in,
                                             const WriteDecoding& decoding) {
  PayloadRequest out;
  ALIDADE_RETURN_IF_ERROR(DecodeTarget(in, decoding, out));
  out.edit.kind = PayloadEdit::Kind::kOverwrite;
  ALIDADE_ASSIGN_OR_RETURN(out.edit.whole, DecodeNewPayload(in, decoding));
  return out;
}

StatusOr<PayloadRequest> DecodePayloadChange(const v1::DeletePayloadKeysRequest& in,
                                             const WriteDecoding& decoding) {
  PayloadRequest out;
  ALIDADE_RETURN_IF_ERROR(DecodeTarget(in, decoding, out));
  out.edit.kind = PayloadEdit::Kind::kDeleteKeys;
  ALIDADE_ASSIGN_OR_RETURN(out.edit.keys, DecodeKeys(in.keys(), FieldPath("keys")));
  return out;
}

StatusOr<BatchRequest> DecodeBatch(const v1::WriteBatchRequest& in, const WriteDecoding& decoding) {
  BatchRequest out;
  ALIDADE_ASSIGN_OR_RETURN(
      out.options,
      DecodeWriteOptions(in.request_id(), in.durability(), decoding.default_durability));
  if (in.operations().empty() || in.operations_size() > kBatchOperationsMax) {
    return FieldError("operations",
                      "has {} entries; 1..{} are allowed",
                      in.operations_size(),
                      kBatchOperationsMax);
  }
  for (const v1::WriteOperation& operation : in.operations()) {
    const size_t index = out.parts.size();
    if (operation.operation_case() == v1::WriteOperation::OPERATION_NOT_SET) {
      return FieldError(fmt::format("operations[{}]", index), "has no operation that is known");
    }
    auto part = DecodeOperation(operation, decoding);
    if (!part.ok()) {
      return WithFieldPrefix(part.status(), OperationPath(index, operation));
    }
    out.parts.push_back(std::move(part).value());
  }
  return out;
}

Status WithWirePath(const Status& status, const v1::WriteBatchRequest& in) {
  constexpr std::string_view kPlace = "operations[";
  const std::string field = FieldOf(status).value_or("");
  const size_t end = field.find("].");
  int index = -1;
  if (!field.starts_with(kPlace) || end == std::string::npos) {
    return status;
  }
  std::from_chars(field.data() + kPlace.size(), field.data() + end, index);
  if (index < 0 || index >= in.operations_size()) {
    return status;
  }
  const v1::WriteOperation& operation = in.operations(index);
  const size_t prefix = end + 2;  // "operations[2]."
  Status inner = MakeFieldError(field.substr(prefix),
                                MessageOf(status).substr(field.size() + 2));  // behind "<field>: "
  if (const auto reason = ReasonOf(status); reason.has_value()) {
    inner = WithReason(inner, *reason);
  }
  if (operation.has_upsert_points()) {
    inner = WithWirePath(inner, operation.upsert_points());
  }
  return WithFieldPrefix(inner, OperationPath(static_cast<size_t>(index), operation));
}

void EncodeBatch(const WriteReceipt& in, v1::WriteBatchResponse& out) {
  EncodeReceipt(in, *out.mutable_receipt());
  for (const WriteCounts& part : in.parts) {
    v1::WriteOperationResult& result = *out.add_results();
    result.set_points_count(part.points);
    result.set_skipped_count(part.skipped);
  }
}

}  // namespace alidade
