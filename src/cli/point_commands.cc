// alidade points get | delete | set-payload | overwrite-payload | delete-payload | count | list
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "client_commands.h"
#include "connection.h"
#include "filter_message.h"
#include "json_value.h"
#include "schema_flags.h"
#include "value_commands.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;

struct PointFlags {
  ConnectionOptions connection;
  std::string collection;
  std::vector<std::string> ids;
  std::vector<uint64_t> if_seqs;
  std::string filter;
  std::string payload;
  std::vector<std::string> keys;
  std::string order_by;
  std::string order_type;
  std::string start_from;
  uint64_t limit = 20;
  bool vectors = false;
};

std::unique_ptr<v1::PointService::Stub> Stub(const ConnectionOptions& connection) {
  return v1::PointService::NewStub(Connect(connection));
}

int Get(const PointFlags& flags) {
  v1::GetPointsRequest request;
  request.set_collection(flags.collection);
  for (const std::string& id : flags.ids) {
    *request.add_ids() = ParsePointId(id);
  }
  if (flags.vectors) {
    request.add_with_vectors("*");
  }
  v1::GetPointsResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status = Stub(flags.connection)->GetPoints(&context, request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  PrintJson(response);
  return response.points_size() == request.ids_size() ? 0 : 1;
}

// Fills in the points that a write is about; false (and a message) if they are not clear.
template <typename Request>
bool SetPoints(const PointFlags& flags, Request& request) {
  if (flags.ids.empty() == flags.filter.empty()) {
    std::fprintf(stderr, "give either ids or --filter\n");
    return false;
  }
  request.set_collection(flags.collection);
  for (const std::string& id : flags.ids) {
    *request.add_ids() = ParsePointId(id);
  }
  for (const uint64_t seq : flags.if_seqs) {
    request.add_if_seqs(seq);
  }
  return SetFilter(flags.filter, request);
}

int Delete(const PointFlags& flags) {
  v1::DeletePointsRequest request;
  if (!SetPoints(flags, request)) {
    return 64;
  }
  v1::DeletePointsResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status = Stub(flags.connection)->DeletePoints(&context, request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  std::printf("%lu points deleted, seq %lu\n", response.deleted_count(), response.receipt().seq());
  return 0;
}

// Fills in the payload; false (and a message) if it is no JSON object.
template <typename Request>
bool SetPayloadOf(const PointFlags& flags, Request& request) {
  const auto json = nlohmann::json::parse(flags.payload, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    std::fprintf(stderr, "--payload is no JSON object\n");
    return false;
  }
  const Status status = JsonToObject(json, *request.mutable_payload());
  if (!status.ok()) {
    std::fprintf(stderr, "--payload: %s\n", MessageOf(status).c_str());
  }
  return status.ok();
}

template <typename Request, typename Response>
int ChangePayloads(const PointFlags& flags,
                   const Request& request,
                   grpc::Status (v1::PointService::Stub::*call)(grpc::ClientContext*,
                                                                const Request&,
                                                                Response*)) {
  Response response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status = (*Stub(flags.connection).*call)(&context, request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  std::printf("%lu points updated, seq %lu\n", response.updated_count(), response.receipt().seq());
  return 0;
}

int SetPayload(const PointFlags& flags) {
  v1::SetPayloadRequest request;
  return SetPoints(flags, request) && SetPayloadOf(flags, request)
             ? ChangePayloads(flags, request, &v1::PointService::Stub::SetPayload)
             : 64;
}

int OverwritePayload(const PointFlags& flags) {
  v1::OverwritePayloadRequest request;
  return SetPoints(flags, request) && SetPayloadOf(flags, request)
             ? ChangePayloads(flags, request, &v1::PointService::Stub::OverwritePayload)
             : 64;
}

int DeletePayload(const PointFlags& flags) {
  v1::DeletePayloadKeysRequest request;
  request.mutable_keys()->Assign(flags.keys.begin(), flags.keys.end());
  return SetPoints(flags, request)
             ? ChangePayloads(flags, request, &v1::PointService::Stub::DeletePayloadKeys)
             : 64;
}

int Count(const PointFlags& flags) {
  v1::CountPointsRequest request;
  request.set_collection(flags.collection);
  if (!SetFilter(flags.filter, request)) {
    return 64;
  }
  v1::CountPointsResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status = Stub(flags.connection)->CountPoints(&context, request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  std::printf("%lu\n", response.count());
  return 0;
}

// --order-by KEY[:asc|:desc] and what belongs to it; false (and a message) if it is malformed.
bool SetOrder(const PointFlags& flags, v1::ListPointsRequest& request) {
  if (flags.order_by.empty()) {
    if (!flags.order_type.empty() || !flags.start_from.empty()) {
      std::fprintf(stderr, "--start-from and --order-type belong to --order-by\n");
      return false;
    }
    return true;
  }
  v1::OrderBy& order = *request.mutable_order_by();
  std::string key = flags.order_by;
  order.set_direction(v1::ORDER_DIRECTION_ASCENDING);
  for (const auto& [suffix, direction] : {std::pair(":asc", v1::ORDER_DIRECTION_ASCENDING),
                                          std::pair(":desc", v1::ORDER_DIRECTION_DESCENDING)}) {
    if (key.ends_with(suffix)) {
      key.resize(key.size() - std::string_view(suffix).size());
      order.set_direction(direction);
      break;
    }
  }
  order.set_key(key);
  if (!flags.order_type.empty()) {
    order.set_index_type(PayloadIndexTypeFor(flags.order_type));
  }
  if (flags.start_from.empty()) {
    return true;
  }
  // A string without its quotes will do.
  auto json = nlohmann::json::parse(flags.start_from, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    json = flags.start_from;
  }
  const Status status = JsonToValue(json, *order.mutable_start_from());
  if (!status.ok()) {
    std::fprintf(stderr, "--start-from: %s\n", MessageOf(status).c_str());
  }
  return status.ok();
}

int List(const PointFlags& flags) {
  v1::ListPointsRequest request;
  request.set_collection(flags.collection);
  if (!SetFilter(flags.filter, request) || !SetOrder(flags, request)) {
    return 64;
  }
  uint64_t left = flags.limit;
  while (left > 0) {
    request.set_page_size(static_cast<uint32_t>(std::min<uint64_t>(left, 1'000)));
    v1::ListPointsResponse response;
    grpc::ClientContext context;
    SetDeadline(context, flags.connection);
    const grpc::Status status = Stub(flags.connection)->ListPoints(&context, request, &response);
    if (!status.ok()) {
      return PrintError(status, flags.connection);
    }
    for (const v1::Point& point : response.points()) {
      std::printf(
          "%s  %s\n", FormatPointId(point.id()).c_str(), ObjectText(point.payload()).c_str());
    }
    left -= std::min(left, static_cast<uint64_t>(response.points_size()));
    if (response.next_page_token().empty()) {
      break;
    }
    request.set_page_token(response.next_page_token());
  }
  return 0;
}

}  // namespace

void AddPointCommands(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<PointFlags>();
  CLI::App* points = app.add_subcommand("points", "Look at, count, change and delete points");
  points->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*run)(const PointFlags&)) {
    CLI::App* command = points->add_subcommand(name, help);
    AddConnectionFlags(*command, flags->connection);
    command->add_option("collection", flags->collection, "Collection or alias")->required();
    command->callback([flags, run, &exit_code] { exit_code = run(*flags); });
    return command;
  };
  CLI::App* get = add("get", "Points by id, as JSON; exit code 1 if one is missing", Get);
  get->add_option("ids", flags->ids, "Ids (text:42 is the string \"42\")")->required();
  get->add_flag("--vectors", flags->vectors, "With their vectors");
  const auto add_write = [&](const char* name, const char* help, int (*run)(const PointFlags&)) {
    CLI::App* command = add(name, help, run);
    command->add_option("ids", flags->ids, "Ids (text:42 is the string \"42\")");
    command->add_option("--filter", flags->filter, "Instead of ids; as in `alidade search`");
    command->add_option("--if-seq",
                        flags->if_seqs,
                        "For each of the ids: the seq that it must have now (as `get` shows it)");
    return command;
  };
  add_write("delete", "Delete points by id or filter", Delete);
  add_write("set-payload", "Set keys of payloads, others stay", SetPayload)
      ->add_option("--payload", flags->payload, "JSON object")
      ->required();
  add_write("overwrite-payload", "Replace whole payloads; {} clears them", OverwritePayload)
      ->add_option("--payload", flags->payload, "JSON object")
      ->required();
  add_write("delete-payload", "Remove keys from payloads", DeletePayload)
      ->add_option("--keys", flags->keys, "Paths: keys joined by dots")
      ->required();
  add("count", "Count points exactly", Count)
      ->add_option("--filter", flags->filter, "As in `alidade search`");
  CLI::App* list = add("list", "List points by id, or by a payload key", List);
  list->add_option(
      "--order-by",
      flags->order_by,
      "KEY or KEY:desc: by a payload key that has an index; points without it are left out");
  list->add_option(
      "--start-from", flags->start_from, "The first value of that order, as JSON or plain");
  list->add_option("--order-type", flags->order_type, "Which index, if the key has several")
      ->check(CLI::IsMember(PayloadIndexTypeNames()));
  list->add_option("--filter", flags->filter, "As in `alidade search`");
  list->add_option("--limit", flags->limit, "Points at most")->capture_default_str();
  AddValueCommands(*points, exit_code);
}

}  // namespace alidade
