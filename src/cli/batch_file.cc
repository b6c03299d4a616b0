#include "batch_file.h"

#include <initializer_list>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "filter_message.h"
#include "json_value.h"
#include "named_vectors.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;
using Json = nlohmann::json;

Status CheckKeys(const Json& json, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : json.items()) {
    bool found = false;
    for (const std::string_view name : known) {
      found = found || key == name;
    }
    if (!found) {
      return InvalidArgument("\"{}\" is not known here", key);
    }
  }
  return OkStatus();
}

StatusOr<std::string> TextOf(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) {
    return InvalidArgument("\"{}\" is no string", key);
  }
  return found->get<std::string>();
}

// The elements of a list that must not be empty.
StatusOr<const Json*> ListOf(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array() || found->empty()) {
    return InvalidArgument("\"{}\" is no list of at least one", key);
  }
  return &*found;
}

Status ParseId(const Json& json, v1::PointId& id) {
  if (json.is_number_unsigned()) {
    id.set_num(json.get<uint64_t>());
    return OkStatus();
  }
  if (json.is_string()) {
    id.set_str(json.get<std::string>());
    return OkStatus();
  }
  return InvalidArgument("an id is a number from 0 or a string, not {}", json.dump());
}

template <typename Request>
Status ParseIfSeqs(const Json& json, Request& request) {
  if (!json.contains("if_seqs")) {
    return OkStatus();
  }
  ALIDADE_ASSIGN_OR_RETURN(const Json* seqs, ListOf(json, "if_seqs"));
  for (const Json& seq : *seqs) {
    if (!seq.is_number_unsigned()) {
      return InvalidArgument("\"if_seqs\" has {}, which is no number from 0", seq.dump());
    }
    request.add_if_seqs(seq.get<uint64_t>());
  }
  return OkStatus();
}

Status ParsePayload(const Json& json, v1::Object& payload) {
  if (!json.contains("payload")) {
    return InvalidArgument("\"payload\" is missing");
  }
  return WithContext(JsonToObject(json["payload"], payload), "\"payload\"");
}

Status ParseVector(const Json& json, v1::Vector& vector) {
  auto& values = *vector.mutable_values();
  if (!json.is_array()) {
    return InvalidArgument("a vector is a list of numbers, not {}", json.type_name());
  }
  for (const Json& element : json) {
    if (!element.is_number()) {
      return InvalidArgument("a vector has the element {}, which is no number", element.dump());
    }
    values.add_values(element.get<float>());
  }
  return OkStatus();
}

Status ParsePoint(const Json& json, v1::Point& point) {
  if (!json.is_object()) {
    return InvalidArgument("a point is a JSON object, not {}", json.type_name());
  }
  ALIDADE_RETURN_IF_ERROR(CheckKeys(json, {"id", "vectors", "sparse", "multi_vectors", "payload"}));
  ALIDADE_RETURN_IF_ERROR(ParseId(json.value("id", Json()), *point.mutable_id()));
  if (json.contains("payload")) {
    ALIDADE_RETURN_IF_ERROR(ParsePayload(json, *point.mutable_payload()));
  }
  ALIDADE_RETURN_IF_ERROR(ReadNamed(json, "vectors", ParseVector, *point.mutable_vectors()));
  ALIDADE_RETURN_IF_ERROR(ReadNamed(json, "sparse", JsonToSparse, *point.mutable_sparse_vectors()));
  return ReadNamed(json, "multi_vectors", JsonToMultiVector, *point.mutable_multi_vectors());
}

Status ParseUpsert(const Json& json, v1::UpsertPointsRequest& request) {
  ALIDADE_RETURN_IF_ERROR(CheckKeys(json, {"op", "collection", "points", "mode", "if_seqs"}));
  if (json.contains("mode")) {
    ALIDADE_ASSIGN_OR_RETURN(const std::string mode, TextOf(json, "mode"));
    if (mode != "insert_only" && mode != "update_only") {
      return InvalidArgument("\"mode\" is \"{}\", not insert_only or update_only", mode);
    }
    request.set_mode(mode == "insert_only" ? v1::UPSERT_MODE_INSERT_ONLY
                                           : v1::UPSERT_MODE_UPDATE_ONLY);
  }
  ALIDADE_ASSIGN_OR_RETURN(const Json* points, ListOf(json, "points"));
  for (size_t i = 0; i < points->size(); ++i) {
    if (const Status status = ParsePoint((*points)[i], *request.mutable_rows()->add_points());
        !status.ok()) {
      return WithContext(status, fmt::format("points[{}]", i));
    }
  }
  return ParseIfSeqs(json, request);
}

// Which points a write is about: ids or a filter.
template <typename Request>
Status ParseSelection(const Json& json, Request& request) {
  if (json.contains("ids") == json.contains("filter")) {
    return InvalidArgument("either \"ids\" or \"filter\" is wanted");
  }
  if (json.contains("filter")) {
    ALIDADE_ASSIGN_OR_RETURN(const std::string filter, TextOf(json, "filter"));
    return ParseFilter(filter, *request.mutable_filter());
  }
  ALIDADE_ASSIGN_OR_RETURN(const Json* ids, ListOf(json, "ids"));
  for (const Json& id : *ids) {
    ALIDADE_RETURN_IF_ERROR(ParseId(id, *request.add_ids()));
  }
  return ParseIfSeqs(json, request);
}

template <typename Request>
Status ParseNewPayload(const Json& json, Request& request) {
  ALIDADE_RETURN_IF_ERROR(
      CheckKeys(json, {"op", "collection", "ids", "filter", "if_seqs", "payload"}));
  ALIDADE_RETURN_IF_ERROR(ParseSelection(json, request));
  return ParsePayload(json, *request.mutable_payload());
}

Status ParseDeletedKeys(const Json& json, v1::DeletePayloadKeysRequest& request) {
  ALIDADE_RETURN_IF_ERROR(
      CheckKeys(json, {"op", "collection", "ids", "filter", "if_seqs", "keys"}));
  ALIDADE_RETURN_IF_ERROR(ParseSelection(json, request));
  ALIDADE_ASSIGN_OR_RETURN(const Json* keys, ListOf(json, "keys"));
  for (const Json& key : *keys) {
    if (!key.is_string()) {
      return InvalidArgument("\"keys\" has {}, which is no string", key.dump());
    }
    request.add_keys(key.get<std::string>());
  }
  return OkStatus();
}

Status ParseDelete(const Json& json, v1::DeletePointsRequest& request) {
  ALIDADE_RETURN_IF_ERROR(CheckKeys(json, {"op", "collection", "ids", "filter", "if_seqs"}));
  return ParseSelection(json, request);
}

Status ParseOperation(const std::string& line, v1::WriteOperation& operation) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return InvalidArgument("is no JSON object");
  }
  ALIDADE_ASSIGN_OR_RETURN(const std::string op, TextOf(json, "op"));
  ALIDADE_ASSIGN_OR_RETURN(const std::string collection, TextOf(json, "collection"));
  const auto fill = [&](auto& request, const auto& parse) -> Status {
    request.set_collection(collection);
    return parse(json, request);
  };
  if (op == "upsert") {
    return fill(*operation.mutable_upsert_points(), ParseUpsert);
  }
  if (op == "delete") {
    return fill(*operation.mutable_delete_points(), ParseDelete);
  }
  if (op == "set_payload") {
    return fill(*operation.mutable_set_payload(), ParseNewPayload<v1::SetPayloadRequest>);
  }
  if (op == "overwrite_payload") {
    return fill(*operation.mutable_overwrite_payload(),
                ParseNewPayload<v1::OverwritePayloadRequest>);
  }
  if (op == "delete_payload") {
    return fill(*operation.mutable_delete_payload_keys(), ParseDeletedKeys);
  }
  return InvalidArgument(
      "\"op\" is \"{}\", not upsert, delete, set_payload, overwrite_payload or delete_payload", op);
}

}  // namespace

StatusOr<v1::WriteBatchRequest> ReadBatch(std::istream& lines, const std::string& name) {
  v1::WriteBatchRequest request;
  std::string line;
  for (uint64_t number = 1; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    if (const Status status = ParseOperation(line, *request.add_operations()); !status.ok()) {
      return WithContext(status, fmt::format("{}:{}", name, number));
    }
  }
  return request;
}

}  // namespace alidade
