#include "token_match.h"

#include <algorithm>
#include <utility>

namespace alidade {
namespace {

constexpr size_t kWordBits = 64;

void SetBit(std::vector<uint64_t>& bits, size_t at) {
  bits[at / kWordBits] |= uint64_t{1} << (at % kWordBits);
}

bool TestBit(const std::vector<uint64_t>& bits, size_t at) {
  return ((bits[at / kWordBits] >> (at % kWordBits)) & 1) != 0;
}

}  // namespace

TokenTest::TokenTest(const TextMatch& match) : kind_(match.kind), analyzer_(match.analyzer) {
  std::vector<std::pair<std::string, uint32_t>> found;
  analyzer_.Analyze(match.text, [&](std::string_view token, uint32_t position) {
    found.emplace_back(token, position);
    tokens_.emplace_back(token);
  });
  std::ranges::sort(tokens_);
  tokens_.erase(std::unique(tokens_.begin(), tokens_.end()), tokens_.end());
  if (kind_ != TextMatchKind::kPhrase || found.empty()) {
    return;
  }
  const uint32_t first = found.front().second;
  places_ = size_t{found.back().second - first} + 1;
  gaps_.assign((places_ + kWordBits - 1) / kWordBits, 0);
  for (size_t place = 0; place < places_; ++place) {
    SetBit(gaps_, place);
  }
  for (const auto& [token, position] : found) {
    const size_t place = position - first;
    gaps_[place / kWordBits] &= ~(uint64_t{1} << (place % kWordBits));
  }
  places_of_.assign(tokens_.size(), gaps_);
  for (const auto& [token, position] : found) {
    SetBit(places_of_[Find(token).value_or(0)], position - first);
  }
}

std::optional<size_t> TokenTest::Find(std::string_view token) const {
  const auto found = std::ranges::lower_bound(tokens_, token, std::less<>());
  return found != tokens_.end() && *found == token
             ? std::optional(static_cast<size_t>(found - tokens_.begin()))
             : std::nullopt;
}

bool TokenTest::operator()(const ValueView& value) const {
  if (value.tag() != ValueTag::kString || tokens_.empty()) {
    return false;
  }
  return kind_ == TextMatchKind::kPhrase ? HoldsForPhrase(value.AsString())
                                         : HoldsForWords(value.AsString());
}

bool TokenTest::HoldsForWords(std::string_view text) const {
  Bits seen((tokens_.size() + kWordBits - 1) / kWordBits, 0);
  size_t count = 0;
  analyzer_.Analyze(text, [&](std::string_view token, uint32_t /*position*/) {
    const std::optional<size_t> number = Find(token);
    if (number.has_value() && !TestBit(seen, *number)) {
      SetBit(seen, *number);
      ++count;
    }
  });
  return kind_ == TextMatchKind::kAnyWord ? count > 0 : count == tokens_.size();
}

// Bit i of `ends`: the present word can be place i of a phrase that began i words ago (Baeza-Yates
// and Gonnet's shift-and).
bool TokenTest::HoldsForPhrase(std::string_view text) const {
  Bits ends(gaps_.size(), 0);
  bool holds = false;
  const auto step = [&](const Bits& allowed) {
    uint64_t carry = 1;  // a phrase may begin anywhere
    for (size_t i = 0; i < ends.size(); ++i) {
      const uint64_t shifted = (ends[i] << 1) | carry;
      carry = ends[i] >> (kWordBits - 1);
      ends[i] = shifted & allowed[i];
    }
    holds = holds || TestBit(ends, places_ - 1);
  };
  uint32_t next = 0;
  analyzer_.Analyze(text, [&](std::string_view token, uint32_t position) {
    // Words that are left out stand in gaps only; after so many of them no phrase is open.
    for (size_t skipped = std::min<size_t>(position - next, places_); skipped > 0; --skipped) {
      step(gaps_);
    }
    const std::optional<size_t> number = Find(token);
    step(number.has_value() ? places_of_[*number] : gaps_);
    next = position + 1;
  });
  return holds;
}

}  // namespace alidade
