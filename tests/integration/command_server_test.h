// CommandServerTest: a fixture with a server of its own for each test, and commands that talk to
// it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "integration/command.h"
#include "support/server_process.h"

namespace alidade::testing {

class CommandServerTest : public ::testing::Test {
 protected:
  CommandServerTest() {
    ServerOptions options;
    options.data_dir = Path("data");
    server_ = std::make_unique<ServerProcess>(options);
  }

  // Below a directory of this test; the server's data are in "data".
  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }

  // `alidade <arguments> --server <address>`
  CommandResult Run(std::vector<std::string> arguments) const {
    arguments.push_back("--server");
    arguments.push_back(server_->address());
    return RunCommand(arguments);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<ServerProcess> server_;
};

}  // namespace alidade::testing
