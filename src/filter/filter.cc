#include "alidade/filter/filter.h"

namespace alidade {

// Filter is incomplete where these are declared: the compiler's own would not see it.
static bool operator==(const AllOf& a, const AllOf& b) { return a.children == b.children; }
static bool operator==(const AnyOf& a, const AnyOf& b) { return a.children == b.children; }
static bool operator==(const NoneOf& a, const NoneOf& b) { return a.children == b.children; }
static bool operator==(const Nested& a, const Nested& b) {
  return a.key == b.key && a.children == b.children;
}

bool operator==(const Filter& a, const Filter& b) { return a.node == b.node; }

}  // namespace alidade
