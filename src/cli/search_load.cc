#include "search_load.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>

#include "alidade/common/mutex.h"
#include "alidade/common/tsan.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;

double SecondsOf(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

CpuTime operator-(const CpuTime& later, const CpuTime& earlier) {
  return {later.user - earlier.user, later.system - earlier.system};
}

CpuTime OwnCpuTime() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {SecondsOf(usage.ru_utime), SecondsOf(usage.ru_stime)};
}

CpuTime CpuTimeOf(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string stat((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  // The name of the program may hold anything; the fields are counted from the ")" behind it.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) {
    return {};
  }
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  constexpr int kFieldsBetween = 11;  // state .. cmajflt, before utime and stime
  for (int i = 0; i < kFieldsBetween; ++i) {
    fields >> skipped;
  }
  CpuTime ticks;
  fields >> ticks.user >> ticks.system;
  const auto tick = static_cast<double>(sysconf(_SC_CLK_TCK));
  return {ticks.user / tick, ticks.system / tick};
}

// One call in flight at a time.
struct SearchLoad::Place {
  std::unique_ptr<v1::SearchService::Stub> stub;
  size_t next = 0;  // the call to send, modulo their number
  Latencies calls;
  uint64_t queries = 0;

  const v1::SearchRequest* request = nullptr;
  std::optional<grpc::ClientContext> context;
  v1::SearchResponse response;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::SearchResponse>> reader;
  grpc::Status status;
  double started = 0;

  void Begin(const std::vector<v1::SearchRequest>& all, const ConnectionOptions& connection) {
    request = &all[next++ % all.size()];
    context.emplace();
    SetDeadline(*context, connection);
    started = NowSeconds();
  }
  // Returns when it ended.
  double End() {
    const double now = NowSeconds();
    calls.Add(now - started);
    queries += static_cast<uint64_t>(request->queries_size());
    return now;
  }
};

SearchLoad::SearchLoad(const ConnectionOptions& connection,
                       const SearchLoadOptions& options,
                       const std::vector<v1::SearchRequest>& calls)
    : connection_(connection), options_(options), calls_(calls) {}

Status SearchLoad::Run(int server_pid, SearchFigures& figures) {
  const auto count = static_cast<size_t>(options_.in_flight);
  const size_t connections =
      options_.connections > 0 ? static_cast<size_t>(options_.connections) : count;
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (size_t i = 0; i < std::min(connections, count); ++i) {
    channels.push_back(Connect(connection_));
    if (!channels.back()->WaitForConnected(std::chrono::system_clock::now() +
                                           std::chrono::seconds(10))) {
      return MakeStatus(StatusCode::kUnavailable, "no connection to " + connection_.server);
    }
  }
  std::vector<Place> places(count);
  for (size_t i = 0; i < count; ++i) {
    places[i].stub = v1::SearchService::NewStub(channels[i % channels.size()]);
    places[i].next = calls_.size() * i / count;
  }
  const CpuTime server_before = server_pid > 0 ? CpuTimeOf(server_pid) : CpuTime{};
  const CpuTime client_before = OwnCpuTime();
  const double start = NowSeconds();
  end_ = start + options_.seconds;
  ALIDADE_RETURN_IF_ERROR(RunPlaces(places));
  figures.seconds += NowSeconds() - start;
  figures.client_cpu = OwnCpuTime() - client_before;
  if (server_pid > 0) {
    figures.server_cpu = CpuTimeOf(server_pid) - server_before;
  }
  for (const Place& place : places) {
    figures.calls.Merge(place.calls);
    figures.queries += place.queries;
  }
  return OkStatus();
}

Status SearchLoad::RunPlaces(std::vector<Place>& places) {
  switch (options_.style) {
    case CallStyle::kThreads:
      return RunThreads(places);
    case CallStyle::kQueue:
      return RunQueue(places);
    case CallStyle::kCallback:
      return RunCallbacks(places);
  }
  return Internal("no such style");
}

Status SearchLoad::RunThreads(std::vector<Place>& places) {
  return RunWorkers(static_cast<int>(places.size()), [&](int number) -> Status {
    Place& place = places[static_cast<size_t>(number)];
    do {
      place.Begin(calls_, connection_);
      ALIDADE_RETURN_IF_ERROR(
          FromGrpc(place.stub->Search(&*place.context, *place.request, &place.response)));
    } while (place.End() < end_);
    return OkStatus();
  });
}

Status SearchLoad::RunQueue(std::vector<Place>& places) {
  grpc::CompletionQueue queue;
  const auto begin = [&](Place& place) {
    place.Begin(calls_, connection_);
    place.reader = place.stub->AsyncSearch(&*place.context, *place.request, &queue);
    place.reader->Finish(&place.response, &place.status, &place);
  };
  for (Place& place : places) {
    begin(place);
  }
  Status first_error;
  void* tag = nullptr;
  bool ok = false;
  for (size_t running = places.size(); running > 0 && queue.Next(&tag, &ok);) {
    Place& place = *static_cast<Place*>(tag);
    const double now = place.End();
    if (!place.status.ok() && first_error.ok()) {
      first_error = FromGrpc(place.status);
    }
    if (now < end_ && first_error.ok()) {
      begin(place);
    } else {
      --running;
    }
  }
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return first_error;
}

Status SearchLoad::RunCallbacks(std::vector<Place>& places) {
  Mutex mutex;
  CondVar all_ended;
  size_t running = places.size();
  Status first_error;
  std::function<void(Place&)> begin = [&](Place& place) {
    place.Begin(calls_, connection_);
    TsanHandsOver(&place);
    const UnjudgedByTsan grpc;  // it leaves the callback for a thread of its own
    place.stub->async()->Search(
        &*place.context, place.request, &place.response, [&](const grpc::Status& status) {
          TsanTakesOver(&place);
          const double now = place.End();
          if (status.ok() && now < end_) {
            begin(place);
            return;
          }
          const MutexLock lock(mutex);
          if (first_error.ok()) {
            first_error = FromGrpc(status);
          }
          --running;
          all_ended.NotifyAll();
        });
  };
  for (Place& place : places) {
    begin(place);
  }
  const MutexLock lock(mutex);
  while (running > 0) {
    all_ended.Wait(mutex);
  }
  return first_error;
}

}  // namespace alidade
