#include "alidade/cli/commands.h"

#include "client_commands.h"

namespace alidade {

void AddClientCommands(CLI::App& app, int& exit_code) {
  AddImportCommands(app, exit_code);
  AddSearchCommands(app, exit_code);
  AddQueryFileCommand(app, exit_code);
  AddCollectionCommands(app, exit_code);
  AddPointCommands(app, exit_code);
  AddBatchCommand(app, exit_code);
  AddAdminCommands(app, exit_code);
  AddBenchCommands(app, exit_code);
}

}  // namespace alidade
