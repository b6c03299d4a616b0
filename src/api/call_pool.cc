#include "call_pool.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "alidade/common/log.h"

namespace alidade {
namespace {

// The watcher sleeps after this many ticks without a queued task (chosen).
constexpr int kQuietTicksMax = 50;
// Callers run tasks briefly while these usually take no more than this part of the time to give up
// (chosen).
constexpr int kBriefPart = 4;
// A task's weight in the usual time: one over this (chosen).
constexpr int kUsualOver = 8;

}  // namespace

CallPool::CallPool(const CallPoolOptions& options) : options_(options) {
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

bool CallPool::MayCompute() const {
  return computing_.size() < size_t{options_.computing_max} + overdue_now_;
}

void CallPool::EnqueueComputing(Task& task) {
  computing_queue_.push_back(&task);
  queued_since_tick_ = true;
  if (!watching_) {
    watch_.NotifyOne();
  }
}

CallPool::Task& CallPool::NextComputing() {
  Task& task = *computing_queue_.front();
  computing_queue_.pop_front();
  return task;
}

bool CallPool::Compute(Task& task, bool briefly) {
  Computing computing{.since = Clock::now()};
  computing_.push_back(&computing);
  // Notifications may come together: whoever takes a task looks after the next one.
  Engage();
  mutex_.Unlock();
  const bool done =
      task.RunTask(briefly ? computing.since + options_.overdue_after : Clock::time_point::max());
  const Clock::duration took = Clock::now() - computing.since;
  mutex_.Lock();
  std::erase(computing_, &computing);
  overdue_now_ -= computing.overdue ? 1 : 0;
  // One that was kept from its processor for long says little about the others; one that gave up
  // says enough.
  usual_time_ =
      done ? usual_time_ + (std::min(took, options_.overdue_after) - usual_time_) / kUsualOver
           : options_.overdue_after;
  return done;
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
  threads_.emplace_back([this] { Work(); });
}

void CallPool::Submit(Task& task, Kind kind) {
  const MutexLock lock(mutex_);
  if (kind == Kind::kWaits) {
    waiting_queue_.push_back(&task);
  } else if (computing_queue_.empty() && MayCompute() &&
             (!caller_takes_its_time_ || usual_time_ <= options_.overdue_after / kBriefPart)) {
    ComputeInCaller(task);
  } else {
    EnqueueComputing(task);
  }
  Engage();
}

void CallPool::ComputeInCaller(Task& task) {
  if (caller_takes_its_time_) {
    if (!Compute(task, /*briefly=*/true)) {
      EnqueueComputing(task);
    }
    return;
  }
  caller_takes_its_time_ = true;
  Compute(task, /*briefly=*/false);
  while (!computing_queue_.empty() && MayCompute()) {
    Compute(NextComputing(), /*briefly=*/false);
  }
  caller_takes_its_time_ = false;
}

void CallPool::Work() {
  const MutexLock lock(mutex_);
  for (;;) {
    if (!waiting_queue_.empty()) {
      Task& task = *waiting_queue_.front();
      waiting_queue_.pop_front();
      Engage();
      mutex_.Unlock();
      task.RunTask(Clock::time_point::max());
      mutex_.Lock();
    } else if (!computing_queue_.empty() && MayCompute()) {
      Compute(NextComputing(), /*briefly=*/false);
    } else if (ending_) {
      return;
    } else {
      ++idle_;
      work_.Wait(mutex_);
      --idle_;
    }
  }
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
    for (Computing* computing : computing_) {
      if (!computing->overdue && computing->since <= before) {
        computing->overdue = true;
        ++overdue_now_;
      }
    }
    Engage();
  }
}

}  // namespace alidade
