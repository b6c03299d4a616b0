// NearestName: the known name that somebody probably meant.
#pragma once

#include <string>
#include <vector>

namespace alidade {

// The candidate with the fewest edits (Levenshtein) to `name`, the first of equals; empty if all
// need more than `edits_max`.
std::string NearestName(const std::string& name,
                        const std::vector<std::string>& candidates,
                        size_t edits_max);

}  // namespace alidade
