// The subcommands, one function for each file of commands.
#pragma once

namespace CLI {
class App;
}

namespace alidade {

void AddImportCommands(CLI::App& app, int& exit_code);      // import, verify
void AddSearchCommands(CLI::App& app, int& exit_code);      // search, recall
void AddQueryFileCommand(CLI::App& app, int& exit_code);    // query-file
void AddCollectionCommands(CLI::App& app, int& exit_code);  // collections ...
void AddPointCommands(CLI::App& app, int& exit_code);       // points ...
void AddBatchCommand(CLI::App& app, int& exit_code);        // batch
void AddAdminCommands(CLI::App& app, int& exit_code);  // stats, flush, wait-indexed, info, health
void AddBenchCommands(CLI::App& app, int& exit_code);  // bench ...

}  // namespace alidade
