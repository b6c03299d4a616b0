// Catalog: the names of a server: which collections and aliases there are.
//
// Threads:  writer only for changes (inside the commit group); readers take an immutable copy.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "alidade/collection/collection.h"

namespace alidade {

struct Catalog {
  std::map<std::string, std::shared_ptr<Collection>> collections;  // by name
  std::map<std::string, std::string> aliases;                      // alias -> collection name

  // By name or alias; null if there is neither.
  std::shared_ptr<Collection> Find(const std::string& name) const;
};

// NOT_FOUND that names the nearest existing name, if one is near.
Status NoSuchCollection(const Catalog& catalog, const std::string& name);

// Names: 1 to kNameBytesMax bytes of letters, digits, '_', '-', starting with a letter or digit.
Status ValidateName(const std::string& name, const std::string& path);
// Everything about a new collection that does not depend on others.
Status ValidateConfig(const CollectionConfig& config, const Limits& limits);

}  // namespace alidade
