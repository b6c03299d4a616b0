// MeasureRestart: how long a server takes from its start to its first answer, and to its full
// speed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "alidade/common/status.h"

#include "bench_search.h"
#include "connection.h"
#include "dataset.h"
#include "server_child.h"

namespace alidade {

struct RestartOptions {
  ConnectionOptions connection;  // its server is replaced by the child's address
  std::string collection;
  std::string field;
  BenchSearchOptions search;  // `seconds`: how long each start is watched
  SearchSetting setting;
  std::string data_dir;
  std::vector<std::string> settings;  // section.key=value
  bool drop_page_cache = false;       // before each start; only root may
};

// Stops the child and starts it again three times. Prints a line, and adds `restart_...` to the
// report.
Status MeasureRestart(const RestartOptions& options,
                      Dataset& dataset,
                      std::unique_ptr<ServerChild>& child,
                      nlohmann::json& report);

}  // namespace alidade
