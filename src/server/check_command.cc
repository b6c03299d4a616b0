#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "alidade/common/log.h"
#include "alidade/engine/check.h"
#include "alidade/server/run.h"

#include "commands.h"

namespace alidade {
namespace {

int Check(const std::string& directory) {
  ConfigureLog({LogLevel::kWarn, LogFormat::kText});
  const StatusOr<CheckReport> report = CheckDataDirectory(directory);
  if (!report.ok()) {
    std::fprintf(
        stderr, "cannot check %s: %s\n", directory.c_str(), MessageOf(report.status()).c_str());
    return ExitCodeFor(report.status());
  }
  for (const std::string& note : report->notes) {
    std::printf("ok       %s\n", note.c_str());
  }
  for (const std::string& repair : report->repairs) {
    std::printf("repair   %s\n", repair.c_str());
  }
  for (const std::string& problem : report->problems) {
    std::printf("PROBLEM  %s\n", problem.c_str());
  }
  std::printf("%zu problems, %zu repairs due at the next start\n",
              report->problems.size(),
              report->repairs.size());
  if (!report->ok()) {
    return kExitDataLoss;
  }
  return report->repairs.empty() ? kExitOk : kExitRepairs;
}

}  // namespace

void AddCheckCommand(CLI::App& app, int& exit_code) {
  auto directory = std::make_shared<std::string>();
  CLI::App* check = app.add_subcommand(
      "check", "Verify a data directory offline: every row, file, checksum and manifest");
  check->add_option("directory", *directory, "The data directory; no server may be running on it")
      ->required();
  check->callback([directory, &exit_code] { exit_code = Check(*directory); });
}

}  // namespace alidade
