// The `alidade` binary: one subcommand per job.
#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>

#include "alidade/cli/commands.h"
#include "alidade/server/run.h"

#include "commands.h"
#include "version.h"

int main(int argc, char** argv) {
  try {
    CLI::App app("Alidade: a vector database server", "alidade");
    app.require_subcommand(1);
    app.set_version_flag("--version",
                         std::string(alidade::kVersion) + " (" + alidade::kRevision + ")");
    int exit_code = alidade::kExitOk;
    alidade::AddServeCommand(app, exit_code);
    alidade::AddCheckCommand(app, exit_code);
    alidade::AddClientCommands(app, exit_code);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      // Help and version are "errors" of code 0 too.
      return app.exit(error) == 0 ? alidade::kExitOk : alidade::kExitUsage;
    }
    return exit_code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "alidade: %s\n", error.what());
    return alidade::kExitSoftware;
  }
}
