#include "lexer.h"

#include <charconv>

#include "alidade/common/point_id.h"
#include "alidade/text/characters.h"

#include "text_words.h"

namespace alidade {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Status TextError(size_t column, const std::string& message) {
  return InvalidArgument("filter, column {}: {}", column, message);
}

StatusOr<Token> Lexer::Next() {
  while (at_ < text_.size() && IsSpace(text_[at_])) {
    ++at_;
  }
  Token token;
  token.column = at_ + 1;
  if (at_ == text_.size()) {
    return token;
  }
  const char c = text_[at_];
  if (c == '"' || c == '`') {
    token.kind = c == '"' ? TokenKind::kString : TokenKind::kKey;
    ++at_;
    ALIDADE_RETURN_IF_ERROR(ReadQuoted(c, token.text));
    if (!IsValidUtf8(token.text)) {
      return TextError(token.column, "this is not UTF-8");
    }
    return token;
  }
  if (IsDigit(c) || (c == '-' && at_ + 1 < text_.size() && IsDigit(text_[at_ + 1]))) {
    token.kind = TokenKind::kNumber;
    token.text.append(ReadNumber());
    return token;
  }
  if (BeginsBareKey(c)) {
    token.kind = TokenKind::kWord;
    while (at_ < text_.size() && ContinuesBareKey(text_[at_])) {
      token.text.push_back(text_[at_++]);
    }
    return token;
  }
  for (const std::string_view symbol :
       {"==", "!=", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ","}) {
    if (text_.substr(at_).starts_with(symbol)) {
      at_ += symbol.size();
      token.kind = TokenKind::kSymbol;
      token.text.append(symbol == "==" ? symbol.substr(1) : symbol);
      return token;
    }
  }
  return TextError(
      token.column,
      "this begins nothing: a filter reads like year >= 2020 AND lang = \"en\" (keys with "
      "other signs than letters, digits, _, - and . stand in `backquotes`)");
}

// From behind the opening quote to behind the closing one.
Status Lexer::ReadQuoted(char quote, std::string& out) {
  const size_t begin = at_;
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c == quote) {
      return OkStatus();
    }
    if (c != '\\') {
      out.push_back(c);
      continue;
    }
    ALIDADE_RETURN_IF_ERROR(ReadEscape(out));
  }
  return TextError(begin, fmt::format("the closing {} is missing", quote));
}

// From behind the backslash.
Status Lexer::ReadEscape(std::string& out) {
  constexpr std::string_view kNames = "\"\\`/bfnrt";
  constexpr std::string_view kMeanings = "\"\\`/\b\f\n\r\t";
  const size_t column = at_;
  const char name = at_ < text_.size() ? text_[at_++] : '\0';
  if (const size_t known = kNames.find(name); known != std::string_view::npos) {
    out.push_back(kMeanings[known]);
    return OkStatus();
  }
  if (name == 'x') {
    ALIDADE_ASSIGN_OR_RETURN(const uint32_t byte, ReadHex(2));
    out.push_back(static_cast<char>(byte));
    return OkStatus();
  }
  if (name != 'u') {
    return TextError(column, R"(expected one of \" \\ \` \/ \b \f \n \r \t \uXXXX \xHH)");
  }
  ALIDADE_ASSIGN_OR_RETURN(uint32_t code, ReadHex(4));
  if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
    at_ += 2;
    ALIDADE_ASSIGN_OR_RETURN(const uint32_t low, ReadHex(4));
    if (low < 0xDC00 || low >= 0xE000) {
      return TextError(column, "the second half of a surrogate pair is missing");
    }
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  if (code >= 0xD800 && code < 0xE000) {
    return TextError(column, "half a surrogate pair is no character");
  }
  AppendCharacter(code, out);
  return OkStatus();
}

StatusOr<uint32_t> Lexer::ReadHex(size_t digits) {
  const std::string_view text = text_.substr(at_, digits);
  uint32_t code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code, 16);
  if (error != std::errc() || end != text.data() + digits) {
    return TextError(at_ + 1, fmt::format("expected {} hexadecimal digits", digits));
  }
  at_ += digits;
  return code;
}

std::string_view Lexer::ReadNumber() {
  const size_t begin = at_;
  const auto digits = [this] {
    while (at_ < text_.size() && IsDigit(text_[at_])) {
      ++at_;
    }
  };
  const auto next_is = [this](std::string_view any, size_t ahead) {
    return at_ + ahead < text_.size() && any.find(text_[at_ + ahead]) != std::string_view::npos;
  };
  at_ += text_[at_] == '-' ? size_t{1} : 0;
  digits();
  if (next_is(".", 0) && next_is("0123456789", 1)) {
    ++at_;
    digits();
  }
  if (next_is("eE", 0) &&
      (next_is("0123456789", 1) || (next_is("+-", 1) && next_is("0123456789", 2)))) {
    at_ += 2;
    digits();
  }
  return text_.substr(begin, at_ - begin);
}

}  // namespace alidade
