#include "bench_report.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <iostream>

namespace alidade {
namespace {

// "key : value" lines of /proc files.
std::string ProcValue(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(key)) {
      const size_t colon = line.find(':');
      const size_t value = line.find_first_not_of(" \t", colon + 1);
      return colon == std::string::npos || value == std::string::npos ? "" : line.substr(value);
    }
  }
  return "";
}

}  // namespace

nlohmann::json MachineJson() {
  utsname name{};
  ::uname(&name);
  return {{"processor", ProcValue("/proc/cpuinfo", "model name")},
          {"processors", ::sysconf(_SC_NPROCESSORS_ONLN)},
          {"memory", ProcValue("/proc/meminfo", "MemTotal")},
          {"kernel", name.release},
          {"unix_time", static_cast<int64_t>(std::time(nullptr))}};
}

nlohmann::json LatencyJson(const Latencies& latencies) {
  return {{"count", latencies.count()},
          {"mean_ms", latencies.MeanMs()},
          {"p50_ms", latencies.PercentileMs(0.50)},
          {"p95_ms", latencies.PercentileMs(0.95)},
          {"p99_ms", latencies.PercentileMs(0.99)}};
}

Status WriteReport(const std::string& path, const nlohmann::json& report) {
  if (path.empty()) {
    return OkStatus();
  }
  if (path == "-") {
    std::cout << report.dump(2) << "\n";
    return OkStatus();
  }
  std::ofstream file(path, std::ios::trunc);
  file << report.dump(2) << "\n";
  file.close();
  return file ? OkStatus() : Internal("cannot write {}", path);
}

}  // namespace alidade
