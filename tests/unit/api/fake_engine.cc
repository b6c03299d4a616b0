#include "fake_engine.h"

namespace alidade {

struct Engine::Impl {
  EngineOptions options;
};

FakeEngineHooks& Hooks() {
  static FakeEngineHooks hooks;
  return hooks;
}

std::unique_ptr<Engine> MakeFakeEngine(const Limits& limits) {
  Hooks() = FakeEngineHooks();
  EngineOptions options;
  options.limits = limits;
  return std::move(Engine::Open(options)).value();
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

StatusOr<std::unique_ptr<Engine>> Engine::Open(const EngineOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

const EngineOptions& Engine::options() const { return impl_->options; }

StatusOr<CollectionInfo> Engine::CreateCollection(const CollectionConfig& config) {
  return Hooks().create ? Hooks().create(config) : Unimplemented("no hook");
}
StatusOr<CollectionInfo> Engine::GetCollection(const std::string& name) const {
  return Hooks().get_collection ? Hooks().get_collection(name) : Unimplemented("no hook");
}
std::vector<CollectionInfo> Engine::ListCollections() const { return Hooks().collections; }
StatusOr<CollectionInfo> Engine::UpdateCollection(const CollectionUpdate& update) {
  return Hooks().update ? Hooks().update(update) : Unimplemented("no hook");
}
StatusOr<WriteReceipt> Engine::DropCollection(const std::string& name) {
  return Hooks().drop ? Hooks().drop(name) : Unimplemented("no hook");
}
StatusOr<WriteReceipt> Engine::UpdateAliases(const std::vector<AliasAction>& actions) {
  return Hooks().update_aliases ? Hooks().update_aliases(actions) : Unimplemented("no hook");
}
std::vector<AliasInfo> Engine::ListAliases() const { return Hooks().aliases; }
StatusOr<WriteReceipt> Engine::Upsert(const UpsertRequest& request) {
  return Hooks().upsert ? Hooks().upsert(request) : Unimplemented("no hook");
}
StatusOr<WriteReceipt> Engine::Delete(const DeleteRequest& request) {
  return Hooks().remove ? Hooks().remove(request) : Unimplemented("no hook");
}
StatusOr<GetResponse> Engine::Get(const GetRequest& request) const {
  return Hooks().get ? Hooks().get(request) : Unimplemented("no hook");
}
StatusOr<CountResponse> Engine::Count(const CountRequest& request) const {
  return Hooks().count ? Hooks().count(request) : Unimplemented("no hook");
}
StatusOr<ListResponse> Engine::List(const ListRequest& request) const {
  return Hooks().list ? Hooks().list(request) : Unimplemented("no hook");
}
StatusOr<SearchResponse> Engine::Search(const SearchRequest& request) const {
  return Hooks().search ? Hooks().search(request) : Unimplemented("no hook");
}
Status Engine::Flush(const std::string&, const Deadline&) { return OkStatus(); }
Status Engine::WaitIndexed(const std::string&, const Deadline& deadline, CollectionStats& stats) {
  return Hooks().wait_indexed ? Hooks().wait_indexed(deadline, stats) : Unimplemented("no hook");
}
StatusOr<CollectionStats> Engine::Stats(const std::string&) const {
  return Unimplemented("no hook");
}
EngineStats Engine::Stats() const { return Hooks().stats; }
void Engine::Stop() {}

}  // namespace alidade
