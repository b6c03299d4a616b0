// Settings: every configuration key with its type, default, bounds and explanation, in one table.
//
// Order:    default < YAML file < environment ALIDADE__SECTION__KEY < flags. Unknown keys are
// refused with the nearest
//           known one. The table makes the commented default file, `--print-config`, and the
//           checks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "alidade/common/limits.h"
#include "alidade/common/log.h"
#include "alidade/common/status.h"

namespace alidade {

// What `serve` is made of; filled from the settings, and split into the value structs of the
// modules in run.cc.
struct ServerConfig {
  std::string data_dir;
  std::string listen;
  std::string http_listen;
  bool insecure_bind = false;
  uint64_t shutdown_grace_ms = 0;
  uint64_t transport_memory_bytes = 0;
  uint64_t slow_query_ms = 0;
  uint64_t deadline_max_ms = 0;
  std::string default_durability;
  bool reflection = true;
  Limits limits;
  uint64_t block_cache_bytes = 0;
  uint64_t write_buffer_bytes = 0;
  uint64_t background_threads = 0;
  uint64_t background_nice = 0;
  uint64_t build_nice = 0;
  uint64_t seal_after_quiet_ms = 0;
  std::string log_level;
  std::string log_format;
};

struct Setting {
  std::string name;  // section.key
  std::string default_value;
  std::string help;
  // Checks the text and puts it in; INVALID_ARGUMENT says what is allowed.
  std::function<Status(const std::string& text, ServerConfig& config)> apply;
};

// In the order of the default file.
const std::vector<Setting>& AllSettings();

class Settings {
 public:
  struct Value {
    std::string text;
    std::string origin;  // "default", "file <path>:<line>", "environment <NAME>", "flag"
  };

  Settings();
  Status LoadYaml(const std::string& path);
  // `environment` as in environ: NAME=value; only names that start with ALIDADE__ count.
  Status LoadEnvironment(const char* const* environment);
  Status Set(const std::string& name, const std::string& text, const std::string& origin);

  StatusOr<ServerConfig> ToConfig() const;
  // One line per key: name, value, origin.
  std::string Describe() const;

 private:
  std::map<std::string, Value> values_;
};

// The commented YAML with every default.
std::string DefaultConfigFile();

struct HostPort {
  std::string host;
  uint16_t port = 0;
  bool loopback = false;
};
// "127.0.0.1:6500", "[::1]:6500", "localhost:0".
StatusOr<HostPort> ParseHostPort(const std::string& text);

}  // namespace alidade
