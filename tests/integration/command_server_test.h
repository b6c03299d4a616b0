// CommandServerTest: a fixture with a server of its own for each test, and commands that talk to
// it.
#pragma once

#include <memory>
#include <sstream>
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

  // The ids of the hits that a search printed, best first, joined by spaces, or its error.
  static std::string IdsOf(const CommandResult& result) {
    std::string ids;
    std::istringstream lines(result.out);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream fields(line);
      std::string rank;
      std::string id;
      if (line.find('{') != std::string::npos && fields >> rank >> id) {
        ids += (ids.empty() ? "" : " ") + id;
      }
    }
    return result.exit_code == 0 ? ids : result.err;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<ServerProcess> server_;
};

}  // namespace alidade::testing
