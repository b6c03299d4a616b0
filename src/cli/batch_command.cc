// alidade batch
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "batch_file.h"
#include "client_commands.h"
#include "connection.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;

struct BatchFlags {
  ConnectionOptions connection;
  std::string file;
  std::string request_id;
  bool buffered = false;
};

const char* Did(v1::WriteOperation::OperationCase operation) {
  switch (operation) {
    case v1::WriteOperation::kUpsertPoints:
      return "upserted";
    case v1::WriteOperation::kDeletePoints:
      return "deleted";
    default:
      return "updated";
  }
}

int Refuse(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 64;
}

// A line for each operation: what it did.
void Print(const v1::WriteBatchRequest& request, const v1::WriteBatchResponse& response) {
  for (int i = 0; i < response.results_size() && i < request.operations_size(); ++i) {
    const v1::WriteOperationResult& result = response.results(i);
    std::printf(
        "%d: %lu points %s", i, result.points_count(), Did(request.operations(i).operation_case()));
    if (result.skipped_count() > 0) {
      std::printf(", %lu left alone", result.skipped_count());
    }
    std::printf("\n");
  }
  std::printf("seq %lu%s\n",
              response.receipt().seq(),
              response.receipt().replayed() ? ", written before under this request id" : "");
}

int RunBatch(const BatchFlags& flags) {
  std::ifstream file;
  if (flags.file != "-") {
    file.open(flags.file);
    if (!file) {
      return Refuse(flags.file + " cannot be read");
    }
  }
  auto request = ReadBatch(flags.file == "-" ? std::cin : file, flags.file);
  if (!request.ok()) {
    return Refuse(MessageOf(request.status()));
  }
  request->set_request_id(flags.request_id);
  if (flags.buffered) {
    request->set_durability(v1::DURABILITY_BUFFERED);
  }
  v1::WriteBatchResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status = v1::PointService::NewStub(Connect(flags.connection))
                                  ->WriteBatch(&context, *request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  Print(*request, response);
  return 0;
}

}  // namespace

void AddBatchCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<BatchFlags>();
  CLI::App* command =
      app.add_subcommand("batch", "Do the writes of a file as one: all of them in order, or none");
  AddConnectionFlags(*command, flags->connection);
  command
      ->add_option("file",
                   flags->file,
                   "A JSON object in a line for each operation (- reads standard input), e.g. "
                   R"({"op": "set_payload", "collection": "docs", "filter": "year < 2000", )"
                   R"("payload": {"old": true}}; other ops: upsert, delete, overwrite_payload, )"
                   "delete_payload")
      ->required();
  command->add_option(
      "--request-id", flags->request_id, "Makes a repetition harmless: at most 128 bytes, unique");
  command->add_flag("--buffered", flags->buffered, "Answered before the bytes are synced");
  command->callback([flags, &exit_code] { exit_code = RunBatch(*flags); });
}

}  // namespace alidade
