#include "alidade/filter/indexed_selection.h"

#include <utility>
#include <variant>

namespace alidade {
namespace {

// Three-valued logic over sets of rows: what a part of the filter makes of every row.
class Verdict {
 public:
  // Nothing is known of any row.
  explicit Verdict(uint32_t rows) : passing_(rows), open_(true) {}
  Verdict(RowBitmap passing, std::optional<RowBitmap> unknown)
      : passing_(std::move(passing)), unknown_(std::move(unknown)) {}

  static Verdict All(uint32_t rows) {
    RowBitmap all(rows);
    all.SetAll();
    return {std::move(all), std::nullopt};
  }
  static Verdict None(uint32_t rows) { return {RowBitmap(rows), std::nullopt}; }

  bool open() const { return open_; }

  void And(const Verdict& other) {
    if (open_ && other.open_) {
      return;
    }
    if (Certain() && other.Certain()) {
      passing_.Intersect(other.passing_.words());
      return;
    }
    RowBitmap possible = Possible();
    possible.Intersect(other.Possible().words());
    passing_.Intersect(other.passing_.words());
    Conclude(std::move(possible));
  }

  void Or(const Verdict& other) {
    if (open_ && other.open_) {
      return;
    }
    if (Certain() && other.Certain()) {
      passing_.Unite(other.passing_.words());
      return;
    }
    RowBitmap possible = Possible();
    possible.Unite(other.Possible().words());
    passing_.Unite(other.passing_.words());
    Conclude(std::move(possible));
  }

  void Not() {
    if (open_) {
      return;
    }
    RowBitmap impossible = Possible();
    impossible.Invert();
    passing_ = std::move(impossible);
  }

  IndexedSelection Take() && {
    if (unknown_.has_value() && unknown_->Empty()) {
      unknown_.reset();
    }
    return {std::move(passing_), std::move(unknown_)};
  }

 private:
  bool Certain() const { return !open_ && !unknown_.has_value(); }
  // What may pass.
  RowBitmap Possible() const {
    RowBitmap possible = passing_;
    if (open_) {
      possible.SetAll();
    } else if (unknown_.has_value()) {
      possible.Unite(unknown_->words());
    }
    return possible;
  }
  void Conclude(RowBitmap possible) {
    open_ = false;
    possible.Subtract(passing_.words());
    unknown_ = std::move(possible);
  }

  RowBitmap passing_;
  std::optional<RowBitmap> unknown_;
  bool open_ = false;  // `passing_` is empty then
};

class Selector {
 public:
  Selector(const PayloadIndexes& indexes, uint32_t rows, const IdLookup& find_ids)
      : indexes_(indexes), rows_(rows), find_ids_(find_ids) {}

  Verdict Judge(const Filter& filter) const {
    return std::visit([&](const auto& node) { return JudgeNode(node, filter); }, filter.node);
  }

 private:
  Verdict JudgeNode(const AllOf& all, const Filter& /*filter*/) const {
    if (all.children.empty()) {
      return Verdict::All(rows_);
    }
    Verdict verdict = Judge(all.children.front());
    for (size_t i = 1; i < all.children.size(); ++i) {
      verdict.And(Judge(all.children[i]));
    }
    return verdict;
  }
  Verdict JudgeNode(const AnyOf& any, const Filter& /*filter*/) const {
    return JudgeAny(any.children);
  }
  Verdict JudgeNode(const NoneOf& none, const Filter& /*filter*/) const {
    Verdict verdict = JudgeAny(none.children);
    verdict.Not();
    return verdict;
  }
  // Keys below begin in an object, which no index is over; vectors are in none either.
  Verdict JudgeNode(const Nested& /*nested*/, const Filter& /*filter*/) const {
    return Verdict(rows_);
  }
  Verdict JudgeNode(const IdIn& condition, const Filter& /*filter*/) const {
    if (find_ids_ != nullptr) {
      if (auto rows = find_ids_(condition.ids); rows.has_value()) {
        return {std::move(*rows), std::nullopt};
      }
    }
    return Verdict(rows_);
  }
  Verdict JudgeNode(const HasVector& /*field*/, const Filter& /*filter*/) const {
    return Verdict(rows_);
  }
  template <typename Condition>
  Verdict JudgeNode(const Condition& condition, const Filter& filter) const {
    for (const KeyedPayloadIndex& keyed : indexes_) {
      if (keyed.spec.key == condition.key) {
        if (auto rows = keyed.Select(filter); rows.has_value()) {
          return {std::move(*rows), std::nullopt};
        }
      }
    }
    return Verdict(rows_);
  }

  Verdict JudgeAny(const std::vector<Filter>& children) const {
    if (children.empty()) {
      return Verdict::None(rows_);
    }
    Verdict verdict = Judge(children.front());
    for (size_t i = 1; i < children.size(); ++i) {
      verdict.Or(Judge(children[i]));
    }
    return verdict;
  }

  const PayloadIndexes& indexes_;
  const uint32_t rows_;
  const IdLookup& find_ids_;
};

}  // namespace

std::optional<RowBitmap> KeyedPayloadIndex::Select(const Filter& condition) const {
  if (const auto* values = std::get_if<PayloadIndex>(&index)) {
    return values->Select(condition);
  }
  const auto* match = std::get_if<TextMatch>(&condition.node);
  if (match == nullptr || match->analyzer != spec.text.analyzer) {
    return std::nullopt;
  }
  const std::vector<QueryTerm> terms = CountTokens(Analyzer(match->analyzer).Tokens(match->text));
  const bool single = terms.size() <= 1 && match->kind != TextMatchKind::kPhrase;
  if (!single && match->kind != TextMatchKind::kAnyWord) {
    return std::nullopt;
  }
  const SealedPostings& postings = std::get<SealedPostings>(index);
  RowBitmap rows(postings.documents());
  for (const QueryTerm& term : terms) {
    const auto found = postings.Find(term.term);
    if (found == nullptr) {
      continue;
    }
    PostingBlock block;
    for (uint32_t from = 0; found->SeekBlock(from); from = found->last_document() + 1) {
      if (!found->Read(block)) {
        return std::nullopt;
      }
      for (uint32_t i = 0; i < block.count; ++i) {
        rows.Set(block.documents[i]);
      }
    }
  }
  return rows;
}

uint64_t KeyedPayloadIndex::values() const {
  const auto* values = std::get_if<PayloadIndex>(&index);
  return values != nullptr ? values->values() : std::get<SealedPostings>(index).terms();
}

uint64_t KeyedPayloadIndex::body_bytes() const {
  return std::visit([](const auto& held) { return held.body_bytes(); }, index);
}

std::optional<IndexedSelection> SelectByIndexes(const Filter& filter,
                                                const PayloadIndexes& indexes,
                                                uint32_t rows,
                                                const IdLookup& find_ids) {
  Verdict verdict = Selector(indexes, rows, find_ids).Judge(filter);
  if (verdict.open()) {
    return std::nullopt;
  }
  return std::move(verdict).Take();
}

}  // namespace alidade
