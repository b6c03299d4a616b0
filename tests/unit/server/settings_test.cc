#include "alidade/server/settings.h"

#include <errno.h>

#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "alidade/common/file.h"
#include "alidade/server/run.h"

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class SettingsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "alidade_settings_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr) << std::strerror(errno);
    directory_ = pattern;
  }
  void TearDown() override { EXPECT_THAT(RemoveTree(directory_), IsOk()); }

  std::string File(const std::string& content) const {
    const std::string path = directory_ + "/alidade.yaml";
    std::ofstream(path) << content;
    return path;
  }

  Status Load(const std::string& content) { return settings_.LoadYaml(File(content)); }

  // "value # origin" of one key.
  std::string Line(const std::string& name) const {
    std::istringstream lines(settings_.Describe());
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name + " ")) {
        return std::regex_replace(line.substr(name.size()), std::regex(" +"), " ");
      }
    }
    return "(none)";
  }

  std::string directory_;
  Settings settings_;
};

TEST_F(SettingsTest, EveryDefaultIsAllowedByItsOwnBounds) {
  for (const Setting& setting : AllSettings()) {
    ServerConfig config;
    EXPECT_THAT(setting.apply(setting.default_value, config), IsOk()) << setting.name;
    EXPECT_FALSE(setting.help.empty()) << setting.name;
    EXPECT_THAT(setting.name, ::testing::MatchesRegex("[a-z]+\\.[a-z_]+"));
    EXPECT_THAT(Line(setting.name), HasSubstr("# default")) << setting.name;
  }
  EXPECT_THAT(settings_.ToConfig(), IsOk());
}

TEST_F(SettingsTest, TheDefaultsOfTheLimitsAreThoseOfTheCode) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const ServerConfig config, settings_.ToConfig());
  const Limits defaults;
  EXPECT_EQ(config.limits.message_bytes_max, defaults.message_bytes_max);
  EXPECT_EQ(config.limits.batch_rows_max, defaults.batch_rows_max);
  EXPECT_EQ(config.limits.batch_queries_max, defaults.batch_queries_max);
  EXPECT_EQ(config.limits.dimension_max, defaults.dimension_max);
  EXPECT_EQ(config.limits.k_max, defaults.k_max);
  EXPECT_EQ(config.limits.ef_max, defaults.ef_max);
  EXPECT_EQ(config.limits.nprobe_max, defaults.nprobe_max);
  EXPECT_EQ(config.limits.payload_bytes_max, defaults.payload_bytes_max);
  EXPECT_EQ(config.limits.payload_depth_max, defaults.payload_depth_max);
  EXPECT_EQ(config.limits.filter_depth_max, defaults.filter_depth_max);
  EXPECT_EQ(config.limits.filter_nodes_max, defaults.filter_nodes_max);
  EXPECT_EQ(config.limits.filter_values_max, defaults.filter_values_max);
  EXPECT_EQ(config.limits.filter_text_bytes_max, defaults.filter_text_bytes_max);
  EXPECT_EQ(config.limits.filter_polygon_points_max, defaults.filter_polygon_points_max);
  EXPECT_EQ(config.limits.filter_write_points_max, defaults.filter_write_points_max);
  EXPECT_EQ(config.limits.facet_values_max, defaults.facet_values_max);
  EXPECT_EQ(config.limits.page_size_max, defaults.page_size_max);
  EXPECT_EQ(config.limits.collections_max, defaults.collections_max);
  EXPECT_EQ(config.limits.connections_max, defaults.connections_max);
  EXPECT_EQ(config.limits.in_flight_requests_max, defaults.in_flight_requests_max);
  EXPECT_EQ(config.limits.delta_bytes_max, defaults.delta_bytes_max);
  EXPECT_EQ(config.limits.delta_rows_max, defaults.delta_rows_max);
  EXPECT_EQ(config.limits.unsealed_bytes_max, defaults.unsealed_bytes_max);
  EXPECT_EQ(config.limits.resident_bytes_max, defaults.resident_bytes_max);
  EXPECT_EQ(config.limits.commit_group_bytes_max, defaults.commit_group_bytes_max);
  EXPECT_EQ(config.limits.request_ids_max, defaults.request_ids_max);
  EXPECT_EQ(config.limits.disk_free_bytes_min, defaults.disk_free_bytes_min);
}

TEST_F(SettingsTest, EachKeyChangesOnePlaceOfTheConfiguration) {
  // A key that is wired to the field of another would go unnoticed with the defaults alone.
  ASSERT_THAT(settings_.Set("limits.k_max", "11", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("limits.ef_max", "12", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("limits.nprobe_max", "13", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("limits.page_size_max", "14", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("limits.batch_rows_max", "15", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("limits.batch_queries_max", "16", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("limits.filter_depth_max", "17", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("limits.filter_nodes_max", "18", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("limits.filter_values_max", "19", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("limits.filter_text_bytes_max", "24", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("limits.filter_polygon_points_max", "25", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("limits.filter_write_points_max", "26", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("limits.facet_values_max", "27", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("storage.block_cache_bytes", "3MiB", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("storage.write_buffer_bytes", "2 MiB", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("server.shutdown_grace_ms", "21", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("server.slow_query_ms", "22", "flag"), IsOk());
  ASSERT_THAT(settings_.Set("server.deadline_max_ms", "23", "flag"), IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const ServerConfig config, settings_.ToConfig());
  EXPECT_EQ(config.limits.k_max, 11U);
  EXPECT_EQ(config.limits.ef_max, 12U);
  EXPECT_EQ(config.limits.nprobe_max, 13U);
  EXPECT_EQ(config.limits.page_size_max, 14U);
  EXPECT_EQ(config.limits.batch_rows_max, 15U);
  EXPECT_EQ(config.limits.batch_queries_max, 16U);
  EXPECT_EQ(config.limits.filter_depth_max, 17U);
  EXPECT_EQ(config.limits.filter_nodes_max, 18U);
  EXPECT_EQ(config.limits.filter_values_max, 19U);
  EXPECT_EQ(config.limits.filter_text_bytes_max, 24U);
  EXPECT_EQ(config.limits.filter_polygon_points_max, 25U);
  EXPECT_EQ(config.limits.filter_write_points_max, 26U);
  EXPECT_EQ(config.limits.facet_values_max, 27U);
  EXPECT_EQ(config.block_cache_bytes, 3U << 20);
  EXPECT_EQ(config.write_buffer_bytes, 2U << 20);
  EXPECT_EQ(config.shutdown_grace_ms, 21U);
  EXPECT_EQ(config.slow_query_ms, 22U);
  EXPECT_EQ(config.deadline_max_ms, 23U);
}

TEST_F(SettingsTest, ValuesOutOfBoundsAreRefusedWithTheRange) {
  struct Case {
    std::string name;
    std::string text;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"limits.k_max", "0", "\"0\" is no whole number from 1 to 1000000"},
      {"limits.k_max", "1000001", "from 1 to 1000000"},
      {"limits.k_max", "-1", "\"-1\" is no whole number"},
      {"limits.k_max", "+1", "\"+1\" is no whole number"},
      {"limits.k_max", "1.5", "\"1.5\" is no whole number"},
      {"limits.k_max", "", "\"\" is no whole number"},
      {"limits.k_max", "ten", "\"ten\" is no whole number"},
      {"limits.k_max", "10 ", "\"10 \" is no whole number"},
      {"limits.k_max", "1e3", "\"1e3\" is no whole number"},
      {"limits.dimension_max", "65537", "from 1 to 65536"},
      {"limits.message_bytes_max", "63KiB", "from 65536 to 2147483647"},
      {"limits.message_bytes_max", "2GiB", "from 65536 to 2147483647"},
      {"limits.message_bytes_max", "KiB", "\"KiB\" is no whole number"},
      {"limits.message_bytes_max", "1KB", "\"1KB\" is no whole number"},
      {"limits.delta_bytes_max", "18446744073709551615GiB", "is no whole number"},
      {"limits.delta_bytes_max", "18446744073709551616", "is no whole number"},
      {"server.deadline_max_ms", "0", "from 1 to 86400000"},
      {"background.nice", "20", "from 0 to 19"},
      {"background.build_nice", "20", "from 0 to 19"},
      {"background.threads", "0", "from 1 to 256"},
      {"log.level", "loud", "\"loud\" is not one of: debug, info, warn, error"},
      {"log.format", "xml", "\"xml\" is not one of: auto, text, json"},
      {"server.default_durability", "never", "\"never\" is not one of: durable, buffered"},
      {"server.reflection", "yes", "\"yes\" is neither true nor false"},
      {"server.insecure_bind", "1", "\"1\" is neither true nor false"},
      {"server.listen", "6500", "\"6500\" is no address: host:port is wanted"},
      {"server.http_listen", "localhost:65536", "from 0 to 65535"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name + "=" + c.text);
    EXPECT_THAT(settings_.Set(c.name, c.text, "flag"),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(StartsWith("flag: " + c.name + ": "), HasSubstr(c.message))));
    EXPECT_THAT(Line(c.name), HasSubstr("# default")) << "a refused value was taken";
  }
}

TEST_F(SettingsTest, BoundsThemselvesAreAllowed) {
  for (const auto& [name, text] :
       std::vector<std::pair<std::string, std::string>>{{"limits.k_max", "1"},
                                                        {"limits.k_max", "1000000"},
                                                        {"limits.message_bytes_max", "64KiB"},
                                                        {"limits.message_bytes_max", "2147483647"},
                                                        {"limits.disk_free_bytes_min", "0"},
                                                        {"background.nice", "19"}}) {
    EXPECT_THAT(settings_.Set(name, text, "flag"), IsOk()) << name << "=" << text;
  }
}

TEST_F(SettingsTest, AnUnknownKeyIsRefusedWithTheNearestName) {
  EXPECT_THAT(settings_.Set("limits.kmax", "5", "flag"),
              StatusIs(StatusCode::kInvalidArgument,
                       "flag: there is no setting \"limits.kmax\"; did you mean "
                       "\"limits.k_max\"?"));
  EXPECT_THAT(Load("server:\n  listne: 127.0.0.1:1\n"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("alidade.yaml:2: "),
                             HasSubstr("\"server.listne\""),
                             HasSubstr("did you mean \"server.listen\"?"))));
  const char* environment[] = {"ALIDADE__SERVER__DATADIR=/x", nullptr};
  EXPECT_THAT(settings_.LoadEnvironment(environment),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("environment ALIDADE__SERVER__DATADIR"),
                             HasSubstr("did you mean \"server.data_dir\"?"))));
}

TEST_F(SettingsTest, LaterSourcesWinAndTheOriginIsTold) {
  ASSERT_THAT(Load("limits:\n  k_max: 1\n  ef_max: 2\n  nprobe_max: 3\n"), IsOk());
  const char* environment[] = {"PATH=/bin",
                               "ALIDADE__LIMITS__EF_MAX=20",
                               "ALIDADE__LIMITS__NPROBE_MAX=30",
                               "ALIDADE_SERVER=elsewhere:1",
                               nullptr};
  ASSERT_THAT(settings_.LoadEnvironment(environment), IsOk());
  ASSERT_THAT(settings_.Set("limits.nprobe_max", "300", "flag"), IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const ServerConfig config, settings_.ToConfig());
  EXPECT_EQ(config.limits.k_max, 1U);
  EXPECT_EQ(config.limits.ef_max, 20U);
  EXPECT_EQ(config.limits.nprobe_max, 300U);
  EXPECT_EQ(Line("limits.k_max"), " 1 # file " + directory_ + "/alidade.yaml:2");
  EXPECT_EQ(Line("limits.ef_max"), " 20 # environment ALIDADE__LIMITS__EF_MAX");
  EXPECT_EQ(Line("limits.nprobe_max"), " 300 # flag");
  EXPECT_EQ(Line("limits.page_size_max"), " 10000 # default");
}

TEST_F(SettingsTest, MalformedYamlIsRefusedWithItsLine) {
  struct Case {
    std::string content;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"server:\n  listen: [1, 2\n", "alidade.yaml:"},
      {"server: \"open\nlog: x", "alidade.yaml:"},
      {"- a\n- b\n", "must be a map of sections"},
      {"just text\n", "must be a map of sections"},
      {"log:\n  level: info\nserver: 5\n", "alidade.yaml:3: section \"server\" must be a map"},
      {"log:\n  level: info\nserver:\n  listen: [a, b]\n",
       "alidade.yaml:4: server.listen must be a single value"},
      {"server:\n  data_dir:\n", "alidade.yaml:2: server.data_dir must be a single value"},
      {"nonsense:\n", "alidade.yaml:1: section \"nonsense\" must be a map"},
      {"limits:\n\n  k_max: many\n", "alidade.yaml:3: limits.k_max: \"many\" is no whole number"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.content);
    EXPECT_THAT(Load(c.content), StatusIs(StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
  EXPECT_THAT(settings_.LoadYaml(directory_ + "/missing.yaml"), StatusIs(StatusCode::kNotFound));
}

TEST_F(SettingsTest, FilesAndSectionsMayBeEmpty) {
  EXPECT_THAT(Load(""), IsOk());
  EXPECT_THAT(Load("# only a comment\n"), IsOk());
  EXPECT_THAT(Load("server:\n  # listen: 127.0.0.1:1\nlog:\n  level: warn\n"), IsOk());
  EXPECT_THAT(Line("log.level"), HasSubstr(" warn # file"));
}

TEST_F(SettingsTest, TheDefaultFileLoadsBackToTheDefaults) {
  ASSERT_THAT(Load(DefaultConfigFile()), IsOk());
  for (const Setting& setting : AllSettings()) {
    EXPECT_THAT(Line(setting.name),
                StartsWith(" " + setting.default_value + " # file " + directory_))
        << setting.name << " is not in the default file";
    EXPECT_THAT(DefaultConfigFile(), HasSubstr("# " + setting.help + "\n"));
  }
  EXPECT_THAT(settings_.ToConfig(), IsOk());
}

TEST_F(SettingsTest, AddressesThatOthersReachNeedTheFlag) {
  for (const std::string name : {"server.listen", "server.http_listen"}) {
    for (const std::string address : {"0.0.0.0:1", "[::]:1", "192.168.1.5:1", "example.org:1"}) {
      SCOPED_TRACE(name + "=" + address);
      Settings settings;
      ASSERT_THAT(settings.Set(name, address, "flag"), IsOk());
      EXPECT_THAT(
          settings.ToConfig(),
          StatusIs(StatusCode::kInvalidArgument,
                   AllOf(HasSubstr(name + " is " + address), HasSubstr("server.insecure_bind"))));
      ASSERT_THAT(settings.Set("server.insecure_bind", "true", "flag"), IsOk());
      EXPECT_THAT(settings.ToConfig(), IsOk());
    }
    for (const std::string address : {"127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"}) {
      Settings settings;
      ASSERT_THAT(settings.Set(name, address, "flag"), IsOk());
      EXPECT_THAT(settings.ToConfig(), IsOk()) << name << "=" << address;
    }
  }
}

TEST(ParseHostPortTest, SplitsAtTheLastColon) {
  struct Case {
    std::string text;
    std::string host;  // empty: refused
    uint16_t port = 0;
    bool loopback = false;
  };
  const std::vector<Case> cases = {
      {"127.0.0.1:6500", "127.0.0.1", 6500, true},
      {"localhost:0", "localhost", 0, true},
      {"[::1]:65535", "::1", 65535, true},
      {"::1:7", "::1", 7, true},
      {"[::]:7", "::", 7, false},
      {"0.0.0.0:7", "0.0.0.0", 7, false},
      {"db.example.org:7", "db.example.org", 7, false},
      // A name only looks like the network of loopback.
      {"127.example.org:7", "127.example.org", 7, false},
      {"", "", 0, false},
      {"localhost", "", 0, false},
      {":7", "", 0, false},
      {"localhost:", "", 0, false},
      {"localhost:x", "", 0, false},
      {"localhost:-1", "", 0, false},
      {"localhost:65536", "", 0, false},
      {"[]:7", "", 0, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto parsed = ParseHostPort(c.text);
    if (c.host.empty()) {
      EXPECT_THAT(parsed, StatusIs(StatusCode::kInvalidArgument));
      continue;
    }
    ASSERT_THAT(parsed, IsOk());
    EXPECT_EQ(parsed->host, c.host);
    EXPECT_EQ(parsed->port, c.port);
    EXPECT_EQ(parsed->loopback, c.loopback);
  }
}

TEST(ExitCodes, TellScriptsWhatWentWrong) {
  EXPECT_EQ(ExitCodeFor(OkStatus()), 0);
  EXPECT_EQ(ExitCodeFor(InvalidArgument("x")), 64);
  EXPECT_EQ(ExitCodeFor(DataLoss("x")), 65);
  EXPECT_EQ(ExitCodeFor(FailedPrecondition("x")), 69);
  EXPECT_EQ(ExitCodeFor(ResourceExhausted("x")), 69);
  EXPECT_EQ(ExitCodeFor(Unavailable("x")), 69);
  EXPECT_EQ(ExitCodeFor(NotFound("x")), 69);
  EXPECT_EQ(ExitCodeFor(Internal("x")), 70);
}

}  // namespace
}  // namespace alidade
