#include "token_reader.h"

#include <charconv>

#include "alidade/filter/instant.h"

#include "text_words.h"

namespace alidade {
namespace {

std::string Shown(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end";
    case TokenKind::kString:
      return "a string";
    case TokenKind::kKey:
      return "`" + token.text + "`";
    default:
      return token.text;
  }
}

}  // namespace

StatusOr<Value> ValueOf(const Literal& literal) {
  if (literal.beyond_int64) {
    return TextError(literal.column, "this integer has more than 64 bits");
  }
  return literal.value;
}

StatusOr<uint64_t> CountOf(const Literal& literal) {
  if (!literal.natural.has_value()) {
    return TextError(literal.column, "expected an integer from 0 on");
  }
  return *literal.natural;
}

StatusOr<std::string> DatetimeOf(const Literal& literal) {
  const auto* text = literal.value.As<std::string>();
  if (text == nullptr || !ParseInstant(*text).has_value()) {
    return TextError(literal.column,
                     R"(expected a datetime such as "2024-02-29T23:59:59.5+01:00")");
  }
  return *text;
}

StatusOr<PointId> IdOf(const Literal& literal) {
  if (literal.natural.has_value()) {
    return PointId(*literal.natural);
  }
  const auto* text = literal.value.As<std::string>();
  if (text == nullptr || !ValidateTextId(*text).ok()) {
    return TextError(literal.column,
                     "expected an id: an integer from 0 on or a string of 1 to 256 bytes");
  }
  return PointId(*text);
}

Status TokenReader::Advance() {
  ALIDADE_ASSIGN_OR_RETURN(next_, lexer_.Next());
  return OkStatus();
}

bool TokenReader::NextIs(std::string_view symbol) const {
  return next_.kind == TokenKind::kSymbol && next_.text == symbol;
}

StatusOr<bool> TokenReader::TakeWord(std::string_view word) {
  if (next_.kind != TokenKind::kWord || !IsWord(next_.text, word)) {
    return false;
  }
  ALIDADE_RETURN_IF_ERROR(Advance());
  return true;
}

Status TokenReader::Take(std::string_view symbol, const std::string& expected) {
  return NextIs(symbol) ? Advance() : Expected(expected);
}

Status TokenReader::Expected(const std::string& what) const {
  return TextError(next_.column, fmt::format("expected {}, found {}", what, Shown(next_)));
}

StatusOr<std::string> TokenReader::ParseKey() {
  if (next_.kind != TokenKind::kKey && (next_.kind != TokenKind::kWord || !IsBareKey(next_.text))) {
    return Expected("a key");
  }
  std::string key = next_.text;
  ALIDADE_RETURN_IF_ERROR(Advance());
  return key;
}

StatusOr<std::string> TokenReader::ParseString() {
  if (next_.kind != TokenKind::kString) {
    return Expected("a string in double quotes");
  }
  std::string text = next_.text;
  ALIDADE_RETURN_IF_ERROR(Advance());
  return text;
}

bool TokenReader::NextIsLiteral() const {
  return next_.kind == TokenKind::kNumber || next_.kind == TokenKind::kString ||
         (next_.kind == TokenKind::kWord &&
          (IsWord(next_.text, "TRUE") || IsWord(next_.text, "FALSE") ||
           IsWord(next_.text, "NULL")));
}

StatusOr<Literal> TokenReader::ParseLiteral() {
  if (!NextIsLiteral()) {
    return Expected("a value: null, true, false, a number or a string in double quotes");
  }
  StatusOr<Literal> literal = ReadLiteral();
  if (literal.ok()) {
    ALIDADE_RETURN_IF_ERROR(Advance());
  }
  return literal;
}

StatusOr<Literal> TokenReader::ReadLiteral() const {
  if (next_.kind == TokenKind::kNumber) {
    return next_.text.find_first_of(".eE") == std::string::npos ? ReadInteger() : ReadDouble();
  }
  if (next_.kind == TokenKind::kString) {
    return Literal{Value(next_.text), next_.column};
  }
  if (IsWord(next_.text, "NULL")) {
    return Literal{Value(), next_.column};
  }
  return Literal{Value(IsWord(next_.text, "TRUE")), next_.column};
}

StatusOr<Literal> TokenReader::ReadDouble() const {
  double number = 0;
  const char* begin = next_.text.data();
  if (std::from_chars(begin, begin + next_.text.size(), number).ec != std::errc()) {
    return TextError(next_.column, "this number is no double");
  }
  return Literal{Value(number), next_.column};
}

StatusOr<Literal> TokenReader::ReadInteger() const {
  const char* begin = next_.text.data();
  const char* end = begin + next_.text.size();
  int64_t integer = 0;
  const bool fits = std::from_chars(begin, end, integer).ec == std::errc();
  uint64_t natural = 0;
  const bool is_natural = std::from_chars(begin, end, natural).ec == std::errc();
  if (!fits && !is_natural) {
    return TextError(next_.column, "this integer has more than 64 bits");
  }
  return Literal{Value(integer),
                 next_.column,
                 is_natural ? std::optional(natural) : std::nullopt,
                 /*beyond_int64=*/!fits};
}

StatusOr<std::vector<Literal>> TokenReader::ParseList() {
  ALIDADE_RETURN_IF_ERROR(Take("[", "["));
  std::vector<Literal> literals;
  while (!NextIs("]")) {
    if (!literals.empty()) {
      ALIDADE_RETURN_IF_ERROR(Take(",", "a comma or ]"));
    }
    // Not by the macro: GCC 12 takes the moved value for uninitialized.
    StatusOr<Literal> literal = ParseLiteral();
    ALIDADE_RETURN_IF_ERROR(literal.status());
    literals.push_back(*std::move(literal));
  }
  ALIDADE_RETURN_IF_ERROR(Advance());
  return literals;
}

StatusOr<std::vector<Value>> TokenReader::ParseValues() {
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<Literal> literals, ParseList());
  std::vector<Value> values;
  for (const Literal& literal : literals) {
    ALIDADE_ASSIGN_OR_RETURN(Value value, ValueOf(literal));
    values.push_back(std::move(value));
  }
  return values;
}

StatusOr<double> TokenReader::ParseNumber() {
  if (next_.kind != TokenKind::kNumber) {
    return Expected("a number");
  }
  double number = 0;
  const char* begin = next_.text.data();
  if (std::from_chars(begin, begin + next_.text.size(), number).ec != std::errc()) {
    return TextError(next_.column, "this number is no double");
  }
  ALIDADE_RETURN_IF_ERROR(Advance());
  return number;
}

Status TokenReader::ParseNumbers(std::initializer_list<double*> numbers) {
  for (double* number : numbers) {
    ALIDADE_RETURN_IF_ERROR(Take(",", "a comma"));
    ALIDADE_ASSIGN_OR_RETURN(*number, ParseNumber());
  }
  return OkStatus();
}

StatusOr<std::vector<GeoPoint>> TokenReader::ParseRing() {
  ALIDADE_RETURN_IF_ERROR(Take("[", "a ring: [[lat, lon], ...]"));
  std::vector<GeoPoint> ring;
  while (!NextIs("]")) {
    if (!ring.empty()) {
      ALIDADE_RETURN_IF_ERROR(Take(",", "a comma or ]"));
    }
    GeoPoint point;
    ALIDADE_RETURN_IF_ERROR(Take("[", "a point: [lat, lon]"));
    ALIDADE_ASSIGN_OR_RETURN(point.lat, ParseNumber());
    ALIDADE_RETURN_IF_ERROR(Take(",", "a comma"));
    ALIDADE_ASSIGN_OR_RETURN(point.lon, ParseNumber());
    ALIDADE_RETURN_IF_ERROR(Take("]", "]"));
    ring.push_back(point);
  }
  ALIDADE_RETURN_IF_ERROR(Advance());
  return ring;
}

}  // namespace alidade
