#include "call_pool.h"

#include <system_error>

#include "alidade/common/log.h"

namespace alidade {
namespace {

// The watcher sleeps after this many ticks without a queued task (chosen).
constexpr int kQuietTicksMax = 50;

}  // namespace

CallPool::CallPool(const CallPoolOptions& options) : options_(options) {
  computing_.emplace_back();
  {
    const MutexLock lock(mutex_);
    AddThread();  // one is always there, so that a queue moves even if no more can be made
  }
  watcher_ = std::thread([this] { WatchOverdue(); });
}

CallPool::~CallPool() {
  std::vector<std::thread> threads;
  {
    const MutexLock lock(mutex_);
    ending_ = true;
    work_.NotifyAll();
    watch_.NotifyAll();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  watcher_.join();
}

uint32_t CallPool::threads() const {
  const MutexLock lock(mutex_);
  return static_cast<uint32_t>(threads_.size());
}

bool CallPool::MayCompute() const { return computing_now_ < options_.computing_max + overdue_now_; }

void CallPool::BeginComputing(Computing& computing) {
  computing = {Clock::now(), /*running=*/true, /*overdue=*/false};
  ++computing_now_;
}

void CallPool::EndComputing(Computing& computing) {
  computing.running = false;
  --computing_now_;
  overdue_now_ -= computing.overdue ? 1 : 0;
}

void CallPool::Engage() {
  if (waiting_queue_.empty() && (computing_queue_.empty() || !MayCompute())) {
    return;
  }
  if (idle_ > 0) {
    work_.NotifyOne();
  } else if (threads_.size() < options_.threads_max) {
    try {
      AddThread();
    } catch (const std::system_error& e) {
      ALIDADE_LOG_WARN("no thread for a call, it waits for another one to end: {}", e.what());
    }
  }
}

void CallPool::AddThread() {
  const size_t number = threads_.size() + 1;
  computing_.resize(number + 1);
  threads_.emplace_back([this, number] { Work(number); });
}

void CallPool::Submit(Task& task, Kind kind) {
  {
    const MutexLock lock(mutex_);
    if (kind == Kind::kWaits) {
      waiting_queue_.push_back(&task);
      Engage();
      return;
    }
    if (computing_[0].running || !computing_queue_.empty() || !MayCompute()) {
      computing_queue_.push_back(&task);
      queued_since_tick_ = true;
      if (!watching_) {
        watch_.NotifyOne();
      }
      Engage();
      return;
    }
    BeginComputing(computing_[0]);
  }
  task.RunTask();
  const MutexLock lock(mutex_);
  EndComputing(computing_[0]);
  Engage();
}

void CallPool::Work(size_t number) {
  mutex_.Lock();
  Computing& own = computing_[number];
  for (;;) {
    const bool waits = !waiting_queue_.empty();
    if (waits || (!computing_queue_.empty() && MayCompute())) {
      std::deque<Task*>& queue = waits ? waiting_queue_ : computing_queue_;
      Task& task = *queue.front();
      queue.pop_front();
      if (!waits) {
        BeginComputing(own);
      }
      // Notifications may come together: whoever takes a task looks after the next one.
      Engage();
      mutex_.Unlock();
      task.RunTask();
      mutex_.Lock();
      if (!waits) {
        EndComputing(own);
      }
    } else if (ending_) {
      break;
    } else {
      ++idle_;
      work_.Wait(mutex_);
      --idle_;
    }
  }
  mutex_.Unlock();
}

void CallPool::WatchOverdue() {
  const MutexLock lock(mutex_);
  int quiet_ticks = 0;
  while (!ending_) {
    if (quiet_ticks >= kQuietTicksMax) {
      watching_ = false;
      watch_.Wait(mutex_);
      watching_ = true;
    } else {
      static_cast<void>(watch_.WaitUntil(mutex_, Clock::now() + options_.overdue_after));
    }
    const bool queued = queued_since_tick_ || !computing_queue_.empty();
    queued_since_tick_ = false;
    quiet_ticks = queued ? 0 : quiet_ticks + 1;
    const auto before = Clock::now() - options_.overdue_after;
    for (Computing& computing : computing_) {
      if (computing.running && !computing.overdue && computing.since <= before) {
        computing.overdue = true;
        ++overdue_now_;
      }
    }
    Engage();
  }
}

}  // namespace alidade
