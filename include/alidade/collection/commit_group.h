// CommitGroup: the one queue of writes of a server; its head commits for all who wait.
//
// Path:     upsert 4/7 (from collection/write_path.cc, to storage/store.h)
// Threads:  thread-safe. One caller at a time is the leader: it takes what is queued, prepares the
// operations in
//           order, writes one batch with one sync, applies them in order and wakes the others.
//           State that only operations touch (`Prepare`, `Apply`) needs no lock of its own.
// Failure:  a failed write or sync ends the process (exit code kExitStorageFailed): nothing is
// acknowledged, and
//           the next start recovers from disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "alidade/collection/request_ledger.h"
#include "alidade/collection/requests.h"
#include "alidade/common/limits.h"
#include "alidade/common/mutex.h"
#include "alidade/storage/store.h"

namespace alidade {

inline constexpr int kExitStorageFailed = 70;

// What an operation may use while it is prepared.
struct CommitContext {
  SeqNo seq;           // of this operation; for one that takes none, of the newest write
  uint64_t group = 0;  // rises by one with each group: scratch state of another group is stale
  WriteBatch& batch;
};

class CommitOperation {
 public:
  virtual ~CommitOperation() = default;

  // Adds the operation's keys to the batch and changes the writer's state. An error refuses this
  // operation alone; the batch and all state must then be as before.
  virtual Status Prepare(CommitContext& context) = 0;
  // The batch is written (and synced if any of the group asked for it): make it visible.
  virtual void Apply(SeqNo seq) = 0;

  virtual bool takes_seq() const { return true; }
  // Whether it makes up a group of its own: Prepare derives the next state from one that only Apply
  // changes, so it must see everything before it applied.
  virtual bool alone() const { return false; }
  virtual Durability durability() const { return Durability::kDurable; }
  virtual size_t byte_size() const { return 0; }
  // Whether it may run on a full disk: what frees space or hardly takes any.
  virtual bool allowed_on_full_disk() const { return false; }
  virtual const std::string& request_id() const;
  virtual uint64_t fingerprint() const { return 0; }
  // What the receipt says was changed; asked after Prepare.
  virtual void Count(WriteReceipt& /*receipt*/) const {}
};

// RESOURCE_EXHAUSTED with the reason DISK_FULL and a hint to come back.
Status DiskFull(uint64_t free_bytes, uint64_t needed);

class CommitGroup {
 public:
  // `store` and `ledger` are borrowed. Starts at `last`, the newest applied seq.
  CommitGroup(Store& store, RequestLedger& ledger, const Limits& limits, SeqNo last);
  // Ends the timer; nobody may be inside Submit.
  ~CommitGroup();
  CommitGroup(const CommitGroup&) = delete;
  CommitGroup& operator=(const CommitGroup&) = delete;

  // Queues the operation and returns when it is decided.
  StatusOr<WriteReceipt> Submit(CommitOperation& operation);

  // Waits until everything up to `seq` is visible. DEADLINE_EXCEEDED, CANCELLED;
  // FAILED_PRECONDITION at once if no write of this server can have that number yet and none comes
  // for kMinSeqWaitMax.
  Status WaitVisible(SeqNo seq, const Deadline& deadline) const;

  SeqNo visible() const { return SeqNo(visible_.load(std::memory_order_acquire)); }
  SeqNo durable() const { return SeqNo(durable_.load(std::memory_order_acquire)); }
  uint64_t groups() const { return groups_.load(std::memory_order_relaxed); }
  uint64_t operations() const { return operations_.load(std::memory_order_relaxed); }
  bool disk_full() const { return disk_full_.load(std::memory_order_relaxed); }
  // Syncs what is only buffered and raises the watermark.
  void SyncNow();

 private:
  struct Waiter {
    CommitOperation* operation = nullptr;
    StatusOr<WriteReceipt> result = WriteReceipt{};
    bool prepared = false;
    bool done = false;
  };

  void RunGroup(const std::vector<Waiter*>& group);
  void PrepareOne(Waiter& waiter, WriteBatch& batch);
  Status CheckDisk(const CommitOperation& operation);
  void WriteOrDie(WriteBatch& batch, bool sync);
  void RunTimer();

  Store& store_;
  RequestLedger& ledger_;
  const Limits limits_;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::deque<Waiter*> queue_ ALIDADE_GUARDED_BY(mutex_);
  bool stopping_ ALIDADE_GUARDED_BY(mutex_) = false;
  CondVar timer_wake_;

  // Leader only.
  WriteBatch batch_;  // of the group; its memory serves the next one
  SeqNo last_;
  uint64_t group_number_ = 0;

  std::atomic<uint64_t> visible_;
  std::atomic<uint64_t> durable_;
  std::atomic<uint64_t> groups_{0};
  std::atomic<uint64_t> operations_{0};
  std::atomic<bool> disk_full_{false};
  std::thread timer_;
};

}  // namespace alidade
