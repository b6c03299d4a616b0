// The command line through the real binary, against a real server.
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <regex>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/client.h"
#include "integration/command_server_test.h"
#include "support/server_process.h"

namespace alidade::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kRows = 6'000;
constexpr size_t kDim = 16;

std::vector<float> VectorOf(uint64_t row) { return RandomVector(row + 1, kDim); }

class CliTest : public CommandServerTest {
 protected:
  // Words "w<row>" with parity, and their vectors.
  void WriteDataset() const {
    std::ofstream matrix(Path("set.npy"), std::ios::binary);
    std::string header =
        fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", kRows, kDim);
    header.resize(117, ' ');
    header += '\n';
    matrix << std::string("\x93NUMPY\x01\x00", 8) << static_cast<char>(header.size()) << '\0'
           << header;
    std::ofstream lines(Path("set.jsonl"));
    for (uint64_t row = 0; row < kRows; ++row) {
      matrix << Packed(VectorOf(row));
      lines << fmt::format("{{\"id\": {}, \"payload\": {{\"word\": \"w{}\", \"odd\": {}}}}}\n",
                           row + 1'000,
                           row,
                           row % 2 == 1);
    }
  }

  uint64_t Count(const std::string& collection) const {
    Client client(server_->address());
    v1::CountPointsRequest request;
    request.set_collection(collection);
    return Must(client, request).count();
  }

  // A damaged byte in the middle of the first file that ends so.
  void DamageFile(const std::string& ending) const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path("data"))) {
      if (entry.is_regular_file() && entry.path().string().ends_with(ending) &&
          entry.file_size() > 0) {
        std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
        const auto middle = static_cast<std::streamoff>(entry.file_size() / 2);
        file.seekg(middle);
        const int byte = file.get();
        file.seekp(middle);
        file.put(static_cast<char>(byte ^ 0x40));
        return;
      }
    }
    ADD_FAILURE() << "no file ends in " << ending;
  }
};

TEST_F(CliTest, AnImportThatWasKilledGoesOnWhereItWas) {
  ASSERT_TRUE(server_->ready()) << server_->Log();
  WriteDataset();
  const std::vector<std::string> import = {"import",
                                           Path("set.npy"),
                                           "--collection",
                                           "words",
                                           "--create",
                                           "--metric",
                                           "l2",
                                           "--field",
                                           "v",
                                           "--batch",
                                           "20",
                                           "--writers",
                                           "2",
                                           "--progress-file",
                                           Path("progress"),
                                           "--server",
                                           server_->address()};
  uint64_t before = 0;
  {
    Command first(import);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::error_code missing;
    while (std::filesystem::file_size(Path("progress"), missing) + 1 < 200 &&
           std::chrono::steady_clock::now() < give_up) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    first.Kill();
    before = Count("words");
    EXPECT_LT(before, kRows) << "the import was over before it was killed";
    EXPECT_GT(before, 0U);
  }
  const CommandResult verified = Run({"verify",
                                      Path("set.npy"),
                                      "--collection",
                                      "words",
                                      "--field",
                                      "v",
                                      "--progress-file",
                                      Path("progress")});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;

  const CommandResult second = RunCommand(import);
  EXPECT_EQ(second.exit_code, 0) << second.err;
  std::smatch parts;
  ASSERT_TRUE(std::regex_search(
      second.out,
      parts,
      std::regex(R"(^(\d+) rows acknowledged .* \((\d+) rows were there before)")))
      << second.out;
  EXPECT_EQ(std::stoull(parts[1]) + std::stoull(parts[2]), kRows);
  EXPECT_GT(std::stoull(parts[2]), 0U);
  EXPECT_LE(std::stoull(parts[2]), before);
  EXPECT_EQ(Count("words"), kRows);
  const CommandResult all =
      Run({"verify", Path("set.npy"), "--collection", "words", "--field", "v"});
  EXPECT_EQ(all.exit_code, 0) << all.out;
  EXPECT_THAT(all.out, HasSubstr("6000 acknowledged rows checked: 0 missing or different"));
  // A third run has nothing to do; one of another set must not use the file.
  EXPECT_THAT(RunCommand(import).out, HasSubstr("0 rows acknowledged"));
  std::vector<std::string> other = import;
  other[3] = "others";
  const CommandResult refused = RunCommand(other);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("belongs to another import"));
}

TEST_F(CliTest, SearchesPointsAndCollectionsAreThereForPeople) {
  ASSERT_TRUE(server_->ready()) << server_->Log();
  WriteDataset();
  ASSERT_EQ(Run({"collections",
                 "create",
                 "words",
                 "--dim",
                 "16",
                 "--metric",
                 "l2",
                 "--field",
                 "v",
                 "--index",
                 "hnsw",
                 "--m",
                 "8"})
                .exit_code,
            0);
  const CommandResult import = Run({"import",
                                    Path("set.npy"),
                                    "--collection",
                                    "words",
                                    "--field",
                                    "v",
                                    "--quiet",
                                    "--durability",
                                    "buffered"});
  ASSERT_EQ(import.exit_code, 0) << import.err;

  CommandResult result =
      Run({"search", "words", "--file", Path("set.npy"), "--row", "7", "-k", "3"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(ContainsRegex("1 +1007 +-0.0000 +.*\"w7\""), HasSubstr("3 hits")));
  result = Run({"search",
                "words",
                "--id",
                "1007",
                "--filter",
                "odd = false",
                "--exact",
                "--keys",
                "odd",
                "-k",
                "4"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("4 hits"),
                    HasSubstr("exact ranking"),
                    HasSubstr("{\"odd\":false}"),
                    Not(HasSubstr("true")),
                    Not(HasSubstr("word"))));
  result = Run({"search", "words", "--id", "1007", "--filter", "odd = no"});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, HasSubstr("filter, column 7: expected a value"));
  result = Run({"search", "words", "--vector", "[1, 2]"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("INVALID_ARGUMENT"), HasSubstr("field queries[0].vector")));

  result = Run({"points", "get", "words", "1007", "--vectors"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\"w7\""));
  EXPECT_EQ(Run({"points", "get", "words", "1007", "4711000"}).exit_code, 1);
  EXPECT_EQ(Run({"points", "count", "words", "--filter", "odd = true"}).out, "3000\n");
  EXPECT_THAT(Run({"points", "list", "words", "--limit", "2"}).out,
              ContainsRegex("^1000  .*w0.*\n1001  .*w1.*\n$"));
  result = Run({"points", "list", "words", "--order-by", "odd:desc"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("FAILED_PRECONDITION"), HasSubstr("CreatePayloadIndex")));
  EXPECT_EQ(Run({"points", "list", "words", "--start-from", "7"}).exit_code, 64);
  EXPECT_EQ(Run({"collections", "index", "words", "word", "keyword"}).exit_code, 0);
  EXPECT_THAT(Run({"points", "list", "words", "--order-by", "word:desc", "--limit", "2"}).out,
              ContainsRegex("^1999  .*w999.*\n1998  .*w998.*\n$"));
  EXPECT_THAT(Run({"points",
                   "list",
                   "words",
                   "--order-by",
                   "word",
                   "--start-from",
                   "w1000",
                   "--limit",
                   "1"})
                  .out,
              ContainsRegex("^2000  .*w1000.*\n$"));
  EXPECT_EQ(Run({"points", "facet", "words", "odd", "--by-value"}).out,
            "      3000  false\n      3000  true\n");
  EXPECT_EQ(Run({"points", "facet", "words", "word", "--contains", "W77", "--limit", "2"}).out,
            "         1  \"w77\"\n         1  \"w770\"\n       ...  of 11 values (--limit)\n");
  EXPECT_EQ(Run({"points", "bounds", "words", "word", "--filter", "odd = true"}).out,
            "strings    \"w1\" .. \"w999\"\n");
  EXPECT_EQ(Run({"points", "bounds", "words", "nowhere"}).out, "no numbers and no strings\n");
  EXPECT_EQ(Run({"points", "facet", "words", "odd", "--filter", "odd ="}).exit_code, 64);
  EXPECT_THAT(Run({"points", "delete", "words", "1007", "9"}).out, HasSubstr("1 points deleted"));

  EXPECT_THAT(Run({"flush", "words"}).out, HasSubstr("durable and sealed"));
  EXPECT_THAT(Run({"wait-indexed", "words"}).out, HasSubstr("indexed 5999, pending 0"));
  EXPECT_THAT(Run({"stats", "words"}).out,
              AllOf(HasSubstr("points 5999"),
                    HasSubstr("hnsw"),
                    HasSubstr("with codes int8"),
                    ContainsRegex("walk codes +(6000|5999) +"),
                    ContainsRegex("links +(6000|5999) +")));
  EXPECT_THAT(Run({"stats", "words", "--json"}).out, HasSubstr("\"point_count\": \"5999\""));
  EXPECT_EQ(Run({"collections", "alias", "nick", "words"}).exit_code, 0);
  EXPECT_THAT(Run({"collections", "list"}).out,
              AllOf(HasSubstr("words"),
                    HasSubstr("5999 points"),
                    HasSubstr("v: 16 x l2, hnsw m=8"),
                    HasSubstr("alias nick")));
  EXPECT_EQ(Run({"collections", "update", "nick", "--ef", "50"}).exit_code, 0);
  EXPECT_THAT(Run({"collections", "describe", "words"}).out, HasSubstr("\"ef\": 50"));
  EXPECT_EQ(Run({"collections", "alias", "nick", "--remove"}).exit_code, 0);
  EXPECT_EQ(Run({"collections", "delete", "words"}).exit_code, 0);
  result = Run({"collections", "delete", "words"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("NOT_FOUND"));
  EXPECT_EQ(Run({"collections", "delete", "words", "--allow-missing"}).exit_code, 0);
  EXPECT_THAT(Run({"info"}).out, HasSubstr("\"instruction_set\""));
}

TEST_F(CliTest, ABatchIsDoneAsOneOrNotAtAll) {
  ASSERT_TRUE(server_->ready()) << server_->Log();
  for (const char* name : {"left", "right"}) {
    ASSERT_EQ(Run({"collections", "create", name, "--dim", "2", "--metric", "l2", "--field", "v"})
                  .exit_code,
              0);
  }
  const std::string file = Path("batch.jsonl");
  std::ofstream(file)
      << R"({"op": "upsert", "collection": "left", "points": [{"id": 1, "vectors": {"v": [1, 2]}, "payload": {"a": 1}}, {"id": "x"}]})"
      << "\n\n"
      << R"({"op": "upsert", "collection": "right", "points": [{"id": 1}], "mode": "update_only"})"
      << "\n"
      << R"({"op": "set_payload", "collection": "left", "filter": "a = 1", "payload": {"b": [true]}})"
      << "\n"
      << R"({"op": "delete", "collection": "left", "ids": ["x", 9]})"
      << "\n";
  CommandResult result = Run({"batch", file, "--request-id", "once"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(
      result.out,
      ContainsRegex("^0: 2 points upserted\n1: 0 points upserted, 1 left alone\n2: 1 points "
                    "updated\n3: 1 points deleted\nseq [0-9]+\n$"));
  EXPECT_THAT(Run({"points", "list", "left"}).out, ContainsRegex("^1  .\"a\":1,\"b\":.true..\n$"));
  EXPECT_EQ(Count("right"), 0U);
  EXPECT_THAT(Run({"batch", file, "--request-id", "once"}).out, HasSubstr("written before"));

  // The second operation is refused, so the first one is not done.
  std::ofstream(file) << R"({"op": "delete", "collection": "left", "ids": [1]})"
                      << "\n"
                      << R"({"op": "delete", "collection": "nowhere", "ids": [1]})";
  result = Run({"batch", file});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("NOT_FOUND"), HasSubstr("operations[1]")));
  EXPECT_EQ(Count("left"), 1U);
  std::ofstream(file) << R"({"op": "delete", "collection": "left"})";
  result = Run({"batch", file});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, HasSubstr("batch.jsonl:1: either"));
  std::ofstream(file) << "";
  EXPECT_THAT(Run({"batch", file}).err, HasSubstr("field operations"));
  EXPECT_EQ(Run({"batch", Path("nothing.jsonl")}).exit_code, 64);
}

TEST_F(CliTest, HealthIsAnExitCode) {
  ASSERT_TRUE(server_->ready()) << server_->Log();
  CommandResult result = Run({"health"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "serving\n");
  result = RunCommand({"health"}, {{"ALIDADE_SERVER", server_->address()}});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  server_->Kill();
  result = Run({"health", "--timeout", "1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("Is a server running on " + server_->address()));
}

TEST_F(CliTest, CheckTellsCleanRepairableAndLostApart) {
  ASSERT_TRUE(server_->ready()) << server_->Log();
  WriteDataset();
  ASSERT_EQ(Run({"import",
                 Path("set.npy"),
                 "--collection",
                 "words",
                 "--create",
                 "--metric",
                 "l2",
                 "--quiet"})
                .exit_code,
            0);
  ASSERT_EQ(Run({"flush"}).exit_code, 0);
  CommandResult check = RunCommand({"check", Path("data")});
  EXPECT_EQ(check.exit_code, 69) << "a directory in use was checked: " << check.out;
  ASSERT_EQ(server_->Stop(), 0) << server_->Log();

  check = RunCommand({"check", Path("data")});
  EXPECT_EQ(check.exit_code, 0) << check.out << check.err;
  EXPECT_THAT(
      check.out,
      AllOf(HasSubstr("collection \"words\": 6000 points"), HasSubstr("0 problems, 0 repairs")));
  EXPECT_EQ(RunCommand({"check", Path("nothing")}).exit_code, 69);

  DamageFile(".vec");
  check = RunCommand({"check", Path("data")});
  EXPECT_EQ(check.exit_code, 1) << check.out << check.err;
  EXPECT_THAT(check.out, AllOf(HasSubstr("repair"), HasSubstr("replayed from the store")));
  // Looking changes nothing.
  EXPECT_EQ(RunCommand({"check", Path("data")}).exit_code, 1);

  DamageFile(".sst");
  check = RunCommand({"check", Path("data")});
  EXPECT_EQ(check.exit_code, 65) << check.out << check.err;
  EXPECT_THAT(check.out + check.err, HasSubstr("orrupt"));
}

TEST(CliWithoutServer, TheConfigurationIsPrintedWithItsOrigins) {
  TemporaryDirectory directory;
  const std::string file = directory.path() + "/alidade.yaml";
  std::ofstream(file) << "limits:\n  k_max: 7\n  ef_max: 8\n";
  const std::map<std::string, std::string> environment = {{"ALIDADE__LIMITS__EF_MAX", "9"}};
  CommandResult result = RunCommand({"serve",
                                     "--config",
                                     file,
                                     "--set",
                                     "log.level=warn",
                                     "--data-dir",
                                     "/somewhere",
                                     "--print-config"},
                                    environment);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(ContainsRegex("limits.k_max +7 +# file " + file + ":2\n"),
                    ContainsRegex("limits.ef_max +9 +# environment ALIDADE__LIMITS__EF_"
                                  "MAX\n"),
                    ContainsRegex("log.level +warn +# flag\n"),
                    ContainsRegex("server.data_dir +/somewhere +# flag\n"),
                    ContainsRegex("limits.nprobe_max +65536 +# default\n")));
  EXPECT_FALSE(std::filesystem::exists("/somewhere"));

  // The printed default file is a configuration.
  result = RunCommand({"config"});
  EXPECT_EQ(result.exit_code, 0);
  std::ofstream(file) << result.out;
  EXPECT_EQ(RunCommand({"serve", "--config", file, "--print-config"}).exit_code, 0);
}

TEST(CliWithoutServer, MistakesAreToldWithTheirExitCode) {
  TemporaryDirectory directory;
  const std::string file = directory.path() + "/alidade.yaml";
  struct Case {
    std::vector<std::string> arguments;
    std::string content;  // of the file
    std::string message;
  };
  const std::vector<Case> cases = {
      {{"serve", "--wrong"}, "", "--wrong"},
      {{"dance"}, "", "there is no command \"dance\"; there are: serve, "},
      {{"serach", "words"}, "", "there is no command \"serach\"; did you mean \"search\"?"},
      {{"stat"}, "", "did you mean \"stats\"?"},
      {{"collections", "lst"},
       "",
       "no command \"collections lst\"; did you mean \"collections list\"?"},
      {{"points", "dance"}, "", "no command \"points dance\"; there are: get, "},
      {{"collections"}, "", "subcommand"},
      {{}, "", "subcommand"},
      {{"serve", "--set", "limits.kmax=5"}, "", "did you mean \"limits.k_max\"?"},
      {{"serve", "--set", "limits.k_max"}, "", "section.key=value is wanted"},
      {{"serve", "--set", "limits.k_max=0"}, "", "from 1 to 1000000"},
      {{"serve", "--listen", "0.0.0.0:0"}, "", "server.insecure_bind"},
      {{"serve", "--listen", "nowhere"}, "", "host:port is wanted"},
      {{"serve", "--config", file + ".missing"}, "", "cannot be read"},
      {{"serve", "--config", file}, "server:\n  lisen: x\n", ":2: there is no setting"},
      {{"serve", "--config", file}, "server: [\n", file + ":"},
      {{"search", "c", "--id", "1", "--vector", "[1]"}, "", "excludes"},
      {{"import", "x.npy"}, "", "--collection"},
      {{"check"}, "", "directory"},
      {{"collections", "create", "c", "--dim", "4", "--metric", "euclid"}, "", "euclid"},
  };
  for (const Case& c : cases) {
    std::ofstream(file) << c.content;
    const CommandResult result = RunCommand(c.arguments);
    std::string line;
    for (const std::string& argument : c.arguments) {
      line += argument + " ";
    }
    SCOPED_TRACE(line);
    EXPECT_EQ(result.exit_code, 64) << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr(c.message));
  }
  EXPECT_EQ(RunCommand({"--help"}).exit_code, 0);
  EXPECT_EQ(RunCommand({"import", "--help"}).exit_code, 0);
}

}  // namespace
}  // namespace alidade::testing
