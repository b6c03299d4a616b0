// BenchReport: the figures of one run, printed as they come and written as JSON at the end.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "alidade/common/status.h"

#include "load.h"

namespace alidade {

// What ran: machine, kernel, processors.
nlohmann::json MachineJson();
nlohmann::json LatencyJson(const Latencies& latencies);

// Replaces the file, or writes to standard output for "-". Nothing for an empty path.
Status WriteReport(const std::string& path, const nlohmann::json& report);

}  // namespace alidade
