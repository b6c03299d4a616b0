// alidade points facet | bounds
#pragma once

namespace CLI {
class App;
}

namespace alidade {

// Adds them to `points`.
void AddValueCommands(CLI::App& points, int& exit_code);

}  // namespace alidade
