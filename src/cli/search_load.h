// SearchLoad: searches over gRPC, a fixed number of them in flight for a while.
//
// Threads:  Run makes its own and joins them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "alidade/common/status.h"

#include "connection.h"
#include "load.h"

namespace alidade {

// How the client waits for its answers. What that costs differs (bench/README.md).
enum class CallStyle {
  kThreads,   // a thread and a blocking stub for each call in flight
  kQueue,     // one thread, one completion queue
  kCallback,  // gRPC's own threads
};

struct SearchLoadOptions {
  CallStyle style = CallStyle::kQueue;
  int in_flight = 1;
  int connections = 0;  // 0: one for each call in flight
  double seconds = 5;
};

// User and kernel time of processes, seconds.
struct CpuTime {
  double user = 0;
  double system = 0;
  double total() const { return user + system; }
};
CpuTime operator-(const CpuTime& later, const CpuTime& earlier);
CpuTime OwnCpuTime();
// Of another process of this machine; zero if there is none. In steps of the kernel's clock tick.
CpuTime CpuTimeOf(int pid);

struct SearchFigures {
  double recall = 0;
  Latencies calls;
  uint64_t queries = 0;
  double seconds = 0;
  CpuTime client_cpu;
  std::optional<CpuTime> server_cpu;  // if the server's process is known
};

// Sends `calls` in turn, again and again, each place beginning at another one, so that they do not
// warm the cache for one another. The first failed call ends it.
// Requires: at least one call; they outlive Run.
class SearchLoad {
 public:
  SearchLoad(const ConnectionOptions& connection,
             const SearchLoadOptions& options,
             const std::vector<alidade::v1::SearchRequest>& calls);

  // Adds to `figures` all but the recall. `server_pid` 0: not on this machine.
  Status Run(int server_pid, SearchFigures& figures);

 private:
  struct Place;
  Status RunPlaces(std::vector<Place>& places);
  Status RunThreads(std::vector<Place>& places);
  Status RunQueue(std::vector<Place>& places);
  Status RunCallbacks(std::vector<Place>& places);

  const ConnectionOptions connection_;
  const SearchLoadOptions options_;
  const std::vector<alidade::v1::SearchRequest>& calls_;
  double end_ = 0;
};

}  // namespace alidade
