// Lexer: the tokens of a filter's text.
//
// Threads:  thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "alidade/common/status.h"

namespace alidade {

enum class TokenKind : uint8_t {
  kEnd,
  kWord,    // a bare key, a name of a function, AND, true, ...
  kKey,     // in backquotes
  kString,  // in double quotes
  kNumber,
  kSymbol,  // ( ) [ ] , = != < <= > >=
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;   // of kKey and kString what is meant, without quotes and escapes
  size_t column = 1;  // in bytes, from 1
};

class Lexer {
 public:
  // `text` must outlive it.
  explicit Lexer(std::string_view text) : text_(text) {}

  // Errors: INVALID_ARGUMENT with the column.
  StatusOr<Token> Next();

 private:
  Status ReadQuoted(char quote, std::string& out);
  Status ReadEscape(std::string& out);
  StatusOr<uint32_t> ReadHex(size_t digits);
  std::string_view ReadNumber();

  std::string_view text_;
  size_t at_ = 0;
};

// INVALID_ARGUMENT about a place in the text.
Status TextError(size_t column, const std::string& message);

}  // namespace alidade
