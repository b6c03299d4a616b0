// alidade collections list | create | describe | update | index | unindex | delete | alias
//   | aliases
#include <cstdio>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "client_commands.h"
#include "filter_message.h"
#include "schema_flags.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;

struct CollectionFlags {
  ConnectionOptions connection;
  std::string name;
  SchemaFlags schema;
  uint32_t dim = 0;
  std::string description;
  uint32_t ef = 0;
  uint32_t nprobe = 0;
  std::string target;
  bool remove = false;
  bool force = false;
  bool tenant = false;
  std::string key;
  std::string type;
  std::string analyzer;
  std::optional<double> k1;
  std::optional<double> b;
};

std::unique_ptr<v1::CollectionService::Stub> Stub(const ConnectionOptions& connection) {
  return v1::CollectionService::NewStub(Connect(connection));
}

void PrintCollection(const v1::Collection& collection) {
  std::printf("%-24s %10lu points", collection.name().c_str(), collection.point_count());
  for (const v1::VectorField& field : collection.vector_fields()) {
    std::printf("  %s: %u x %s, %s",
                field.name().c_str(),
                field.dimension(),
                MetricName(field.metric()).c_str(),
                IndexText(field.index()).c_str());
    if (field.storage_type() != v1::STORAGE_TYPE_FLOAT32) {
      std::printf(", %s", StorageTypeText(field.storage_type()).c_str());
    }
  }
  for (const v1::SparseVectorField& field : collection.sparse_fields()) {
    std::printf("  %s: sparse%s",
                field.name().c_str(),
                field.modifier() == v1::SPARSE_MODIFIER_IDF ? ", idf" : "");
  }
  for (const v1::MultiVectorField& field : collection.multi_vector_fields()) {
    std::printf("  %s: multi-vector, %u x %s",
                field.name().c_str(),
                field.dimension(),
                MetricName(field.metric()).c_str());
  }
  for (const v1::PayloadIndex& index : collection.payload_indexes()) {
    std::printf("  index %s: %s%s",
                index.key().c_str(),
                PayloadIndexTypeText(index.type()).c_str(),
                index.tenant() ? ", tenant" : "");
    if (!index.analyzer().language().empty()) {
      std::printf(" (%s)", index.analyzer().language().c_str());
    }
  }
  for (const std::string& alias : collection.aliases()) {
    std::printf("  alias %s", alias.c_str());
  }
  std::printf("\n");
}

int List(const CollectionFlags& flags) {
  v1::ListCollectionsRequest request;
  v1::ListCollectionsResponse response;
  do {
    grpc::ClientContext context;
    SetDeadline(context, flags.connection);
    const grpc::Status status =
        Stub(flags.connection)->ListCollections(&context, request, &response);
    if (!status.ok()) {
      return PrintError(status, flags.connection);
    }
    for (const v1::Collection& collection : response.collections()) {
      PrintCollection(collection);
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return 0;
}

int Create(const CollectionFlags& flags) {
  v1::CreateCollectionRequest request;
  request.mutable_collection()->set_name(flags.name);
  request.mutable_collection()->set_description(flags.description);
  FillSchema(flags.schema, flags.dim, *request.mutable_collection());
  v1::CreateCollectionResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status =
      Stub(flags.connection)->CreateCollection(&context, request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  PrintCollection(response.collection());
  return 0;
}

int Describe(const CollectionFlags& flags) {
  v1::GetCollectionRequest request;
  request.set_collection(flags.name);
  v1::GetCollectionResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status = Stub(flags.connection)->GetCollection(&context, request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  PrintJson(response.collection());
  return 0;
}

// Only the flags that were given change something.
int Update(const CollectionFlags& flags, const CLI::App& command) {
  v1::UpdateCollectionRequest request;
  v1::Collection& collection = *request.mutable_collection();
  collection.set_name(flags.name);
  if (command.count("--description") > 0) {
    collection.set_description(flags.description);
    request.mutable_update_mask()->add_paths("description");
  }
  if (command.count("--ef") > 0) {
    collection.mutable_search_defaults()->set_ef(flags.ef);
    request.mutable_update_mask()->add_paths("search_defaults.ef");
  }
  if (command.count("--nprobe") > 0) {
    collection.mutable_search_defaults()->set_nprobe(flags.nprobe);
    request.mutable_update_mask()->add_paths("search_defaults.nprobe");
  }
  if (command.count("--index") > 0) {
    v1::VectorField field = VectorFieldFor(flags.schema, 0);
    field.set_metric(v1::METRIC_UNSPECIFIED);
    field.set_storage_type(v1::STORAGE_TYPE_UNSPECIFIED);
    *collection.add_vector_fields() = field;
    request.mutable_update_mask()->add_paths("vector_fields");
  }
  v1::UpdateCollectionResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status =
      Stub(flags.connection)->UpdateCollection(&context, request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  PrintCollection(response.collection());
  return 0;
}

template <typename Request, typename Response>
int ChangeIndex(const CollectionFlags& flags,
                Request request,
                grpc::Status (v1::CollectionService::Stub::*call)(grpc::ClientContext*,
                                                                  const Request&,
                                                                  Response*)) {
  request.set_collection(flags.name);
  request.mutable_payload_index()->set_key(flags.key);
  request.mutable_payload_index()->set_type(PayloadIndexTypeFor(flags.type));
  Response response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status = (*Stub(flags.connection).*call)(&context, request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  PrintCollection(response.collection());
  return 0;
}

// Text indexes only.
Status SetTextOptions(const CollectionFlags& flags, v1::PayloadIndex& index) {
  if (!flags.analyzer.empty()) {
    ALIDADE_RETURN_IF_ERROR(ParseAnalyzer(flags.analyzer, *index.mutable_analyzer()));
  }
  if (flags.k1.has_value()) {
    index.mutable_bm25()->set_k1(*flags.k1);
  }
  if (flags.b.has_value()) {
    index.mutable_bm25()->set_b(*flags.b);
  }
  return OkStatus();
}

int Index(const CollectionFlags& flags) {
  v1::CreatePayloadIndexRequest request;
  if (const Status set = SetTextOptions(flags, *request.mutable_payload_index()); !set.ok()) {
    std::fprintf(stderr, "%s\n", MessageOf(set).c_str());
    return 64;
  }
  request.mutable_payload_index()->set_tenant(flags.tenant);
  request.set_allow_existing(flags.force);
  return ChangeIndex(flags, request, &v1::CollectionService::Stub::CreatePayloadIndex);
}

int Unindex(const CollectionFlags& flags) {
  v1::DeletePayloadIndexRequest request;
  request.set_allow_missing(flags.force);
  return ChangeIndex(flags, request, &v1::CollectionService::Stub::DeletePayloadIndex);
}

int Delete(const CollectionFlags& flags) {
  v1::DeleteCollectionRequest request;
  request.set_collection(flags.name);
  request.set_allow_missing(flags.force);
  v1::DeleteCollectionResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status =
      Stub(flags.connection)->DeleteCollection(&context, request, &response);
  if (!status.ok()) {
    return PrintError(status, flags.connection);
  }
  std::printf("%s is gone\n", flags.name.c_str());
  return 0;
}

int Alias(const CollectionFlags& flags) {
  v1::UpdateAliasesRequest request;
  v1::AliasAction& action = *request.add_actions();
  if (flags.remove) {
    action.set_remove(flags.name);
  } else {
    action.mutable_set()->set_name(flags.name);
    action.mutable_set()->set_collection(flags.target);
  }
  v1::UpdateAliasesResponse response;
  grpc::ClientContext context;
  SetDeadline(context, flags.connection);
  const grpc::Status status = Stub(flags.connection)->UpdateAliases(&context, request, &response);
  return status.ok() ? 0 : PrintError(status, flags.connection);
}

}  // namespace

void AddCollectionCommands(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<CollectionFlags>();
  CLI::App* collections =
      app.add_subcommand("collections", "Make, change, list and remove collections");
  collections->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*run)(const CollectionFlags&)) {
    CLI::App* command = collections->add_subcommand(name, help);
    AddConnectionFlags(*command, flags->connection);
    command->callback([flags, run, &exit_code] { exit_code = run(*flags); });
    return command;
  };
  add("list", "All collections", List);

  CLI::App* create =
      add("create", "Make an empty collection with one vector field, and others", Create);
  create->add_option("name", flags->name)->required();
  create->add_option("--dim", flags->dim, "Elements per vector (0: no vector field)")->required();
  create->add_option("--description", flags->description, "For humans");
  AddSchemaFlags(*create, flags->schema);
  AddPayloadIndexFlag(*create, flags->schema);
  AddFurtherFieldFlags(*create, flags->schema);

  add("describe", "One collection as JSON", Describe)->add_option("name", flags->name)->required();

  CLI::App* update =
      add("update",
          "Change description, defaults or index; indexes are built anew in the background",
          Describe);
  update->callback([flags, update, &exit_code] { exit_code = Update(*flags, *update); });
  update->add_option("name", flags->name)->required();
  update->add_option("--description", flags->description, "For humans");
  update->add_option("--ef", flags->ef, "HNSW candidates of queries that do not say");
  update->add_option("--nprobe", flags->nprobe, "IVF lists of queries that do not say");
  AddSchemaFlags(*update, flags->schema);

  const auto add_index = [&](CLI::App* command) {
    command->add_option("name", flags->name)->required();
    command->add_option("key", flags->key, "Payload key, a dotted path")->required();
    command->add_option("type", flags->type, "What values it holds")
        ->required()
        ->check(CLI::IsMember(PayloadIndexTypeNames()));
    return command;
  };
  CLI::App* index =
      add_index(add("index", "Make an index over the values of a payload key", Index));
  index->add_flag("--allow-existing", flags->force, "One that is there is no error");
  index->add_flag("--tenant",
                  flags->tenant,
                  "keyword, uuid, integer: points of one value are kept side by side");
  index->add_option("--analyzer",
                    flags->analyzer,
                    "text: how words are taken, e.g. 'english stop_words=default' (default: none)");
  index->add_option("--k1", flags->k1, "text: BM25's k1 (default: 1.2)");
  index->add_option("--b", flags->b, "text: BM25's b (default: 0.75)");
  add_index(add("unindex", "Remove an index over a payload key", Unindex))
      ->add_flag("--allow-missing", flags->force, "A missing one is no error");

  CLI::App* remove = add("delete", "Remove a collection with all its points", Delete);
  remove->add_option("name", flags->name)->required();
  remove->add_flag("--allow-missing", flags->force, "A missing collection is no error");

  CLI::App* alias = add("alias", "Point an alias at a collection, in one atomic step", Alias);
  alias->add_option("alias", flags->name)->required();
  CLI::Option* target = alias->add_option("collection", flags->target);
  CLI::Option* unset = alias->add_flag("--remove", flags->remove, "Remove the alias");
  target->excludes(unset);
}

}  // namespace alidade
