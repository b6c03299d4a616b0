// The subcommands that are clients of the public API.
#pragma once

namespace CLI {
class App;
}

namespace alidade {

// Adds import, search, query-file, recall, bench, collections, points, stats, flush, wait-indexed,
// info and health. Each puts its exit code into `exit_code` when it is chosen: 0, 1 (the call
// failed), 64 (bad arguments).
void AddClientCommands(CLI::App& app, int& exit_code);

}  // namespace alidade
