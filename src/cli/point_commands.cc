// alidade points get | delete | count | list
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "client_commands.h"
#include "connection.h"
#include "filter_message.h"
#include "json_value.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;

struct PointFlags {
  ConnectionOptions connection;
  std::string collection;
  std::vector<std::string> ids;
  std::string filter;
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

int Delete(const PointFlags& flags) {
  v1::DeletePointsRequest request;
  request.set_collection(flags.collection);
  for (const std::string& id : flags.ids) {
    *request.add_ids() = ParsePointId(id);
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

// Fills in the filter; false (and a message) if it is malformed.
template <typename Request>
bool SetFilter(const PointFlags& flags, Request& request) {
  if (flags.filter.empty()) {
    return true;
  }
  const Status status = ParseFilter(flags.filter, *request.mutable_filter());
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", MessageOf(status).c_str());
  }
  return status.ok();
}

int Count(const PointFlags& flags) {
  v1::CountPointsRequest request;
  request.set_collection(flags.collection);
  if (!SetFilter(flags, request)) {
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

int List(const PointFlags& flags) {
  v1::ListPointsRequest request;
  request.set_collection(flags.collection);
  if (!SetFilter(flags, request)) {
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
  CLI::App* points = app.add_subcommand("points", "Look at, count and delete points");
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
  add("delete", "Delete points by id", Delete)->add_option("ids", flags->ids, "Ids")->required();
  add("count", "Count points exactly", Count)
      ->add_option("--filter", flags->filter, "As in `alidade search`");
  CLI::App* list = add("list", "List points by id", List);
  list->add_option("--filter", flags->filter, "As in `alidade search`");
  list->add_option("--limit", flags->limit, "Points at most")->capture_default_str();
}

}  // namespace alidade
