// Bad input gets a clear error and changes nothing: one table, and after every row the whole state
// is compared.
#include "integration/bad_input.h"

#include <string>

#include <gtest/gtest.h>

#include "integration/raw_call.h"
#include "support/server_process.h"

namespace alidade::testing {
namespace {

std::vector<BadInput> AllBadInput(int port) {
  std::vector<BadInput> all;
  for (auto&& part : {BadUpserts(),
                      BadBatches(),
                      BadReads(),
                      BadOrdersAndFacets(),
                      BadWrites(),
                      BadFilters(),
                      BadSearches(),
                      BadCollections(),
                      BadTransport(port)}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

class BadInputTest : public ::testing::Test {
 protected:
  BadInputTest()
      : server_({.data_dir = directory_.path() + "/data",
                 .settings = {"limits.message_bytes_max=" + std::to_string(kBadInputMessageBytes)},
                 .environment = {},
                 .flags = {}}),
        client_(server_.address()) {}

  TemporaryDirectory directory_;
  ServerProcess server_;
  Client client_;
};

TEST_F(BadInputTest, EveryRowGetsItsErrorAndChangesNothing) {
  ASSERT_TRUE(server_.ready()) << server_.Log();
  MakeBadInputData(client_);
  std::string before = WholeState(client_);
  size_t rows = 0;
  for (const BadInput& row : AllBadInput(server_.port())) {
    SCOPED_TRACE(row.name);
    const grpc::Status status = row.call(client_);
    EXPECT_EQ(status.error_code(), row.code) << Describe(status);
    EXPECT_EQ(FieldOfError(status), row.field) << Describe(status);
    // Client and server both watch the deadline: whoever is first makes the error.
    if (row.code != grpc::StatusCode::DEADLINE_EXCEEDED) {
      EXPECT_EQ(ReasonOfError(status), row.reason) << Describe(status);
    }
    if (row.code == grpc::StatusCode::OK) {
      row.after(client_);
      before = WholeState(client_);
      continue;
    }
    if (!row.field.empty()) {
      // The message says the same to people who do not look into details.
      EXPECT_NE(status.error_message().find(row.field + ": "), std::string::npos)
          << Describe(status);
    }
    if (!row.reason.empty()) {
      EXPECT_FALSE(status.error_message().empty());
      const auto request = DetailOf<google::rpc::RequestInfo>(status);
      EXPECT_TRUE(request.has_value() && !request->request_id().empty());
    }
    const std::string after = WholeState(client_);
    EXPECT_TRUE(after == before) << "the state changed from\n" << before << "\nto\n" << after;
    before = after;
    ++rows;
  }
  EXPECT_TRUE(server_.Running()) << server_.Log();
  std::printf("%zu rows\n", rows);
}

// Otherwise the rows with raw calls could be refused for a mistake of the test.
TEST_F(BadInputTest, RawCallsArriveAsOthersDo) {
  ASSERT_TRUE(server_.ready()) << server_.Log();
  MakeBadInputData(client_);
  const auto request =
      Parse<v1::UpsertPointsRequest>("collection: 'c' rows { points { id { num: 500 } } }");
  for (const std::string& timeout : {std::string(), std::string("20S")}) {
    EXPECT_CALL_OK(RawCall(server_.port(), kUpsertMethod, request.SerializeAsString(), timeout));
  }
  EXPECT_EQ(
      Must(client_, Parse<v1::GetPointsRequest>("collection: 'c' ids { num: 500 }")).points_size(),
      1);
}

}  // namespace
}  // namespace alidade::testing
