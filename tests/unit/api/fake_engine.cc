#include "fake_engine.h"

#include <utility>

#include "visible_calls.h"

namespace alidade {
namespace {

template <typename Hook, typename... Arguments>
auto Answer(const Hook& hook, Arguments&&... arguments)
    -> decltype(hook(std::forward<Arguments>(arguments)...)) {
  const VisibleOrder order;
  return hook ? hook(std::forward<Arguments>(arguments)...) : Unimplemented("no hook");
}

template <typename Answered>
Answered Copy(const Answered& prepared) {
  const VisibleOrder order;
  return prepared;
}

}  // namespace

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
  return Answer(Hooks().create, config);
}
StatusOr<CollectionInfo> Engine::GetCollection(const std::string& name) const {
  return Answer(Hooks().get_collection, name);
}
std::vector<CollectionInfo> Engine::ListCollections() const { return Copy(Hooks().collections); }
StatusOr<CollectionInfo> Engine::UpdateCollection(const CollectionUpdate& update) {
  return Answer(Hooks().update, update);
}
StatusOr<CollectionInfo> Engine::ChangePayloadIndex(const PayloadIndexChange& change) {
  return Answer(Hooks().change_payload_index, change);
}
StatusOr<WriteReceipt> Engine::DropCollection(const std::string& name) {
  return Answer(Hooks().drop, name);
}
StatusOr<WriteReceipt> Engine::UpdateAliases(const std::vector<AliasAction>& actions) {
  return Answer(Hooks().update_aliases, actions);
}
std::vector<AliasInfo> Engine::ListAliases() const { return Copy(Hooks().aliases); }
StatusOr<WriteReceipt> Engine::Upsert(const UpsertRequest& request) {
  return Answer(Hooks().upsert, request);
}
StatusOr<WriteReceipt> Engine::Delete(const DeleteRequest& request) {
  return Answer(Hooks().remove, request);
}
StatusOr<WriteReceipt> Engine::ChangePayload(const PayloadRequest&) {
  return Unimplemented("no hook");
}
StatusOr<WriteReceipt> Engine::WriteAll(const BatchRequest&) { return Unimplemented("no hook"); }
StatusOr<GetResponse> Engine::Get(const GetRequest& request) const {
  return Answer(Hooks().get, request);
}
StatusOr<CountResponse> Engine::Count(const CountRequest& request) const {
  return Answer(Hooks().count, request);
}
StatusOr<ListResponse> Engine::List(const ListRequest& request) const {
  return Answer(Hooks().list, request);
}
StatusOr<FacetResponse> Engine::Facet(const FacetRequest&) const { return FacetResponse(); }
StatusOr<BoundsResponse> Engine::Bounds(const BoundsRequest&) const { return BoundsResponse(); }
StatusOr<SearchResponse> Engine::Search(const SearchRequest& request) const {
  return Answer(Hooks().search, request);
}
Status Engine::Flush(const std::string&, const Deadline&) { return OkStatus(); }
Status Engine::WaitIndexed(const std::string&, const Deadline& deadline, CollectionStats& stats) {
  return Answer(Hooks().wait_indexed, deadline, stats);
}
StatusOr<CollectionStats> Engine::Stats(const std::string&) const {
  return Unimplemented("no hook");
}
EngineStats Engine::Stats() const { return Copy(Hooks().stats); }
void Engine::Stop() {}

}  // namespace alidade
