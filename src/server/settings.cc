#include "alidade/server/settings.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>

#include <yaml-cpp/yaml.h>

#include "alidade/common/nearest_name.h"

namespace alidade {
namespace {

constexpr std::string_view kEnvironmentPrefix = "ALIDADE__";

StatusOr<uint64_t> ParseNumber(const std::string& text, uint64_t low, uint64_t high) {
  // Sizes may end in KiB, MiB or GiB.
  std::string digits = text;
  uint64_t unit = 1;
  for (const auto& [suffix, factor] : {std::pair<std::string, uint64_t>{"KiB", 1ULL << 10},
                                       {"MiB", 1ULL << 20},
                                       {"GiB", 1ULL << 30}}) {
    if (digits.size() > suffix.size() && digits.ends_with(suffix)) {
      digits.resize(digits.size() - suffix.size());
      while (!digits.empty() && digits.back() == ' ') {
        digits.pop_back();
      }
      unit = factor;
    }
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty() ||
      value > std::numeric_limits<uint64_t>::max() / unit || value * unit < low ||
      value * unit > high) {
    return InvalidArgument("\"{}\" is no whole number from {} to {}", text, low, high);
  }
  return value * unit;
}

template <typename T>
std::function<Status(const std::string&, ServerConfig&)> Number(T ServerConfig::*member,
                                                                uint64_t low,
                                                                uint64_t high) {
  return [=](const std::string& text, ServerConfig& config) -> Status {
    ALIDADE_ASSIGN_OR_RETURN(const uint64_t value, ParseNumber(text, low, high));
    config.*member = static_cast<T>(value);
    return OkStatus();
  };
}

template <typename T>
std::function<Status(const std::string&, ServerConfig&)> Limit(T Limits::*member,
                                                               uint64_t low,
                                                               uint64_t high) {
  return [=](const std::string& text, ServerConfig& config) -> Status {
    ALIDADE_ASSIGN_OR_RETURN(const uint64_t value, ParseNumber(text, low, high));
    config.limits.*member = static_cast<T>(value);
    return OkStatus();
  };
}

std::function<Status(const std::string&, ServerConfig&)> Text(
    std::string ServerConfig::*member, std::vector<std::string> allowed = {}) {
  return [member, allowed = std::move(allowed)](const std::string& text,
                                                ServerConfig& config) -> Status {
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
      std::string names;
      for (const std::string& name : allowed) {
        names += (names.empty() ? "" : ", ") + name;
      }
      return InvalidArgument("\"{}\" is not one of: {}", text, names);
    }
    config.*member = text;
    return OkStatus();
  };
}

std::function<Status(const std::string&, ServerConfig&)> Flag(bool ServerConfig::*member) {
  return [member](const std::string& text, ServerConfig& config) -> Status {
    if (text != "true" && text != "false") {
      return InvalidArgument("\"{}\" is neither true nor false", text);
    }
    config.*member = text == "true";
    return OkStatus();
  };
}

std::function<Status(const std::string&, ServerConfig&)> Address(
    std::string ServerConfig::*member) {
  return [member](const std::string& text, ServerConfig& config) -> Status {
    ALIDADE_RETURN_IF_ERROR(ParseHostPort(text).status());
    config.*member = text;
    return OkStatus();
  };
}

std::vector<Setting> ServerSettings() {
  using C = ServerConfig;
  constexpr uint64_t kDay = 86'400'000;
  return {
      {"server.data_dir",
       "./alidade-data",
       "Directory of all data; made if missing.",
       Text(&C::data_dir)},
      {"server.listen",
       "127.0.0.1:6500",
       "Address of the gRPC API; port 0 takes any free one.",
       Address(&C::listen)},
      {"server.http_listen",
       "127.0.0.1:6501",
       "Address of /metrics, /healthz and /readyz.",
       Address(&C::http_listen)},
      {"server.insecure_bind",
       "false",
       "Allow addresses other than loopback. There is no authentication yet: everybody who reaches "
       "the port may read and write.",
       Flag(&C::insecure_bind)},
      {"server.shutdown_grace_ms",
       "10000",
       "How long running calls may go on after SIGTERM.",
       Number(&C::shutdown_grace_ms, 0, kDay)},
      {"server.transport_memory_bytes",
       "1GiB",
       "Memory for messages and connections; past it reading pauses.",
       Number(&C::transport_memory_bytes, 16ULL << 20, 1ULL << 40)},
      {"server.slow_query_ms",
       "1000",
       "Calls that take longer are logged; 0: none.",
       Number(&C::slow_query_ms, 0, kDay)},
      {"server.deadline_max_ms",
       "600000",
       "Cap on the deadline of a call, also of one that has none.",
       Number(&C::deadline_max_ms, 1, kDay)},
      {"server.default_durability",
       "durable",
       "Of writes that do not say: durable (synced before the answer) or buffered.",
       Text(&C::default_durability, {"durable", "buffered"})},
      {"server.reflection",
       "true",
       "Serve gRPC reflection, which grpcurl needs.",
       Flag(&C::reflection)},
  };
}

// Of one request.
std::vector<Setting> RequestLimitSettings() {
  using L = Limits;
  constexpr uint64_t kGiB = 1ULL << 30;
  return {
      {"limits.message_bytes_max",
       "64MiB",
       "One request or reply on the wire.",
       Limit(&L::message_bytes_max, 64 << 10, 2 * kGiB - 1)},
      {"limits.batch_rows_max",
       "10000",
       "Points in one write, ids in one get or delete.",
       Limit(&L::batch_rows_max, 1, 1'000'000)},
      {"limits.batch_queries_max",
       "1000",
       "Queries in one search call.",
       Limit(&L::batch_queries_max, 1, 100'000)},
      {"limits.dimension_max",
       "65536",
       "Dimensions of a vector.",
       Limit(&L::dimension_max, 1, kDimensionHardMax)},
      {"limits.k_max", "10000", "Hits of one query.", Limit(&L::k_max, 1, 1'000'000)},
      {"limits.ef_max", "16384", "Candidates of an HNSW walk.", Limit(&L::ef_max, 1, 1'000'000)},
      {"limits.nprobe_max", "65536", "Lists of an IVF search.", Limit(&L::nprobe_max, 1, 65'536)},
      {"limits.payload_bytes_max",
       "256KiB",
       "Payload of one point.",
       Limit(&L::payload_bytes_max, 1, 64 << 20)},
      {"limits.payload_depth_max",
       "16",
       "Nesting of a payload.",
       Limit(&L::payload_depth_max, 1, 60)},
      {"limits.filter_depth_max", "16", "Nesting of a filter.", Limit(&L::filter_depth_max, 1, 30)},
      {"limits.filter_nodes_max",
       "1024",
       "Conditions and groups of a filter.",
       Limit(&L::filter_nodes_max, 1, 100'000)},
      {"limits.filter_values_max",
       "10000",
       "Values or ids of one condition of a filter.",
       Limit(&L::filter_values_max, 1, 1'000'000)},
      {"limits.filter_text_bytes_max",
       "1024",
       "A prefix or substring that a filter looks for.",
       Limit(&L::filter_text_bytes_max, 1, 64 << 10)},
      {"limits.filter_polygon_points_max",
       "1000",
       "Points of one polygon of a filter, its holes included.",
       Limit(&L::filter_polygon_points_max, 3, 100'000)},
      {"limits.filter_write_points_max",
       "1000000",
       "Points that one write by a filter may change.",
       Limit(&L::filter_write_points_max, 1, 10'000'000)},
      {"limits.facet_values_max",
       "1000000",
       "Distinct values that one facet call counts.",
       Limit(&L::facet_values_max, 1, 100'000'000)},
      {"limits.page_size_max",
       "10000",
       "Points of one page; larger wishes are cut.",
       Limit(&L::page_size_max, 1, 1'000'000)},
  };
}

// Of what the server holds and does at once.
std::vector<Setting> ServerLimitSettings() {
  using L = Limits;
  constexpr uint64_t kGiB = 1ULL << 30;
  return {
      {"limits.collections_max",
       "1000",
       "Collections of the server.",
       Limit(&L::collections_max, 1, 100'000)},
      {"limits.connections_max",
       "1024",
       "Open connections; more are refused.",
       Limit(&L::connections_max, 1, 1'000'000)},
      {"limits.in_flight_requests_max",
       "128",
       "Calls at work at once; more are told to come back.",
       Limit(&L::in_flight_requests_max, 1, 10'000)},
      {"limits.delta_bytes_max",
       "64MiB",
       "A delta in memory is sealed at this size.",
       Limit(&L::delta_bytes_max, 64 << 10, 4 * kGiB)},
      {"limits.delta_rows_max",
       "20000",
       "Or at this many rows.",
       Limit(&L::delta_rows_max, 16, 10'000'000)},
      {"limits.unsealed_bytes_max",
       "1GiB",
       "Rows of a collection that wait in memory to be sealed; past it writes are told to come "
       "back.",
       Limit(&L::unsealed_bytes_max, 64 << 10, 1024 * kGiB)},
      {"limits.resident_bytes_max",
       "4GiB",
       "Codes and graphs of indexes in memory, with copies of codes for filters that come often; "
       "the rest is read from mapped files.",
       Limit(&L::resident_bytes_max, 0, 1024 * kGiB)},
      {"limits.commit_group_bytes_max",
       "32MiB",
       "Writes committed together.",
       Limit(&L::commit_group_bytes_max, 64 << 10, kGiB)},
      {"limits.request_ids_max",
       "100000",
       "Request ids remembered for retries.",
       Limit(&L::request_ids_max, 0, 10'000'000)},
      {"limits.disk_free_bytes_min",
       "256MiB",
       "With less free space writes are refused; deletes still work.",
       Limit(&L::disk_free_bytes_min, 0, 1ULL << 50)},
  };
}

std::vector<Setting> OtherSettings() {
  using C = ServerConfig;
  return {
      {"storage.block_cache_bytes",
       "256MiB",
       "RocksDB's block cache.",
       Number(&C::block_cache_bytes, 1 << 20, 1ULL << 40)},
      {"storage.write_buffer_bytes",
       "64MiB",
       "RocksDB's memtable, per column family.",
       Number(&C::write_buffer_bytes, 64 << 10, 4ULL << 30)},
      {"background.threads",
       "2",
       "Threads of one index build.",
       Number(&C::background_threads, 1, 256)},
      {"background.nice",
       "5",
       "Niceness of sealing: writes are refused when it falls far behind.",
       Number(&C::background_nice, 0, 19)},
      {"background.build_nice",
       "19",
       "Niceness of index builds: searches come first. On a machine that is always busy, less "
       "makes builds faster and the slowest searches slower.",
       Number(&C::build_nice, 0, 19)},
      {"background.seal_after_quiet_ms",
       "2000",
       "A delta of at least 1,000 rows without writes for this long is sealed and indexed.",
       Number(&C::seal_after_quiet_ms, 1, 86'400'000)},
      {"log.level",
       "info",
       "debug, info, warn or error.",
       Text(&C::log_level, {"debug", "info", "warn", "error"})},
      {"log.format",
       "auto",
       "text, json, or auto: text on a terminal, JSON otherwise.",
       Text(&C::log_format, {"auto", "text", "json"})},
  };
}

Status UnknownKey(const std::string& name, const std::string& origin) {
  std::vector<std::string> names;
  for (const Setting& setting : AllSettings()) {
    names.push_back(setting.name);
  }
  return InvalidArgument("{}: there is no setting \"{}\"; did you mean \"{}\"?",
                         origin,
                         name,
                         NearestName(name, names, /*edits_max=*/64));
}

// By the address itself: a name may begin like one ("127.example.org") and lead anywhere.
bool IsLoopback(const std::string& host) {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  in6_addr v6{};
  if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
    return IN6_IS_ADDR_LOOPBACK(&v6) != 0;
  }
  return host == "localhost";
}

bool IsSection(const std::string& name) {
  const auto& all = AllSettings();
  return std::any_of(
      all.begin(), all.end(), [&](const Setting& s) { return s.name.starts_with(name + "."); });
}

}  // namespace

const std::vector<Setting>& AllSettings() {
  static const std::vector<Setting> all = [] {
    std::vector<Setting> settings = ServerSettings();
    for (auto& more : {RequestLimitSettings(), ServerLimitSettings(), OtherSettings()}) {
      settings.insert(settings.end(), more.begin(), more.end());
    }
    return settings;
  }();
  return all;
}

Settings::Settings() {
  for (const Setting& setting : AllSettings()) {
    values_[setting.name] = {setting.default_value, "default"};
  }
}

Status Settings::Set(const std::string& name, const std::string& text, const std::string& origin) {
  const auto& all = AllSettings();
  const auto setting =
      std::find_if(all.begin(), all.end(), [&](const Setting& s) { return s.name == name; });
  if (setting == all.end()) {
    return UnknownKey(name, origin);
  }
  ServerConfig scratch;
  if (const Status status = setting->apply(text, scratch); !status.ok()) {
    return InvalidArgument("{}: {}: {}", origin, name, MessageOf(status));
  }
  values_[name] = {text, origin};
  return OkStatus();
}

Status Settings::LoadYaml(const std::string& path) {
  try {
    const YAML::Node root = YAML::LoadFile(path);
    if (root.IsNull()) {
      return OkStatus();
    }
    if (!root.IsMap()) {
      return InvalidArgument("{}: must be a map of sections", path);
    }
    for (const auto& section : root) {
      const auto section_name = section.first.as<std::string>();
      if (section.second.IsNull() && IsSection(section_name)) {
        continue;  // all of its keys are commented out
      }
      if (!section.second.IsMap()) {
        return InvalidArgument("{}:{}: section \"{}\" must be a map of keys",
                               path,
                               section.first.Mark().line + 1,
                               section_name);
      }
      for (const auto& entry : section.second) {
        const std::string origin = fmt::format("file {}:{}", path, entry.first.Mark().line + 1);
        const std::string name = section_name + "." + entry.first.as<std::string>();
        if (!entry.second.IsScalar()) {
          return InvalidArgument("{}: {} must be a single value", origin, name);
        }
        ALIDADE_RETURN_IF_ERROR(Set(name, entry.second.Scalar(), origin));
      }
    }
  } catch (const YAML::BadFile&) {
    return NotFound("the configuration file {} cannot be read", path);
  } catch (const YAML::Exception& error) {
    return InvalidArgument("{}:{}: {}", path, error.mark.line + 1, error.msg);
  }
  return OkStatus();
}

Status Settings::LoadEnvironment(const char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    const std::string entry = *environment;
    const size_t equals = entry.find('=');
    if (!entry.starts_with(kEnvironmentPrefix) || equals == std::string::npos) {
      continue;
    }
    const std::string variable = entry.substr(0, equals);
    std::string name = variable.substr(kEnvironmentPrefix.size());
    if (const size_t split = name.find("__"); split != std::string::npos) {
      name = name.substr(0, split) + "." + name.substr(split + 2);
    }
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    ALIDADE_RETURN_IF_ERROR(Set(name, entry.substr(equals + 1), "environment " + variable));
  }
  return OkStatus();
}

StatusOr<ServerConfig> Settings::ToConfig() const {
  ServerConfig config;
  for (const Setting& setting : AllSettings()) {
    ALIDADE_RETURN_IF_ERROR(setting.apply(values_.at(setting.name).text, config));
  }
  for (const auto& [name, address] :
       {std::pair<std::string, std::string>{"server.listen", config.listen},
        {"server.http_listen", config.http_listen}}) {
    ALIDADE_ASSIGN_OR_RETURN(const HostPort parsed, ParseHostPort(address));
    if (!parsed.loopback && !config.insecure_bind) {
      return InvalidArgument(
          "{} is {}, which others can reach, and there is no authentication yet. Use a loopback "
          "address, or set server.insecure_bind to true if the network is trusted",
          name,
          address);
    }
  }
  return config;
}

std::string Settings::Describe() const {
  std::string text;
  for (const Setting& setting : AllSettings()) {
    const Value& value = values_.at(setting.name);
    text += fmt::format("{:<34} {:<20} # {}\n", setting.name, value.text, value.origin);
  }
  return text;
}

std::string DefaultConfigFile() {
  std::string text =
      "# Alidade's settings with their defaults. A value may also come from the environment\n"
      "# (ALIDADE__SECTION__KEY) or from a flag (--set section.key=value), which win over this "
      "file.\n"
      "# Sizes may end in KiB, MiB or GiB.\n";
  std::string section;
  for (const Setting& setting : AllSettings()) {
    const size_t dot = setting.name.find('.');
    if (setting.name.substr(0, dot) != section) {
      section = setting.name.substr(0, dot);
      text += "\n" + section + ":\n";
    }
    text += fmt::format(
        "  # {}\n  {}: {}\n", setting.help, setting.name.substr(dot + 1), setting.default_value);
  }
  return text;
}

StatusOr<HostPort> ParseHostPort(const std::string& text) {
  const size_t colon = text.rfind(':');
  HostPort result;
  if (colon == std::string::npos) {
    return InvalidArgument("\"{}\" is no address: host:port is wanted", text);
  }
  ALIDADE_ASSIGN_OR_RETURN(const uint64_t port, ParseNumber(text.substr(colon + 1), 0, 65'535));
  result.port = static_cast<uint16_t>(port);
  result.host = text.substr(0, colon);
  if (result.host.size() >= 2 && result.host.front() == '[' && result.host.back() == ']') {
    result.host = result.host.substr(1, result.host.size() - 2);
  }
  if (result.host.empty()) {
    return InvalidArgument("\"{}\" is no address: the host is missing", text);
  }
  result.loopback = IsLoopback(result.host);
  return result;
}

}  // namespace alidade
