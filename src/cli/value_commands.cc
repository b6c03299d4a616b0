#include "value_commands.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "connection.h"
#include "filter_message.h"
#include "json_value.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;

struct ValueFlags {
  ConnectionOptions connection;
  std::string collection;
  std::string key;
  std::string filter;
  std::string contains;
  bool by_value = false;
  uint64_t limit = 20;
};

// One line for each value: the points that have it, the value as JSON.
int Facet(const ValueFlags& flags) {
  v1::FacetPointsRequest request;
  request.set_collection(flags.collection);
  request.set_key(flags.key);
  request.set_contains(flags.contains);
  request.set_order(flags.by_value ? v1::FACET_ORDER_VALUE : v1::FACET_ORDER_COUNT);
  if (!SetFilter(flags.filter, request)) {
    return 64;
  }
  const auto stub = v1::PointService::NewStub(Connect(flags.connection));
  uint64_t left = flags.limit;
  uint64_t values = 0;
  while (left > 0) {
    request.set_page_size(static_cast<uint32_t>(std::min<uint64_t>(left, 1'000)));
    v1::FacetPointsResponse response;
    grpc::ClientContext context;
    SetDeadline(context, flags.connection);
    const grpc::Status status = stub->FacetPoints(&context, request, &response);
    if (!status.ok()) {
      return PrintError(status, flags.connection);
    }
    for (const v1::FacetValue& value : response.values()) {
      std::printf("%10lu  %s\n", value.points_count(), ValueText(value.value()).c_str());
    }
    values = response.values_count();
    left -= std::min(left, static_cast<uint64_t>(response.values_size()));
    if (response.next_page_token().empty()) {
      return 0;
    }
    request.set_page_token(response.next_page_token());
  }
  std::printf("%10s  of %lu values (--limit)\n", "...", values);
  return 0;
}

int Bounds(const ValueFlags& flags) {
  v1::GetPayloadBoundsRequest request;
  request.set_collection(flags.collection);
  request.set_key(flags.key);
  if (!SetFilter(flags.filter, request)) {
    return 64;
  }
  v1::GetPayloadBoundsResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status = v1::PointService::NewStub(Connect(flags.connection))
                                  ->GetPayloadBounds(&context, request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  const auto print = [](const char* kind, bool present, const v1::PayloadBounds& bounds) {
    if (present) {
      std::printf("%-10s %s .. %s\n",
                  kind,
                  ValueText(bounds.minimum()).c_str(),
                  ValueText(bounds.maximum()).c_str());
    }
  };
  print("numbers", response.has_numbers(), response.numbers());
  print("strings", response.has_strings(), response.strings());
  print("datetimes", response.has_datetimes(), response.datetimes());
  if (!response.has_numbers() && !response.has_strings()) {
    std::printf("no numbers and no strings\n");
  }
  return 0;
}

}  // namespace

void AddValueCommands(CLI::App& points, int& exit_code) {
  auto flags = std::make_shared<ValueFlags>();
  const auto add = [&](const char* name, const char* help, int (*run)(const ValueFlags&)) {
    CLI::App* command = points.add_subcommand(name, help);
    AddConnectionFlags(*command, flags->connection);
    command->add_option("collection", flags->collection, "Collection or alias")->required();
    command->add_option("key", flags->key, "Path: keys joined by dots")->required();
    command->add_option("--filter", flags->filter, "As in `alidade search`");
    command->callback([flags, run, &exit_code] { exit_code = run(*flags); });
    return command;
  };
  CLI::App* facet = add(
      "facet", "Distinct values of a payload key with exact counts, most frequent first", Facet);
  facet->add_option("--contains", flags->contains, "Only strings that contain it, in any case");
  facet->add_flag("--by-value", flags->by_value, "In the order of the values");
  facet->add_option("--limit", flags->limit, "Values at most")->capture_default_str();
  add("bounds", "Smallest and largest number, string and datetime of a payload key", Bounds);
}

}  // namespace alidade
