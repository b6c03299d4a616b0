#include "alidade/text/document_terms.h"

#include <algorithm>

namespace alidade {

void DocumentTerms::Clear() {
  bytes_.clear();
  places_.clear();
  terms_.clear();
}

void DocumentTerms::Add(std::string_view token) {
  places_.emplace_back(static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(token.size()));
  bytes_ += token;
}

std::span<const TermValue> DocumentTerms::Count() {
  terms_.clear();
  for (const auto& [begin, size] : places_) {
    terms_.push_back({.term = std::string_view(bytes_).substr(begin, size), .value = 1});
  }
  std::ranges::sort(terms_, {}, &TermValue::term);
  size_t kept = 0;
  for (size_t i = 0; i < terms_.size(); ++i) {
    if (kept > 0 && terms_[kept - 1].term == terms_[i].term) {
      ++terms_[kept - 1].value;
    } else {
      terms_[kept++] = terms_[i];
    }
  }
  terms_.resize(kept);
  return terms_;
}

}  // namespace alidade
