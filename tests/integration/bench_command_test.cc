// `alidade bench` on small sets, through the real binary.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "integration/client.h"
#include "integration/command.h"
#include "support/server_process.h"

namespace alidade::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr uint64_t kRows = 600;
constexpr uint64_t kQueries = 20;
constexpr size_t kDim = 8;
constexpr size_t kDepth = 10;

std::string Npy(uint64_t rows, uint64_t columns, const std::vector<float>& values) {
  std::string header =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  header.resize(117, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header +
         Packed(values);
}

class BenchCommandTest : public ::testing::Test {
 protected:
  BenchCommandTest() {
    std::filesystem::create_directory(set());
    for (uint64_t row = 0; row < kRows + kQueries; ++row) {
      const std::vector<float> vector = RandomVector(row + 1, kDim);
      auto& part = row < kRows ? base_ : queries_;
      part.insert(part.end(), vector.begin(), vector.end());
    }
    Write("base.npy", Npy(kRows, kDim, base_));
    Write("queries.npy", Npy(kQueries, kDim, queries_));
    Write("dataset.json", R"({"metric": "l2"})");
  }

  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }
  std::string set() const { return Path("set"); }
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(set() + "/" + name, std::ios::binary) << bytes;
  }

  // The true distances, by a plain loop.
  void WriteTruth() const {
    std::vector<float> truth;
    for (uint64_t query = 0; query < kQueries; ++query) {
      std::vector<float> distances;
      for (uint64_t row = 0; row < kRows; ++row) {
        double sum = 0;
        for (size_t i = 0; i < kDim; ++i) {
          const double difference = queries_[query * kDim + i] - base_[row * kDim + i];
          sum += difference * difference;
        }
        distances.push_back(static_cast<float>(std::sqrt(sum)));
      }
      std::sort(distances.begin(), distances.end());
      truth.insert(truth.end(), distances.begin(), distances.begin() + kDepth);
    }
    Write("distances.npy", Npy(kQueries, kDepth, truth));
  }

  // `alidade bench <set> --json <file> --seconds 0.1 <arguments>`, which must succeed.
  Json Run(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {
        "bench", set(), "--json", Path("report.json"), "--seconds", "0.1"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const CommandResult result = RunCommand(all);
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    std::ifstream file(Path("report.json"));
    return Json::parse(file, nullptr, /*allow_exceptions=*/false);
  }

  static void CheckSearch(const Json& search, size_t k) {
    EXPECT_EQ(search.at("k"), k);
    EXPECT_GE(search.at("recall").get<double>(), 0.999) << search;
    EXPECT_LE(search.at("recall").get<double>(), 1.0) << search;
    EXPECT_GT(search.at("queries_per_second").get<double>(), 0);
    const Json& calls = search.at("calls");
    EXPECT_GE(calls.at("count").get<int>(), 1);
    EXPECT_GT(calls.at("p50_ms").get<double>(), 0);
    EXPECT_LE(calls.at("p50_ms").get<double>(), calls.at("p95_ms").get<double>());
    EXPECT_LE(calls.at("p95_ms").get<double>(), calls.at("p99_ms").get<double>());
    EXPECT_GE(search.at("cpu_us_per_query").at("client_user").get<double>(), 0);
  }

  TemporaryDirectory directory_;
  std::vector<float> base_;
  std::vector<float> queries_;
};

TEST_F(BenchCommandTest, AServerOfItsOwnIsMeasuredWithRestartAndMemory) {
  const Json report = Run({"--spawn",
                           Path("data"),
                           "--batch",
                           "100",
                           "--writers",
                           "2",
                           "--durability",
                           "buffered",
                           "-k",
                           "5",
                           "--ef",
                           "0,50",
                           "--clients",
                           "1,2"});
  ASSERT_TRUE(report.is_object());
  EXPECT_EQ(report.at("schema").at("metric"), "l2");  // of the set
  EXPECT_EQ(report.at("dataset"), set());
  EXPECT_GE(report.at("machine").at("processors").get<int>(), 1);
  const Json& ingest = report.at("ingest");
  EXPECT_EQ(ingest.at("rows"), kRows);
  EXPECT_EQ(ingest.at("batches").at("count"), kRows / 100);
  EXPECT_EQ(ingest.at("durability"), "buffered");
  EXPECT_NEAR(ingest.at("rows_per_second").get<double>() * ingest.at("seconds").get<double>(),
              static_cast<double>(kRows),
              1);
  EXPECT_GE(report.at("index").at("segments").get<int>(), 1);
  EXPECT_GE(report.at("index").at("settled_seconds_after").get<double>(),
            report.at("index").at("indexed_seconds_after").get<double>());
  EXPECT_EQ(report.at("truth"), "exact search");
  ASSERT_EQ(report.at("search").size(), 4U);
  for (const Json& search : report.at("search")) {
    CheckSearch(search, 5);
    EXPECT_TRUE(search.at("cpu_us_per_query").contains("server_user"));
  }
  EXPECT_EQ(report.at("search").at(1).at("ef"), 50);
  EXPECT_EQ(report.at("search").at(3).at("clients"), 2);
  EXPECT_EQ(report.at("restart_seconds").size(), 3U);
  EXPECT_GT(report.at("restart_seconds").at(0).get<double>(), 0);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_GT(report.at("restart_full_speed_seconds").at(i), report.at("restart_seconds").at(i));
    EXPECT_GT(report.at("restart_first_window_share").at(i).get<double>(), 0);
  }
  EXPECT_GT(report.at("peak_resident_bytes").get<uint64_t>(), uint64_t{1} << 20);
  EXPECT_GT(report.at("anonymous_bytes").get<uint64_t>(), uint64_t{1} << 20);
}

TEST_F(BenchCommandTest, ARunningServerIsMeasuredAgainstTheTruthOfTheSet) {
  ServerOptions options;
  options.data_dir = Path("data");
  ServerProcess server(options);
  ASSERT_TRUE(server.ready()) << server.Log();
  WriteTruth();
  const std::string address = server.address();
  Json report = Run({"--server", address, "--ingest-only", "--collection", "mine"});
  EXPECT_EQ(report.at("ingest").at("rows"), kRows);
  EXPECT_FALSE(report.contains("search"));

  report = Run({"--server",
                address,
                "--skip-ingest",
                "--collection",
                "mine",
                "--queries-per-call",
                "7",
                "--client-style",
                "threads"});
  EXPECT_FALSE(report.contains("ingest"));
  EXPECT_EQ(report.at("truth"), "data set");
  ASSERT_EQ(report.at("search").size(), 1U);
  CheckSearch(report.at("search").at(0), kDepth);
  EXPECT_EQ(report.at("search").at(0).at("queries_per_call"), 7);
  // Whose server it is was not said: nobody measured its processor time.
  EXPECT_FALSE(report.at("search").at(0).at("cpu_us_per_query").contains("server_user"));
  EXPECT_FALSE(report.contains("restart_seconds"));

  // A part of the set has another truth, and so have more hits than the set's truth is deep.
  report = Run({"--server", address, "--limit", "300", "--collection", "part", "--exact"});
  EXPECT_EQ(report.at("ingest").at("rows"), 300);
  EXPECT_EQ(report.at("truth"), "exact search");
  CheckSearch(report.at("search").at(0), kDepth);
  report = Run({"--server", address, "--skip-ingest", "--collection", "mine", "-k", "11"});
  EXPECT_EQ(report.at("truth"), "exact search");
  CheckSearch(report.at("search").at(0), 11);
}

TEST_F(BenchCommandTest, BadFlagsAreRefusedByName) {
  struct Case {
    std::vector<std::string> arguments;
    std::string message;
  };
  for (const Case& c : std::vector<Case>{{{}, "dataset is required"},
                                         {{set(), "--writers", "0"}, "--writers"},
                                         {{set(), "--writers", "-1"}, "--writers"},
                                         {{set(), "--batch", "0"}, "--batch"},
                                         {{set(), "-k", "0"}, "-k"},
                                         {{set(), "--seconds", "-1"}, "--seconds"},
                                         {{set(), "--clients", "1,0"}, "--clients"},
                                         {{set(), "--queries-per-call", "0"}, "--queries-per-call"},
                                         {{set(), "--ef", "many"}, "--ef"},
                                         {{set(), "--client-style", "fast"}, "--client-style"},
                                         {{set(), "--durability", "none"}, "--durability"},
                                         {{set(), "--metric", "hamming"}, "--metric"},
                                         {{set(), "--nothing"}, "--nothing"}}) {
    std::vector<std::string> all = {"bench"};
    all.insert(all.end(), c.arguments.begin(), c.arguments.end());
    const CommandResult result = RunCommand(all);
    EXPECT_EQ(result.exit_code, 64) << c.message << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr(c.message));
  }
}

TEST_F(BenchCommandTest, BadSetsAndServersAreRefusedWithTheReason) {
  ServerOptions options;
  options.data_dir = Path("data");
  ServerProcess server(options);
  ASSERT_TRUE(server.ready()) << server.Log();
  const auto expect_refused = [&](const std::string& message) {
    const CommandResult result = RunCommand({"bench",
                                             set(),
                                             "--server",
                                             server.address(),
                                             "--json",
                                             Path("report.json"),
                                             "--seconds",
                                             "0.1"});
    EXPECT_EQ(result.exit_code, 1) << result.out;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_FALSE(std::filesystem::exists(Path("report.json")));
  };
  CommandResult result = RunCommand({"bench", Path("nowhere"), "--server", server.address()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("nowhere has no base.npy"));

  Write("dataset.json", R"({"metric": "hamming"})");
  expect_refused("the metric \"hamming\" is none of cosine, dot, l2");
  Write("dataset.json", R"({"metric": 2})");
  expect_refused("the metric 2 is none of");
  Write("dataset.json", R"({"metric": "l2"})");
  Write("queries.npy", Npy(0, kDim, {}));
  expect_refused("has no queries");
  Write("queries.npy", Npy(kQueries, kDim, queries_).substr(0, 200));
  expect_refused("queries.npy is shorter than its header says");
  Write("queries.npy", Npy(2, 3, std::vector<float>(6, 1)));
  expect_refused("queries[0].vector");

  result = RunCommand({"bench", set(), "--server", "127.0.0.1:1", "--timeout", "2"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_FALSE(result.err.empty());
  EXPECT_TRUE(server.Running());
}

}  // namespace
}  // namespace alidade::testing
