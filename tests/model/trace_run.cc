#include "model/trace_run.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "alidade/engine/engine.h"

#include "model/answer_checks.h"
#include "support/scratch_directory.h"

namespace alidade {
namespace {

constexpr uint32_t kRequestIdsMax = 6;
constexpr std::chrono::seconds kPatience{60};

class TraceRun {
 public:
  explicit TraceRun(Mistake mistake) : model_(mistake) {}

  Status Start() {
    ALIDADE_RETURN_IF_ERROR(OpenEngine());
    for (ModelCollection& collection : model_.collections) {
      ALIDADE_ASSIGN_OR_RETURN(const CollectionInfo info,
                               engine_->CreateCollection(collection.config));
      model_.seq = collection.seq = info.seq;
    }
    return OkStatus();
  }
  Status Do(const Operation& operation);
  // Everything that is there, at the end of a history.
  Status CompareAll();
  void Stop() { engine_.reset(); }

  TraceResult result;

 private:
  Status OpenEngine();
  // By name, or by an alias where there is one.
  std::string NameFor(const Operation& operation) const;
  ModelCollection& Target(const Operation& operation) {
    return model_.collections[operation.collection];
  }

  Status CheckReceipt(const WriteReceipt& receipt, uint64_t points);
  Status Upsert(const Operation& operation, const std::string& request_id);
  Status Delete(const Operation& operation);
  Status Retry(const Operation& operation);
  Status ChangePayload(const Operation& operation);
  Status DeleteByFilter(const Operation& operation);
  Status UpsertConditionally(const Operation& operation);
  Status Batch(const Operation& operation);
  Status CheckRefused(const Status& status);
  Status Read(const Operation& operation);
  Status Settle(const Operation& operation, bool wait_indexed);
  Status UpdateConfig(const Operation& operation);
  Status ChangeAlias(const Operation& operation);
  Status Recreate(const Operation& operation);
  Status Reopen(const Operation& operation, bool damage);
  void DamageOneFile(uint64_t seed);
  Status LookAround(const Operation& operation);

  const ScratchDirectory scratch_;
  std::unique_ptr<Engine> engine_;
  PlainModel model_;
};

Status TraceRun::OpenEngine() {
  engine_.reset();
  EngineOptions options;
  options.data_directory = scratch_.Path("data");
  options.background_threads = 1;
  options.background_nice = options.build_nice = 0;
  options.seal_after_quiet_ms = 30;
  options.block_cache_bytes = options.write_buffer_bytes = size_t{1} << 20;
  options.limits.disk_free_bytes_min = 0;
  options.limits.delta_rows_max = 64;
  options.limits.request_ids_max = kRequestIdsMax;
  ALIDADE_ASSIGN_OR_RETURN(engine_, Engine::Open(options));
  return OkStatus();
}

std::string TraceRun::NameFor(const Operation& operation) const {
  const std::string& name = model_.collections[operation.collection].config.name;
  for (const auto& [alias, target] : model_.aliases) {
    if (target == name && operation.seed % 2 == 0) {
      return alias;
    }
  }
  return name;
}

Status TraceRun::CheckReceipt(const WriteReceipt& receipt, uint64_t points) {
  if (receipt.replayed || receipt.seq != model_.seq.Next() || receipt.points != points) {
    return Differs("receipt: seq {}, points {}, replayed {}; wanted seq {}, points {}",
                   receipt.seq,
                   receipt.points,
                   receipt.replayed,
                   model_.seq.Next(),
                   points);
  }
  model_.seq = receipt.seq;
  return OkStatus();
}

UpsertRequest RequestOf(const Operation& operation,
                        const std::string& name,
                        const std::string& request_id) {
  UpsertRequest request = MakeUpsert(PointsOf(operation), name);
  request.options.request_id = request_id;
  request.options.durability =
      operation.seed % 5 == 0 ? Durability::kDurable : Durability::kBuffered;
  return request;
}

Status TraceRun::Upsert(const Operation& operation, const std::string& request_id) {
  ALIDADE_ASSIGN_OR_RETURN(const WriteReceipt receipt,
                           engine_->Upsert(RequestOf(operation, NameFor(operation), request_id)));
  ModelCollection& target = Target(operation);
  const uint64_t points = target.Upsert(PointsOf(operation), receipt.seq);
  ALIDADE_RETURN_IF_ERROR(CheckReceipt(receipt, points));
  if (!request_id.empty()) {
    model_.requests.push_back({request_id, operation, target.generation, receipt.seq, points});
    if (model_.requests.size() > kRequestIdsMax) {
      model_.requests.pop_front();
    }
  }
  return OkStatus();
}

Status TraceRun::Delete(const Operation& operation) {
  const std::vector<PointId> ids = IdsOf(operation);
  DeleteRequest request = MakeDelete(ids, NameFor(operation));
  request.options.durability = Durability::kBuffered;
  ALIDADE_ASSIGN_OR_RETURN(const WriteReceipt receipt, engine_->Delete(request));
  Target(operation).seq = receipt.seq;
  return CheckReceipt(receipt, Target(operation).Delete(ids));
}

Status TraceRun::ChangePayload(const Operation& operation) {
  PayloadRequest request = ChangeOf(operation);
  request.collection = NameFor(operation);
  request.options.durability = Durability::kBuffered;
  ALIDADE_ASSIGN_OR_RETURN(const WriteReceipt receipt, engine_->ChangePayload(request));
  result.payloads_changed += receipt.points;
  return CheckReceipt(receipt, Target(operation).ChangePayload(request, receipt.seq));
}

Status TraceRun::DeleteByFilter(const Operation& operation) {
  DeleteRequest request;
  request.collection = NameFor(operation);
  request.options.durability = Durability::kBuffered;
  request.points.filter = NarrowFilterOf(operation);
  ALIDADE_ASSIGN_OR_RETURN(const WriteReceipt receipt, engine_->Delete(request));
  Target(operation).seq = receipt.seq;
  return CheckReceipt(receipt, Target(operation).Delete(request.points));
}

// A write that must not be done; that nothing is changed is seen by everything that follows.
Status TraceRun::CheckRefused(const Status& status) {
  ++result.refused;
  return ReasonOf(status) == "SEQ_MISMATCH"
             ? OkStatus()
             : Differs("a write with a wrong seq was answered {}", status.ToString());
}

Status TraceRun::UpsertConditionally(const Operation& operation) {
  ModelCollection& target = Target(operation);
  std::vector<OwnedPoint> points;
  std::set<std::string> distinct;
  for (OwnedPoint& point : PointsOf(operation)) {
    if (distinct.insert(point.id.Encode()).second) {
      points.push_back(std::move(point));
    }
  }
  UpsertRequest request = MakeUpsert(points, NameFor(operation));
  request.options.durability = Durability::kBuffered;
  const bool expect_seqs = operation.seed % 3 == 0;
  if (expect_seqs) {
    for (const OwnedPoint& point : points) {
      const ModelPoint* held = target.Find(point.id);
      request.if_seqs.push_back(held == nullptr ? SeqNo(0) : held->seq);
    }
    if (operation.seed % 2 == 0) {
      SeqNo& wrong = request.if_seqs[operation.seed % request.if_seqs.size()];
      wrong = wrong.Next();
      return CheckRefused(engine_->Upsert(request).status());
    }
  } else {
    request.mode = operation.seed % 3 == 1 ? UpsertMode::kInsertOnly : UpsertMode::kUpdateOnly;
    std::erase_if(points, [&](const OwnedPoint& point) {
      return (target.Find(point.id) != nullptr) == (request.mode == UpsertMode::kInsertOnly);
    });
  }
  ALIDADE_ASSIGN_OR_RETURN(const WriteReceipt receipt, engine_->Upsert(request));
  if (receipt.skipped != request.points.size() - points.size()) {
    return Differs("{} points skipped of {}", receipt.skipped, request.points.size());
  }
  return CheckReceipt(receipt, target.Upsert(points, receipt.seq));
}

Status TraceRun::Batch(const Operation& operation) {
  Operation elsewhere = operation;
  elsewhere.collection = 1 - operation.collection;
  Operation change = operation;
  change.seed += 1;
  BatchRequest batch;
  batch.options.durability = Durability::kBuffered;
  batch.parts.emplace_back(MakeUpsert(PointsOf(operation), NameFor(operation)));
  PayloadRequest changed = ChangeOf(change);
  changed.collection = NameFor(operation);
  batch.parts.emplace_back(changed);
  batch.parts.emplace_back(MakeUpsert(PointsOf(elsewhere), NameFor(elsewhere)));
  Operation few = operation;
  few.rows = 1 + operation.rows / 3;
  DeleteRequest gone = MakeDelete(IdsOf(few), NameFor(operation));
  if (operation.seed % 4 == 1) {
    gone.points.if_seqs.assign(gone.points.ids.size(), SeqNo(~uint64_t{0}));
  }
  batch.parts.emplace_back(gone);
  const auto receipt = engine_->WriteAll(batch);
  if (!gone.points.if_seqs.empty()) {
    return CheckRefused(receipt.status());
  }
  ALIDADE_RETURN_IF_ERROR(receipt.status());
  ModelCollection& target = Target(operation);
  const std::vector<WriteCounts> wanted = {
      {target.Upsert(PointsOf(operation), receipt->seq), 0},
      {target.ChangePayload(changed, receipt->seq), 0},
      {Target(elsewhere).Upsert(PointsOf(elsewhere), receipt->seq), 0},
      {target.Delete(gone.points), 0}};
  uint64_t points = 0;
  for (const WriteCounts& part : wanted) {
    points += part.points;
  }
  if (receipt->parts != wanted) {
    return Differs("the parts of a batch are counted otherwise");
  }
  return CheckReceipt(*receipt, points);
}

Status TraceRun::Retry(const Operation& operation) {
  if (model_.requests.empty()) {
    return OkStatus();
  }
  const ModelRequest& first = model_.requests[operation.seed % model_.requests.size()];
  Operation again = first.operation;
  const bool changed = operation.rows % 4 == 0;
  if (changed) {
    ++again.seed;
  }
  ++result.replays;
  const std::string& name = Target(again).config.name;
  const auto receipt = engine_->Upsert(RequestOf(again, name, first.id));
  if (changed || first.generation != Target(again).generation) {
    // Other content, or another collection of the same name.
    return ReasonOf(receipt.status()) == "REQUEST_ID_REUSED"
               ? OkStatus()
               : Differs(
                     "request id {} was accepted again: {}", first.id, receipt.status().ToString());
  }
  ALIDADE_RETURN_IF_ERROR(receipt.status());
  if (!receipt->replayed || receipt->seq != first.seq || receipt->points != first.points) {
    return Differs("retry of {} gave seq {}, wanted {}", first.id, receipt->seq, first.seq);
  }
  return OkStatus();
}

Status TraceRun::Read(const Operation& operation) {
  const std::string name = NameFor(operation);
  const ReadContext read{*engine_, Target(operation), name, model_.seq, result.hits_compared};
  switch (operation.action) {
    case Action::kGet:
      return CheckGet(read, operation);
    case Action::kCount:
      return CheckCount(read, operation);
    case Action::kList:
      return CheckList(read, operation);
    default:
      return CheckSearch(read, operation, /*exact=*/operation.action == Action::kSearchExact);
  }
}

Status TraceRun::Settle(const Operation& operation, bool wait_indexed) {
  const Deadline deadline = Deadline::After(kPatience);
  if (!wait_indexed) {
    return engine_->Flush(operation.seed % 3 == 0 ? "" : NameFor(operation), deadline);
  }
  CollectionStats stats;
  ALIDADE_RETURN_IF_ERROR(engine_->WaitIndexed(NameFor(operation), deadline, stats));
  const uint64_t wanted = Target(operation).Count(nullptr);
  if (stats.pending_rows != 0 || stats.indexed_rows != wanted || stats.points != wanted) {
    return Differs("{} pending, {} indexed, {} points, wanted {}",
                   stats.pending_rows,
                   stats.indexed_rows,
                   stats.points,
                   wanted);
  }
  return OkStatus();
}

Status TraceRun::UpdateConfig(const Operation& operation) {
  ModelCollection& target = Target(operation);
  std::mt19937_64 rng(operation.seed);
  CollectionUpdate update;
  update.name = NameFor(operation);
  CollectionConfig next = target.config;
  if (rng() % 2 == 0) {
    update.description = next.description = std::to_string(operation.seed);
  }
  if (rng() % 2 == 0) {
    update.default_ef = next.default_ef = static_cast<uint32_t>(rng() % 200);
  }
  constexpr IndexKind kKinds[] = {
      IndexKind::kFlat, IndexKind::kHnsw, IndexKind::kIvf, IndexKind::kAuto};
  VectorField& field = next.fields[rng() % next.fields.size()];
  field.index.kind = kKinds[rng() % 4];
  field.index.ivf_nlist = 1 + static_cast<uint32_t>(rng() % 16);
  update.indexes[field.name] = field.index;
  ALIDADE_ASSIGN_OR_RETURN(const CollectionInfo info, engine_->UpdateCollection(update));
  target.config = next;
  model_.seq = target.seq = model_.seq.Next();
  return info.seq == model_.seq ? OkStatus() : Differs("the update has seq {}", info.seq);
}

Status TraceRun::ChangeAlias(const Operation& operation) {
  const std::string alias = operation.first % 2 == 0 ? "front" : "back";
  const bool remove = operation.seed % 4 == 0;
  const std::string& name = Target(operation).config.name;
  const auto receipt = engine_->UpdateAliases({{alias, remove ? "" : name}});
  ALIDADE_RETURN_IF_ERROR(receipt.status());
  if (remove) {
    model_.aliases.erase(alias);  // a missing one is no error
  } else {
    model_.aliases[alias] = name;
  }
  return CheckReceipt(*receipt, 0);
}

Status TraceRun::Recreate(const Operation& operation) {
  ModelCollection& target = Target(operation);
  const std::string name = target.config.name;
  ALIDADE_ASSIGN_OR_RETURN(const WriteReceipt receipt, engine_->DropCollection(name));
  ALIDADE_RETURN_IF_ERROR(CheckReceipt(receipt, 0));
  std::erase_if(model_.aliases, [&](const auto& entry) { return entry.second == name; });
  if (engine_->GetCollection(name).status().code() != StatusCode::kNotFound) {
    return Differs("the dropped collection is still there");
  }
  const uint64_t generation = target.generation + 1;
  target = ModelCollection(ModelCollections()[operation.collection], model_.mistake_made);
  target.generation = generation;
  ALIDADE_ASSIGN_OR_RETURN(const CollectionInfo info, engine_->CreateCollection(target.config));
  model_.seq = target.seq = model_.seq.Next();
  return info.seq == model_.seq ? OkStatus() : Differs("the creation has seq {}", info.seq);
}

void TraceRun::DamageOneFile(uint64_t seed) {
  const auto files = FilesBelow(scratch_.Path("data/segments"));
  if (files.empty()) {
    return;
  }
  const std::string& victim = files[seed % files.size()];
  if (seed % 3 == 0) {
    std::filesystem::remove(victim);
  } else if (seed % 3 == 1) {
    std::filesystem::resize_file(victim, FileBytes(victim) / 2);
  } else {
    FlipBit(victim, (seed >> 8) % FileBytes(victim), static_cast<int>(seed % 8));
  }
}

Status TraceRun::Reopen(const Operation& operation, bool damage) {
  engine_.reset();
  if (damage) {
    DamageOneFile(operation.seed);
  }
  ALIDADE_RETURN_IF_ERROR(OpenEngine());
  for (const CollectionStats& stats : engine_->Stats().collections) {
    result.healed += stats.healed_segments;
  }
  return LookAround(operation);
}

// What is cheap to compare after every step.
Status TraceRun::LookAround(const Operation& operation) {
  const ModelCollection& target = Target(operation);
  ALIDADE_ASSIGN_OR_RETURN(const CollectionInfo info, engine_->GetCollection(target.config.name));
  if (info.points != target.Count(nullptr)) {
    return Differs("{} points, wanted {}", info.points, target.Count(nullptr));
  }
  if (info.config.fields != target.config.fields ||
      info.config.description != target.config.description ||
      info.config.default_ef != target.config.default_ef) {
    return Differs("the configuration differs");
  }
  std::map<std::string, std::string> aliases;
  for (const AliasInfo& alias : engine_->ListAliases()) {
    aliases[alias.alias] = alias.collection;
  }
  if (aliases != model_.aliases) {
    return Differs(
        "{} aliases, wanted {}, or they point elsewhere", aliases.size(), model_.aliases.size());
  }
  const EngineStats stats = engine_->Stats();
  if (stats.seq != model_.seq) {
    return Differs("the newest seq is {}, wanted {}", stats.seq, model_.seq);
  }
  for (const CollectionStats& collection : stats.collections) {
    for (const SegmentInfo& segment : collection.segments) {
      result.seals += segment.sealed ? 1U : 0U;
      result.graphs += std::any_of(segment.indexes.begin(),
                                   segment.indexes.end(),
                                   [](const std::string& kind) { return kind != "flat"; })
                           ? 1U
                           : 0U;
    }
  }
  return OkStatus();
}

Status TraceRun::Do(const Operation& operation) {
  switch (operation.action) {
    case Action::kUpsert:
      ALIDADE_RETURN_IF_ERROR(Upsert(operation, ""));
      break;
    case Action::kUpsertWithRequestId:
      ALIDADE_RETURN_IF_ERROR(
          Upsert(operation, "request " + std::to_string(model_.requests_made++)));
      break;
    case Action::kDelete:
      ALIDADE_RETURN_IF_ERROR(Delete(operation));
      break;
    case Action::kRetry:
      ALIDADE_RETURN_IF_ERROR(Retry(operation));
      break;
    case Action::kGet:
    case Action::kCount:
    case Action::kList:
    case Action::kSearchExact:
    case Action::kSearchApproximate:
      ALIDADE_RETURN_IF_ERROR(Read(operation));
      break;
    case Action::kFlush:
      ALIDADE_RETURN_IF_ERROR(Settle(operation, /*wait_indexed=*/false));
      break;
    case Action::kWaitIndexed:
      ALIDADE_RETURN_IF_ERROR(Settle(operation, /*wait_indexed=*/true));
      break;
    case Action::kUpdateConfig:
      ALIDADE_RETURN_IF_ERROR(UpdateConfig(operation));
      break;
    case Action::kAlias:
      ALIDADE_RETURN_IF_ERROR(ChangeAlias(operation));
      break;
    case Action::kRecreate:
      ALIDADE_RETURN_IF_ERROR(Recreate(operation));
      break;
    case Action::kReopen:
      ALIDADE_RETURN_IF_ERROR(Reopen(operation, /*damage=*/false));
      break;
    case Action::kChangePayload:
      ALIDADE_RETURN_IF_ERROR(ChangePayload(operation));
      break;
    case Action::kDeleteByFilter:
      ALIDADE_RETURN_IF_ERROR(DeleteByFilter(operation));
      break;
    case Action::kUpsertConditionally:
      ALIDADE_RETURN_IF_ERROR(UpsertConditionally(operation));
      break;
    case Action::kBatch:
      ALIDADE_RETURN_IF_ERROR(Batch(operation));
      break;
    case Action::kDamage:
      ALIDADE_RETURN_IF_ERROR(Reopen(operation, /*damage=*/true));
      break;
  }
  return LookAround(operation);
}

Status TraceRun::CompareAll() {
  for (uint32_t collection = 0; collection < model_.collections.size(); ++collection) {
    for (uint64_t seed = 0; seed < 6; ++seed) {
      for (const Action action : {Action::kList, Action::kCount, Action::kSearchExact}) {
        ALIDADE_RETURN_IF_ERROR(Read({action, collection, 0, 1, seed * 7'919 + 89}));
      }
    }
  }
  return OkStatus();
}

}  // namespace

TraceResult RunTrace(const Trace& trace, Mistake mistake) {
  TraceRun run(mistake);
  Status status = run.Start();
  for (size_t i = 0; i < trace.size() && status.ok(); ++i) {
    status = WithContext(run.Do(trace[i]), fmt::format("operation {}", i));
  }
  if (status.ok()) {
    status = WithContext(run.CompareAll(), "at the end");
  }
  run.Stop();
  if (!status.ok()) {
    run.result.difference = status.ToString();
  }
  return run.result;
}

}  // namespace alidade
