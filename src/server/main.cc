// The `alidade` binary: one subcommand per job.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "alidade/cli/commands.h"
#include "alidade/common/nearest_name.h"
#include "alidade/server/run.h"

#include "commands.h"
#include "version.h"

namespace {

// What the user typed where a command should be, if there is no such command; with the nearest one,
// or all of them.
std::string UnknownCommand(const CLI::App& app, int argc, char** argv) {
  const CLI::App* level = &app;
  std::string group;
  for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
    std::vector<std::string> names;
    const CLI::App* next = nullptr;
    for (const CLI::App* command : level->get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(command->get_name());
      next = command->get_name() == argv[i] ? command : next;
    }
    if (names.empty()) {
      return "";
    }
    if (next == nullptr) {
      const std::string typed = argv[i];
      const std::string nearest = alidade::NearestName(typed, names, 1 + typed.size() / 4);
      return fmt::format("there is no command \"{}{}\"; {}",
                         group,
                         typed,
                         nearest.empty() ? fmt::format("there are: {}", fmt::join(names, ", "))
                                         : fmt::format("did you mean \"{}{}\"?", group, nearest));
    }
    level = next;
    group += level->get_name() + " ";
  }
  return "";
}

}  // namespace

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
    if (const std::string unknown = UnknownCommand(app, argc, argv); !unknown.empty()) {
      std::fprintf(
          stderr, "alidade: %s\nRun alidade --help for more information.\n", unknown.c_str());
      return alidade::kExitUsage;
    }
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
