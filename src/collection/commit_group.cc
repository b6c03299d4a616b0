// Path: upsert 4/7 (from collection/write_path.cc, to storage/store.h)
#include "alidade/collection/commit_group.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "alidade/common/bytes.h"
#include "alidade/common/failpoint.h"
#include "alidade/common/file.h"
#include "alidade/common/log.h"

namespace alidade {
namespace {

using std::chrono::milliseconds;

// BUFFERED writes are synced, and the watermark follows, at this pace (promise: at most a second is
// at stake).
constexpr milliseconds kTimerPeriod{500};
// How long a read waits for a min_seq that nobody has written yet before it is told so.
constexpr milliseconds kMinSeqWaitMax{10'000};
constexpr int64_t kDiskFullRetryMs = 2'000;

// Makes what was only buffered durable; writes nothing itself.
class SyncOperation final : public CommitOperation {
 public:
  Status Prepare(CommitContext&) override { return OkStatus(); }
  void Apply(SeqNo) override {}
  bool takes_seq() const override { return false; }
  bool allowed_on_full_disk() const override { return true; }
};

}  // namespace

const std::string& CommitOperation::request_id() const {
  static const std::string none;
  return none;
}

Status DiskFull(uint64_t free_bytes, uint64_t needed) {
  return WithRetryAfter(
      WithReason(ResourceExhausted("the disk is nearly full: {} bytes free, writes need {} "
                                   "(limits.disk_free_bytes_min); deletes still work",
                                   free_bytes,
                                   needed),
                 "DISK_FULL"),
      kDiskFullRetryMs);
}

CommitGroup::CommitGroup(Store& store, RequestLedger& ledger, const Limits& limits, SeqNo last)
    : store_(store),
      ledger_(ledger),
      limits_(limits),
      batch_(store),
      last_(last),
      visible_(last.value()),
      durable_(last.value()),
      timer_([this] { RunTimer(); }) {}

CommitGroup::~CommitGroup() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  timer_wake_.NotifyAll();
  timer_.join();
}

StatusOr<WriteReceipt> CommitGroup::Submit(CommitOperation& operation) {
  Waiter waiter;
  waiter.operation = &operation;
  std::vector<Waiter*> group;
  {
    MutexLock lock(mutex_);
    queue_.push_back(&waiter);
    while (!waiter.done && queue_.front() != &waiter) {
      changed_.Wait(mutex_);
    }
    if (waiter.done) {
      return waiter.result;
    }
    // The head of the queue leads; who comes later stays queued behind it until the group is done.
    size_t bytes = 0;
    for (Waiter* next : queue_) {
      bytes += next->operation->byte_size();
      if (!group.empty() && (bytes > limits_.commit_group_bytes_max || next->operation->alone() ||
                             group.front()->operation->alone())) {
        break;
      }
      group.push_back(next);
    }
  }
  RunGroup(group);
  {
    MutexLock lock(mutex_);
    for (Waiter* done : group) {
      done->done = true;
      queue_.pop_front();
    }
  }
  changed_.NotifyAll();
  return waiter.result;
}

void CommitGroup::PrepareOne(Waiter& waiter, WriteBatch& batch) {
  CommitOperation& operation = *waiter.operation;
  const std::string& request_id = operation.request_id();
  if (!request_id.empty()) {
    auto found = ledger_.Find(request_id, operation.fingerprint());
    if (!found.ok()) {
      waiter.result = found.status();
      return;
    }
    if (const std::optional<WriteReceipt>& first = *found; first.has_value()) {
      waiter.result = *first;
      return;
    }
  }
  if (Status status = CheckDisk(operation); !status.ok()) {
    waiter.result = std::move(status);
    return;
  }
  const SeqNo seq = operation.takes_seq() ? last_.Next() : last_;
  CommitContext context{seq, group_number_, batch};
  if (Status status = operation.Prepare(context); !status.ok()) {
    waiter.result = std::move(status);
    return;
  }
  last_ = seq;
  waiter.prepared = true;
  WriteReceipt receipt;
  receipt.seq = seq;
  receipt.reached = operation.durability();
  operation.Count(receipt);
  if (!request_id.empty()) {
    ledger_.Remember(request_id, operation.fingerprint(), receipt, batch);
  }
  waiter.result = receipt;
}

void CommitGroup::RunGroup(const std::vector<Waiter*>& group) {
  ++group_number_;
  WriteBatch& batch = batch_;
  batch.Clear();
  const SeqNo before = last_;
  bool sync = false;
  bool prepared = false;
  for (Waiter* waiter : group) {
    PrepareOne(*waiter, batch);
    sync = sync || waiter->operation->durability() == Durability::kDurable;
    prepared = prepared || waiter->prepared;
  }
  if (!prepared && durable() == last_) {
    return;  // only refusals and replays of what is on disk already
  }
  ALIDADE_FAILPOINT_VOID("commit.before_write");
  if (last_ != before) {
    std::string value;
    AppendLittleEndian(value, last_.value());
    batch.PutMeta(MetaKind::kServer, kAppliedSeqName, value);
  }
#if ALIDADE_FAILPOINTS
  if (ALIDADE_MUTANT("ack_before_sync")) {
    // The deliberate mistake: the answer goes out now, the write follows later.
    std::thread([this, late = std::move(batch), sync]() mutable {
      std::this_thread::sleep_for(milliseconds(50));
      WriteOrDie(late, sync);
    }).detach();
    batch = WriteBatch(store_);
    sync = false;
  }
#endif
  WriteOrDie(batch, sync);
  ALIDADE_FAILPOINT_VOID("commit.after_write");
  if (sync) {
    durable_.store(last_.value(), std::memory_order_release);
  }
  for (Waiter* waiter : group) {
    if (waiter->prepared) {
      waiter->operation->Apply(waiter->result->seq);
      if (sync) {
        waiter->result->reached = Durability::kDurable;
      }
    }
  }
  ALIDADE_FAILPOINT_VOID("commit.after_apply");
  visible_.store(last_.value(), std::memory_order_release);
  groups_.fetch_add(1, std::memory_order_relaxed);
  operations_.fetch_add(group.size(), std::memory_order_relaxed);
}

Status CommitGroup::CheckDisk(const CommitOperation& operation) {
  const StatusOr<uint64_t> free_bytes = FreeBytes(store_.directory());
  const uint64_t needed = limits_.disk_free_bytes_min + operation.byte_size();
  const bool full = free_bytes.ok() && *free_bytes < needed;
  if (full != disk_full_.exchange(full, std::memory_order_relaxed)) {
    ALIDADE_LOG_WARN("disk {}: {} bytes free, {} needed for writes",
                     full ? "full, writes are refused" : "has space again",
                     free_bytes.ok() ? *free_bytes : 0,
                     needed);
  }
  if (!full || operation.allowed_on_full_disk()) {
    return OkStatus();
  }
  return DiskFull(*free_bytes, needed);
}

void CommitGroup::WriteOrDie(WriteBatch& batch, bool sync) {
  Status status = store_.Write(batch, sync);
  if (status.ok() && sync) {
    status = store_.RaiseWatermark(last_, /*now=*/false);
  }
  if (!status.ok()) {
    // After a failed sync the kernel may have dropped the pages: a retry could succeed and still
    // have lost them.
    ALIDADE_LOG_ERROR("the log cannot be written, stopping to recover from disk: {}",
                      MessageOf(status));
    FlushLog();
    ::_exit(kExitStorageFailed);
  }
}

Status CommitGroup::WaitVisible(SeqNo seq, const Deadline& deadline) const {
  const auto give_up = std::min(Deadline::Clock::now() + kMinSeqWaitMax, deadline.at());
  while (visible() < seq) {
    ALIDADE_RETURN_IF_ERROR(deadline.Check());
    if (Deadline::Clock::now() >= give_up) {
      ALIDADE_RETURN_IF_ERROR(deadline.Check());
      return WithReason(
          FailedPrecondition(
              "min_seq {} is beyond the newest write {} of this server", seq, visible()),
          "MIN_SEQ_NOT_REACHED");
    }
    MutexLock lock(mutex_);
    if (visible() < seq) {
      changed_.WaitUntil(mutex_, std::min(give_up, Deadline::Clock::now() + milliseconds(50)));
    }
  }
  return OkStatus();
}

void CommitGroup::SyncNow() {
  SyncOperation operation;
  (void)Submit(operation);
}

void CommitGroup::RunTimer() {
  while (true) {
    {
      MutexLock lock(mutex_);
      if (!stopping_) {
        timer_wake_.WaitUntil(mutex_, std::chrono::steady_clock::now() + kTimerPeriod);
      }
      if (stopping_) {
        return;
      }
    }
    if (durable() < visible()) {
      SyncNow();
    }
    if (const Status status = store_.RaiseWatermark(durable(), /*now=*/false); !status.ok()) {
      ALIDADE_LOG_WARN("the watermark could not be raised: {}", MessageOf(status));
    }
  }
}

}  // namespace alidade
