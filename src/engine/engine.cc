// Path: upsert 3/7 and search 3/8 (from src/api, to collection/*), restart 1/5
#include "alidade/engine/engine.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "alidade/collection/config_codec.h"
#include "alidade/common/bytes.h"
#include "alidade/common/failpoint.h"
#include "alidade/common/file.h"
#include "alidade/common/log.h"

#include "catalog_operations.h"
#include "engine_impl.h"

namespace alidade {
namespace {

constexpr std::chrono::milliseconds kWaitIndexedPeriod{20};

template <typename Integer>
Status ReadCounter(const Store& store, std::string_view name, Integer& value) {
  std::optional<std::string> stored;
  ALIDADE_RETURN_IF_ERROR(store.GetMeta(MetaKind::kServer, name, stored));
  if (stored.has_value()) {
    ByteReader in(*stored);
    value = in.Little<Integer>();
    if (!in.done()) {
      return DataLoss("the server record \"{}\" is malformed", name);
    }
  }
  return OkStatus();
}

}  // namespace

Engine::Impl::Call::Call(const Impl& impl) : impl_(impl) {
  MutexLock lock(impl.mutex);
  if (impl.stopping) {
    status_ = WithReason(Unavailable("the server is stopping"), "STOPPING");
    return;
  }
  ++impl.running_calls;
}

Engine::Impl::Call::~Call() {
  if (status_.ok()) {
    MutexLock lock(impl_.mutex);
    // Only the stop waits for calls; waking the background threads after each one costs more than a
    // search.
    if (--impl_.running_calls == 0 && impl_.stopping) {
      impl_.changed.NotifyAll();
    }
  }
}

CollectionContext Engine::Impl::ContextForCollections() {
  CollectionContext context;
  context.store = store.get();
  context.commits = commits.get();
  context.spare = &spare;
  context.resident_budget = resident_budget;
  context.limits = options.limits;
  context.segments_directory = SegmentsDirectory();
  context.build_threads = options.background_threads;
  context.seal_after_quiet_ms = options.seal_after_quiet_ms;
  return context;
}

Status Engine::Impl::Open() {
  const auto start = std::chrono::steady_clock::now();
  StoreOptions store_options;
  store_options.directory = options.data_directory;
  store_options.accept_loss_to = options.accept_loss_to;
  store_options.block_cache_bytes = options.block_cache_bytes;
  store_options.write_buffer_bytes = options.write_buffer_bytes;
  ALIDADE_ASSIGN_OR_RETURN(store, Store::Open(store_options));
  ALIDADE_FAILPOINT("start.store_opened");
  ALIDADE_RETURN_IF_ERROR(MakeDirectories(SegmentsDirectory()));
  uint64_t last = 0;
  ALIDADE_RETURN_IF_ERROR(ReadCounter(*store, kAppliedSeqName, last));
  ALIDADE_RETURN_IF_ERROR(ReadCounter(*store, "next_collection", next_collection));
  ALIDADE_RETURN_IF_ERROR(ledger.Load(*store));
  commits = std::make_unique<CommitGroup>(*store, ledger, options.limits, SeqNo(last));
  ALIDADE_RETURN_IF_ERROR(LoadCatalog());
  ALIDADE_FAILPOINT("start.recovered");
  // Recovered writes may have been read back from the page cache only; acknowledge none before they
  // are on disk.
  ALIDADE_RETURN_IF_ERROR(store->Sync());
  start_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ALIDADE_LOG_INFO("data directory {} open at seq {}, {} collections, {:.3f} s",
                   options.data_directory,
                   last,
                   catalog.Get()->collections.size(),
                   start_seconds);
  return OkStatus();
}

Status Engine::Impl::LoadCatalog() {
  auto next = std::make_shared<Catalog>();
  ALIDADE_RETURN_IF_ERROR(store->ScanMeta(
      MetaKind::kCollection, "", [&](std::string_view name, std::string_view value) -> Status {
        const CollectionId id(ByteReader(name).Big<uint32_t>());
        ALIDADE_ASSIGN_OR_RETURN(const CollectionConfig config, DecodeConfig(value));
        auto collection = std::make_shared<Collection>(ContextForCollections(), id, config);
        if (Status status = collection->Recover(); !status.ok()) {
          return WithContext(status, fmt::format("collection \"{}\"", config.name));
        }
        next->collections[config.name] = std::move(collection);
        return OkStatus();
      }));
  ALIDADE_RETURN_IF_ERROR(store->ScanMeta(
      MetaKind::kAlias, "", [&](std::string_view name, std::string_view value) -> Status {
        next->aliases[std::string(name)] = std::string(value);
        return OkStatus();
      }));
  catalog.Set(std::move(next));
  std::vector<CollectionId> unfinished;
  ALIDADE_RETURN_IF_ERROR(store->ScanMeta(
      MetaKind::kDropped, "", [&unfinished](std::string_view name, std::string_view) -> Status {
        unfinished.push_back(CollectionId(ByteReader(name).Big<uint32_t>()));
        return OkStatus();
      }));
  MutexLock lock(mutex);
  dropped = std::move(unfinished);
  return OkStatus();
}

void Engine::Impl::Stop() {
  {
    MutexLock lock(mutex);
    if (stopped) {
      return;
    }
    stopping = true;
    changed.NotifyAll();
    while (running_calls > 0) {
      changed.Wait(mutex);
    }
    stopped = true;
  }
  const auto names = catalog.Get();
  for (const auto& [name, collection] : names->collections) {
    collection->StopMaintenance();
  }
  for (std::thread& thread : background) {
    thread.join();
  }
  if (commits != nullptr) {
    commits->SyncNow();
    if (const Status status = store->RaiseWatermark(commits->durable(), /*now=*/true);
        !status.ok()) {
      ALIDADE_LOG_WARN("the watermark could not be raised: {}", MessageOf(status));
    }
  }
  catalog.Set(std::make_shared<Catalog>());
  commits.reset();
  store.reset();
}

StatusOr<std::shared_ptr<Collection>> Engine::Impl::Find(const std::string& name) const {
  const auto names = catalog.Get();
  auto collection = names->Find(name);
  if (collection == nullptr) {
    return NoSuchCollection(*names, name);
  }
  return collection;
}

CollectionInfo Engine::Impl::Describe(const Collection& collection, const Catalog& names) const {
  CollectionInfo info;
  info.id = collection.id();
  info.config = *collection.config();
  const auto view = collection.view();
  info.points = view->live_rows;
  info.seq = view->at;
  for (const auto& [alias, name] : names.aliases) {
    if (name == info.config.name) {
      info.aliases.push_back(alias);
    }
  }
  return info;
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() { Stop(); }

StatusOr<std::unique_ptr<Engine>> Engine::Open(const EngineOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  ALIDADE_RETURN_IF_ERROR(impl->Open());
  impl->StartBackground();
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

void Engine::Stop() { impl_->Stop(); }

const EngineOptions& Engine::options() const { return impl_->options; }

StatusOr<CollectionInfo> Engine::CreateCollection(const CollectionConfig& config) {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_RETURN_IF_ERROR(ValidateConfig(config, impl_->options.limits));
  CreateOperation operation(*impl_, config);
  ALIDADE_ASSIGN_OR_RETURN(const WriteReceipt receipt, impl_->commits->Submit(operation));
  CollectionInfo info = impl_->Describe(*operation.made(), *impl_->catalog.Get());
  info.seq = receipt.seq;
  return info;
}

StatusOr<CollectionInfo> Engine::GetCollection(const std::string& name) const {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto collection, impl_->Find(name));
  return impl_->Describe(*collection, *impl_->catalog.Get());
}

std::vector<CollectionInfo> Engine::ListCollections() const {
  std::vector<CollectionInfo> infos;
  const auto names = impl_->catalog.Get();
  for (const auto& [name, collection] : names->collections) {
    infos.push_back(impl_->Describe(*collection, *names));
  }
  return infos;
}

StatusOr<CollectionInfo> Engine::UpdateCollection(const CollectionUpdate& update) {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto collection, impl_->Find(update.name));
  ALIDADE_RETURN_IF_ERROR(
      collection->UpdateConfig(update, [this](const CollectionConfig& config) -> Status {
        return ValidateConfig(config, impl_->options.limits);
      }));
  return impl_->Describe(*collection, *impl_->catalog.Get());
}

StatusOr<CollectionInfo> Engine::ChangePayloadIndex(const PayloadIndexChange& change) {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto collection, impl_->Find(change.collection));
  ALIDADE_RETURN_IF_ERROR(collection->ChangePayloadIndex(change));
  impl_->changed.NotifyAll();
  return impl_->Describe(*collection, *impl_->catalog.Get());
}

StatusOr<WriteReceipt> Engine::DropCollection(const std::string& name) {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  DropOperation operation(*impl_, name);
  return impl_->commits->Submit(operation);
}

StatusOr<WriteReceipt> Engine::UpdateAliases(const std::vector<AliasAction>& actions) {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  for (size_t i = 0; i < actions.size(); ++i) {
    ALIDADE_RETURN_IF_ERROR(ValidateName(actions[i].alias, fmt::format("actions[{}].alias", i)));
  }
  AliasesOperation operation(*impl_, actions);
  return impl_->commits->Submit(operation);
}

std::vector<AliasInfo> Engine::ListAliases() const {
  std::vector<AliasInfo> infos;
  const auto names = impl_->catalog.Get();
  for (const auto& [alias, name] : names->aliases) {
    infos.push_back({alias, name});
  }
  return infos;
}

StatusOr<WriteReceipt> Engine::Upsert(const UpsertRequest& request) {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto collection, impl_->Find(request.collection));
  return collection->Upsert(request);
}

StatusOr<WriteReceipt> Engine::Delete(const DeleteRequest& request) {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto collection, impl_->Find(request.collection));
  return collection->Delete(request);
}

StatusOr<WriteReceipt> Engine::ChangePayload(const PayloadRequest& request) {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto collection, impl_->Find(request.collection));
  return collection->ChangePayload(request);
}

StatusOr<WriteReceipt> Engine::WriteAll(const BatchRequest& request) {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  std::vector<std::shared_ptr<Collection>> targets;
  targets.reserve(request.parts.size());
  for (const WritePart& part : request.parts) {
    const std::string& name =
        std::visit([](const auto& x) -> const std::string& { return x.collection; }, part);
    auto found = impl_->Find(name);
    if (!found.ok()) {
      return WithContext(found.status(), fmt::format("operations[{}]", targets.size()));
    }
    targets.push_back(std::move(found).value());
  }
  return Collection::WriteAll(*impl_->commits, targets, request);
}

StatusOr<GetResponse> Engine::Get(const GetRequest& request) const {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto collection, impl_->Find(request.collection));
  return collection->Get(request);
}

StatusOr<CountResponse> Engine::Count(const CountRequest& request) const {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto collection, impl_->Find(request.collection));
  return collection->Count(request);
}

StatusOr<ListResponse> Engine::List(const ListRequest& request) const {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto collection, impl_->Find(request.collection));
  return collection->List(request);
}

StatusOr<FacetResponse> Engine::Facet(const FacetRequest& request) const {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto collection, impl_->Find(request.collection));
  return collection->Facet(request);
}

StatusOr<BoundsResponse> Engine::Bounds(const BoundsRequest& request) const {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto collection, impl_->Find(request.collection));
  return collection->Bounds(request);
}

StatusOr<SearchResponse> Engine::Search(const SearchRequest& request) const {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto collection, impl_->Find(request.collection));
  return collection->Search(request);
}

Status Engine::Flush(const std::string& collection, const Deadline& deadline) {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  std::vector<std::shared_ptr<Collection>> targets;
  if (collection.empty()) {
    const auto names = impl_->catalog.Get();
    for (const auto& [name, each] : names->collections) {
      targets.push_back(each);
    }
  } else {
    ALIDADE_ASSIGN_OR_RETURN(auto found, impl_->Find(collection));
    targets.push_back(std::move(found));
  }
  for (const auto& target : targets) {
    ALIDADE_RETURN_IF_ERROR(target->FreezeDelta());
  }
  impl_->changed.NotifyAll();
  for (const auto& target : targets) {
    // Sealed means: every row that was there at the freeze has left memory.
    while (target->HasFrozenDelta()) {
      if (target->dropped()) {
        if (collection.empty()) {
          break;
        }
        return NoSuchCollection(*impl_->catalog.Get(), collection);
      }
      ALIDADE_RETURN_IF_ERROR(deadline.Check());
      MutexLock lock(impl_->mutex);
      if (impl_->stopping) {
        return Unavailable("the server is stopping");
      }
      impl_->changed.WaitUntil(impl_->mutex, Deadline::Clock::now() + kWaitIndexedPeriod);
    }
  }
  return impl_->store->Flush();
}

Status Engine::WaitIndexed(const std::string& collection,
                           const Deadline& deadline,
                           CollectionStats& stats) {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto target, impl_->Find(collection));
  ALIDADE_RETURN_IF_ERROR(target->FreezeDelta());
  while (true) {
    stats = target->Stats();
    if (stats.pending_rows == 0) {
      return OkStatus();
    }
    if (target->dropped()) {
      return NoSuchCollection(*impl_->catalog.Get(), collection);
    }
    if (Status status = deadline.Check(); !status.ok()) {
      return WithContext(status, fmt::format("{} rows still pending", stats.pending_rows));
    }
    MutexLock lock(impl_->mutex);
    if (impl_->stopping) {
      return Unavailable("the server is stopping");
    }
    impl_->changed.WaitUntil(impl_->mutex, Deadline::Clock::now() + kWaitIndexedPeriod);
  }
}

StatusOr<CollectionStats> Engine::Stats(const std::string& collection) const {
  const Impl::Call call(*impl_);
  ALIDADE_RETURN_IF_ERROR(call.status());
  ALIDADE_ASSIGN_OR_RETURN(const auto found, impl_->Find(collection));
  return found->Stats();
}

EngineStats Engine::Stats() const {
  EngineStats stats;
  const Impl::Call call(*impl_);
  if (!call.status().ok()) {
    return stats;
  }
  const auto names = impl_->catalog.Get();
  for (const auto& [name, collection] : names->collections) {
    stats.collections.push_back(collection->Stats());
  }
  stats.seq = impl_->commits->visible();
  stats.durable_seq = impl_->commits->durable();
  stats.sync_seconds = impl_->store->sync_seconds().Read();
  stats.commit_groups = impl_->commits->groups();
  stats.commit_operations = impl_->commits->operations();
  stats.wal_bytes = impl_->store->WalBytes();
  stats.store_disk_bytes = impl_->store->DiskBytes();
  stats.store_memory_bytes = impl_->store->MemoryBytes();
  stats.resident_bytes_used = impl_->resident_budget->taken();
  stats.resident_bytes_max = impl_->resident_budget->bytes_max();
  stats.disk_free_bytes = FreeBytes(impl_->options.data_directory).value_or(0);
  stats.disk_full = impl_->commits->disk_full();
  stats.start_seconds = impl_->start_seconds;
  return stats;
}

}  // namespace alidade
