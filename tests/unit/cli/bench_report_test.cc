#include "bench_report.h"

#include "data_files.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class BenchReportTest : public DataFilesTest {};

TEST(BenchReportJson, TheMachineIsTold) {
  const Json machine = MachineJson();
  EXPECT_GE(machine.at("processors").get<int>(), 1);
  EXPECT_THAT(machine.at("memory").get<std::string>(), HasSubstr("kB"));
  EXPECT_FALSE(machine.at("kernel").get<std::string>().empty());
  EXPECT_GT(machine.at("unix_time").get<int64_t>(), 1'700'000'000);
  EXPECT_TRUE(machine.at("processor").is_string());
}

TEST(BenchReportJson, LatenciesAreToldInMilliseconds) {
  Latencies latencies;
  for (int i = 1; i <= 100; ++i) {
    latencies.Add(i / 1e3);
  }
  const Json json = LatencyJson(latencies);
  EXPECT_EQ(json.at("count"), 100);
  EXPECT_DOUBLE_EQ(json.at("mean_ms"), 50.5);
  EXPECT_DOUBLE_EQ(json.at("p50_ms"), 50);
  EXPECT_DOUBLE_EQ(json.at("p95_ms"), 95);
  EXPECT_DOUBLE_EQ(json.at("p99_ms"), 99);
  EXPECT_EQ(LatencyJson(Latencies()).at("p99_ms"), 0);
}

TEST_F(BenchReportTest, AFileIsReplaced) {
  const std::string path = Write("report.json", std::string(10'000, 'x'));
  const Json report = {{"ingest", {{"rows", 7}}}, {"search", Json::array()}};
  ASSERT_THAT(WriteReport(path, report), IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const std::string text, ReadWholeFile(path));
  EXPECT_EQ(Json::parse(text), report);
  EXPECT_EQ(text.back(), '\n');
}

TEST_F(BenchReportTest, ADashIsStandardOutputAndAnEmptyPathNothing) {
  ::testing::internal::CaptureStdout();
  ASSERT_THAT(WriteReport("", {{"a", 1}}), IsOk());
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  ::testing::internal::CaptureStdout();
  ASSERT_THAT(WriteReport("-", {{"a", 1}}), IsOk());
  EXPECT_EQ(Json::parse(::testing::internal::GetCapturedStdout()), Json({{"a", 1}}));
}

TEST_F(BenchReportTest, AFileThatCannotBeWrittenIsToldByName) {
  const std::string path = Path("nowhere/report.json");
  EXPECT_THAT(WriteReport(path, {}), StatusIs(StatusCode::kInternal, HasSubstr(path)));
}

}  // namespace
}  // namespace alidade
