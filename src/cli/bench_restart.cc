#include "bench_restart.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include <fmt/format.h>

namespace alidade {
namespace {

using Json = nlohmann::json;

constexpr int kStarts = 3;
constexpr double kReadySecondsMax = 120;
// Chosen: short against what a start may take, long against one search.
constexpr double kWindowSeconds = 0.1;
// From here on a speed counts as the full one; windows differ by about as much.
constexpr double kFullShare = 0.9;

Status DropPageCache() {
  ::sync();  // pages that are not written yet stay
  std::ofstream file("/proc/sys/vm/drop_caches");
  file << "3" << std::flush;
  return file.good() ? OkStatus() : FailedPrecondition("only root may drop the page cache");
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Start {
  double ready_seconds = 0;  // from the start of the process
  double full_seconds = 0;   // .. to the end of the first window at full speed
  double first_share = 0;    // of the full speed, in the first window
};

// Searches from now on, in windows. The full speed is the median of those of the second half.
StatusOr<Start> WatchStart(const BenchSearch& search,
                           const RestartOptions& options,
                           double ready_seconds) {
  struct Window {
    double end = 0;
    double rate = 0;
  };
  std::vector<Window> windows;
  const double ready = NowSeconds();
  do {
    SearchFigures figures;
    ALIDADE_RETURN_IF_ERROR(search.Load(options.setting, kWindowSeconds, figures));
    windows.push_back({ready_seconds + NowSeconds() - ready,
                       static_cast<double>(figures.queries) / figures.seconds});
  } while (NowSeconds() < ready + options.search.seconds);
  std::vector<double> late;
  for (size_t i = windows.size() / 2; i < windows.size(); ++i) {
    late.push_back(windows[i].rate);
  }
  const double full = Median(late);
  // There is one: the median is the rate of a window.
  const auto first = std::ranges::find_if(
      windows, [full](const Window& w) { return w.rate >= kFullShare * full; });
  return Start{ready_seconds, first->end, windows.front().rate / full};
}

std::vector<double> Sorted(const std::vector<Start>& starts, double Start::*figure) {
  std::vector<double> values(starts.size());
  std::ranges::transform(starts, values.begin(), figure);
  std::ranges::sort(values);
  return values;
}

std::string MedianAndRange(const std::vector<double>& sorted) {
  return fmt::format("{:.2f} ({:.2f} to {:.2f})", Median(sorted), sorted.front(), sorted.back());
}

}  // namespace

Status MeasureRestart(const RestartOptions& options,
                      Dataset& dataset,
                      std::unique_ptr<ServerChild>& child,
                      Json& report) {
  std::vector<Start> starts;
  for (int i = 0; i < kStarts; ++i) {
    ALIDADE_RETURN_IF_ERROR(child->Stop());
    ALIDADE_RETURN_IF_ERROR(options.drop_page_cache ? DropPageCache() : OkStatus());
    ALIDADE_ASSIGN_OR_RETURN(
        child, ServerChild::Start(options.data_dir, options.settings, kReadySecondsMax));
    ConnectionOptions connection = options.connection;
    connection.server = child->address();
    BenchSearchOptions watched = options.search;
    watched.server_pid = 0;  // its processor time is not looked at
    const BenchSearch search(connection, options.collection, options.field, watched, dataset);
    ALIDADE_ASSIGN_OR_RETURN(const Start start,
                             WatchStart(search, options, child->ready_seconds()));
    starts.push_back(start);
  }
  const std::vector<double> ready = Sorted(starts, &Start::ready_seconds);
  const std::vector<double> full = Sorted(starts, &Start::full_seconds);
  const std::vector<double> first = Sorted(starts, &Start::first_share);
  std::printf(
      "restart: ready in %s s, full speed after %s s; first %.1f s: %s of it; medians of %d\n",
      MedianAndRange(ready).c_str(),
      MedianAndRange(full).c_str(),
      kWindowSeconds,
      MedianAndRange(first).c_str(),
      kStarts);
  report["restart_seconds"] = ready;
  report["restart_full_speed_seconds"] = full;
  report["restart_first_window_share"] = first;
  return OkStatus();
}

}  // namespace alidade
