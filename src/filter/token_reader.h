// TokenReader: the smaller parts of a filter's text: tokens, keys, literals, lists.
//
// Threads:  thread-compatible.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/common/value.h"
#include "alidade/filter/filter.h"

#include "lexer.h"

namespace alidade {

// A literal where it stands: what kind is wanted is known later.
struct Literal {
  Value value;
  size_t column = 1;
  std::optional<uint64_t> natural = std::nullopt;  // of integers from 0 on, beyond int64 too
  bool beyond_int64 = false;
};

// INVALID_ARGUMENT with its column if the literal is no such value.
StatusOr<Value> ValueOf(const Literal& literal);
StatusOr<uint64_t> CountOf(const Literal& literal);
StatusOr<std::string> DatetimeOf(const Literal& literal);
StatusOr<PointId> IdOf(const Literal& literal);

// Reads from one token ahead. Every function moves behind what it takes, and says where and what
// was expected if something else is there.
class TokenReader {
 public:
  // `text` must outlive it. Advance comes first.
  explicit TokenReader(std::string_view text) : lexer_(text) {}

  const Token& next() const { return next_; }
  Status Advance();
  bool NextIs(std::string_view symbol) const;
  bool NextIsLiteral() const;
  // Whether the word (in upper case) was there.
  StatusOr<bool> TakeWord(std::string_view word);
  Status Take(std::string_view symbol, const std::string& expected);

  StatusOr<std::string> ParseKey();
  StatusOr<std::string> ParseString();
  StatusOr<Literal> ParseLiteral();
  // [literal, ...]
  StatusOr<std::vector<Literal>> ParseList();
  StatusOr<std::vector<Value>> ParseValues();
  // Each after a comma.
  Status ParseNumbers(std::initializer_list<double*> numbers);
  // [[lat, lon], ...]
  StatusOr<std::vector<GeoPoint>> ParseRing();

  Status Expected(const std::string& what) const;

 private:
  StatusOr<Literal> ReadLiteral() const;
  StatusOr<Literal> ReadDouble() const;
  StatusOr<Literal> ReadInteger() const;
  StatusOr<double> ParseNumber();

  Lexer lexer_;
  Token next_;
};

}  // namespace alidade
