#include "alidade/text/posting_search.h"

#include <cmath>

namespace alidade {

double InverseDocumentFrequency(uint64_t documents_filled, uint64_t documents_with_term) {
  const auto all = static_cast<double>(documents_filled);
  const auto some = static_cast<double>(documents_with_term);
  return std::log(1 + (all - some + 0.5) / (some + 0.5));
}

}  // namespace alidade
