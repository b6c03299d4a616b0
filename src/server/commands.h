// The subcommands of the binary that are not clients of the API.
#pragma once

namespace CLI {
class App;
}

namespace alidade {

void AddServeCommand(CLI::App& app, int& exit_code);  // serve, config
void AddCheckCommand(CLI::App& app, int& exit_code);

}  // namespace alidade
