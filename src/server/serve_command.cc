#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "alidade/server/run.h"
#include "alidade/server/settings.h"

#include "commands.h"

namespace alidade {
namespace {

struct ServeFlags {
  std::string config_file;
  std::vector<std::string> sets;
  std::vector<std::pair<std::string, std::string>> named;  // setting, text
  bool print_config = false;
  uint64_t accept_loss_to = 0;
  std::string port_file;
};

Status LoadAll(const ServeFlags& flags, Settings& settings) {
  if (!flags.config_file.empty()) {
    ALIDADE_RETURN_IF_ERROR(settings.LoadYaml(flags.config_file));
  }
  ALIDADE_RETURN_IF_ERROR(settings.LoadEnvironment(environ));
  for (const auto& [name, text] : flags.named) {
    ALIDADE_RETURN_IF_ERROR(settings.Set(name, text, "flag"));
  }
  for (const std::string& set : flags.sets) {
    const size_t equals = set.find('=');
    if (equals == std::string::npos) {
      return InvalidArgument("--set {}: section.key=value is wanted", set);
    }
    ALIDADE_RETURN_IF_ERROR(settings.Set(set.substr(0, equals), set.substr(equals + 1), "flag"));
  }
  return OkStatus();
}

int Serve(const ServeFlags& flags, bool accept_loss) {
  Settings settings;
  RunOptions options;
  Status status = LoadAll(flags, settings);
  if (status.ok()) {
    auto config = settings.ToConfig();
    if (config.ok()) {
      options.config = std::move(config).value();
    } else {
      status = config.status();
    }
  }
  if (!status.ok()) {
    std::fprintf(stderr, "configuration: %s\n", MessageOf(status).c_str());
    return kExitUsage;
  }
  if (flags.print_config) {
    std::fputs(settings.Describe().c_str(), stdout);
    return kExitOk;
  }
  options.port_file = flags.port_file;
  if (accept_loss) {
    options.accept_loss_to = flags.accept_loss_to;
  }
  return RunServer(options);
}

}  // namespace

void AddServeCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* serve = app.add_subcommand("serve", "Run the server");
  serve->add_option("--config", flags->config_file, "YAML file (see: alidade config)");
  serve->add_option("--set", flags->sets, "section.key=value, over file and environment")
      ->take_all();
  for (const auto& [flag, name] :
       {std::pair<std::string, std::string>{"--data-dir", "server.data_dir"},
        {"--listen", "server.listen"},
        {"--http-listen", "server.http_listen"},
        {"--log-level", "log.level"},
        {"--log-format", "log.format"}}) {
    serve->add_option_function<std::string>(
        flag,
        [flags, name = name](const std::string& text) { flags->named.emplace_back(name, text); },
        "The setting " + name);
  }
  serve->add_flag(
      "--print-config", flags->print_config, "Print every setting and where it comes from");
  CLI::Option* accept =
      serve->add_option("--accept-loss-to",
                        flags->accept_loss_to,
                        "Start although acknowledged writes up to this seq are missing");
  serve->add_option(
      "--port-file", flags->port_file, "Write the real ports here as JSON when ready");
  serve->callback([flags, accept, &exit_code] { exit_code = Serve(*flags, accept->count() > 0); });

  CLI::App* config = app.add_subcommand("config", "Print the commented default configuration");
  config->callback([] { std::fputs(DefaultConfigFile().c_str(), stdout); });
}

}  // namespace alidade
