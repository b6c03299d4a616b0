// A stand-in for the engine: the same class, linked instead of the real one, whose answers the test
// chooses.
#pragma once

#include <functional>
#include <memory>

#include "alidade/engine/engine.h"

namespace alidade {

// What the stand-in answers; an unset hook answers UNIMPLEMENTED. Reset by MakeFakeEngine.
struct FakeEngineHooks {
  std::function<StatusOr<CollectionInfo>(const CollectionConfig&)> create;
  std::function<StatusOr<CollectionInfo>(const std::string&)> get_collection;
  std::function<StatusOr<CollectionInfo>(const CollectionUpdate&)> update;
  std::function<StatusOr<CollectionInfo>(const PayloadIndexChange&)> change_payload_index;
  std::function<StatusOr<WriteReceipt>(const std::string&)> drop;
  std::function<StatusOr<WriteReceipt>(const std::vector<AliasAction>&)> update_aliases;
  std::function<StatusOr<WriteReceipt>(const UpsertRequest&)> upsert;
  std::function<StatusOr<WriteReceipt>(const DeleteRequest&)> remove;
  std::function<StatusOr<GetResponse>(const GetRequest&)> get;
  std::function<StatusOr<CountResponse>(const CountRequest&)> count;
  std::function<StatusOr<ListResponse>(const ListRequest&)> list;
  std::function<StatusOr<SearchResponse>(const SearchRequest&)> search;
  std::function<Status(const Deadline&, CollectionStats&)> wait_indexed;
  std::vector<CollectionInfo> collections;
  std::vector<AliasInfo> aliases;
  EngineStats stats;
};

FakeEngineHooks& Hooks();
std::unique_ptr<Engine> MakeFakeEngine(const Limits& limits = {});

}  // namespace alidade
