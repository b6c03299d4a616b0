// SharedServerTest: a fixture with one server for all tests of a suite; each test works in
// collections of its own.
#pragma once

#include <memory>

#include <gtest/gtest.h>

#include "integration/client.h"
#include "support/server_process.h"

namespace alidade::testing {

class SharedServerTest : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    directory_ = std::make_unique<TemporaryDirectory>();
    ServerOptions options;
    options.data_dir = directory_->path() + "/data";
    server_ = std::make_unique<ServerProcess>(options);
    ASSERT_TRUE(server_->ready()) << server_->Log();
  }
  static void TearDownTestSuite() {
    EXPECT_EQ(server_->Stop(), 0) << server_->Log();
    server_.reset();
    directory_.reset();
  }

 protected:
  SharedServerTest() : client_(server_->address()) {}

  static ServerProcess& server() { return *server_; }

  Client client_;

 private:
  inline static std::unique_ptr<TemporaryDirectory> directory_;
  inline static std::unique_ptr<ServerProcess> server_;
};

}  // namespace alidade::testing
