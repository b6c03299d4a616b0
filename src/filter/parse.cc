#include <utility>

#include "alidade/common/nearest_name.h"
#include "alidade/filter/filter_text.h"

#include "text_words.h"
#include "token_reader.h"

namespace alidade {
namespace {

// What stands before a comparison.
enum class Measure { kValue, kCount, kDatetime };
struct Measured {
  Measure measure = Measure::kValue;
  std::string key;
};

// The bounds of a comparison, as they are written.
struct LiteralBounds {
  std::optional<Literal> gt = std::nullopt;
  std::optional<Literal> gte = std::nullopt;
  std::optional<Literal> lt = std::nullopt;
  std::optional<Literal> lte = std::nullopt;
};

Filter Not(Filter filter) {
  NoneOf none;
  none.children.push_back(std::move(filter));
  return Filter{std::move(none)};
}

// Fills the four bounds of a Range, DatetimeRange or CountRange.
template <typename AnyRange, typename Fn>
StatusOr<Filter> MakeRange(const std::string& key, const LiteralBounds& bounds, const Fn& convert) {
  AnyRange range{.key = key};
  for (const auto& [bound, target] : {std::pair(&bounds.gt, &range.gt),
                                      std::pair(&bounds.gte, &range.gte),
                                      std::pair(&bounds.lt, &range.lt),
                                      std::pair(&bounds.lte, &range.lte)}) {
    if (bound->has_value()) {
      ALIDADE_ASSIGN_OR_RETURN(*target, convert(**bound));
    }
  }
  return Filter{std::move(range)};
}

StatusOr<Filter> MakeRange(const Measured& what, const LiteralBounds& bounds) {
  switch (what.measure) {
    case Measure::kCount:
      return MakeRange<CountRange>(what.key, bounds, CountOf);
    case Measure::kDatetime:
      return MakeRange<DatetimeRange>(what.key, bounds, DatetimeOf);
    case Measure::kValue:
      break;
  }
  return MakeRange<Range>(what.key, bounds, ValueOf);
}

class Parser : private TokenReader {
 public:
  explicit Parser(std::string_view text) : TokenReader(text) {}

  StatusOr<Filter> Parse() {
    ALIDADE_RETURN_IF_ERROR(Advance());
    ALIDADE_ASSIGN_OR_RETURN(Filter filter, ParseOr(1));
    if (next().kind != TokenKind::kEnd) {
      return Expected("AND, OR or the end");
    }
    return filter;
  }

 private:
  // ---- groups ----

  StatusOr<Filter> ParseOr(uint32_t depth) {
    AnyOf any;
    do {
      ALIDADE_ASSIGN_OR_RETURN(Filter part, ParseAnd(depth));
      any.children.push_back(std::move(part));
      ALIDADE_ASSIGN_OR_RETURN(const bool more, TakeWord("OR"));
      if (!more) {
        break;
      }
    } while (true);
    return any.children.size() == 1 ? std::move(any.children[0]) : Filter{std::move(any)};
  }

  StatusOr<Filter> ParseAnd(uint32_t depth) {
    AllOf all;
    do {
      ALIDADE_ASSIGN_OR_RETURN(Filter part, ParseUnary(depth));
      all.children.push_back(std::move(part));
      ALIDADE_ASSIGN_OR_RETURN(const bool more, TakeWord("AND"));
      if (!more) {
        break;
      }
    } while (true);
    return all.children.size() == 1 ? std::move(all.children[0]) : Filter{std::move(all)};
  }

  StatusOr<Filter> ParseUnary(uint32_t depth) {
    if (depth > kFilterTextDepthMax) {
      return TextError(next().column,
                       fmt::format("nested deeper than {} levels", kFilterTextDepthMax));
    }
    ALIDADE_ASSIGN_OR_RETURN(const bool negated, TakeWord("NOT"));
    if (negated) {
      ALIDADE_ASSIGN_OR_RETURN(Filter filter, ParseUnary(depth + 1));
      return Not(std::move(filter));
    }
    if (NextIs("(")) {
      ALIDADE_RETURN_IF_ERROR(Advance());
      ALIDADE_ASSIGN_OR_RETURN(Filter filter, ParseOr(depth + 1));
      ALIDADE_RETURN_IF_ERROR(Take(")", "AND, OR or )"));
      return filter;
    }
    return ParseCondition(depth);
  }

  // Filters up to the closing parenthesis, which is taken.
  StatusOr<std::vector<Filter>> ParseFilters(uint32_t depth) {
    std::vector<Filter> filters;
    while (!NextIs(")")) {
      if (!filters.empty()) {
        ALIDADE_RETURN_IF_ERROR(Take(",", "a comma or )"));
      }
      ALIDADE_ASSIGN_OR_RETURN(Filter filter, ParseOr(depth + 1));
      filters.push_back(std::move(filter));
    }
    ALIDADE_RETURN_IF_ERROR(Advance());
    return filters;
  }

  // ---- conditions ----

  StatusOr<Filter> ParseCondition(uint32_t depth) {
    if (next().kind == TokenKind::kKey) {
      Measured what{.key = next().text};
      ALIDADE_RETURN_IF_ERROR(Advance());
      return ParseComparison(what);
    }
    if (NextIsLiteral()) {
      return ParseChain();
    }
    if (next().kind != TokenKind::kWord) {
      return Expected("a condition");
    }
    const Token word = next();
    if (IsWord(word.text, "ID")) {
      ALIDADE_RETURN_IF_ERROR(Advance());
      return ParseIds();
    }
    if (!IsBareKey(word.text)) {
      return Expected("a condition");
    }
    ALIDADE_RETURN_IF_ERROR(Advance());
    if (!NextIs("(")) {
      return ParseComparison({.key = word.text});
    }
    if (const std::optional<Measure> measure = MeasureOf(word.text); measure.has_value()) {
      ALIDADE_ASSIGN_OR_RETURN(Measured what, ParseMeasured(*measure));
      return ParseComparison(what);
    }
    ALIDADE_RETURN_IF_ERROR(Advance());
    return ParseCall(word, depth);
  }

  static std::optional<Measure> MeasureOf(const std::string& word) {
    return word == "count"      ? std::optional(Measure::kCount)
           : word == "datetime" ? std::optional(Measure::kDatetime)
                                : std::nullopt;
  }

  // From the opening parenthesis on.
  StatusOr<Measured> ParseMeasured(Measure measure) {
    ALIDADE_RETURN_IF_ERROR(Take("(", "("));
    ALIDADE_ASSIGN_OR_RETURN(std::string key, ParseKey());
    ALIDADE_RETURN_IF_ERROR(Take(")", ")"));
    return Measured{.measure = measure, .key = std::move(key)};
  }

  StatusOr<Filter> ParseComparison(const Measured& what) {
    ALIDADE_ASSIGN_OR_RETURN(const bool negated, TakeWord("NOT"));
    ALIDADE_ASSIGN_OR_RETURN(const bool between, TakeWord("BETWEEN"));
    if (between) {
      ALIDADE_ASSIGN_OR_RETURN(Literal low, ParseLiteral());
      ALIDADE_ASSIGN_OR_RETURN(const bool joined, TakeWord("AND"));
      if (!joined) {
        return Expected("AND and the upper bound");
      }
      ALIDADE_ASSIGN_OR_RETURN(Literal high, ParseLiteral());
      return Negated(negated, MakeRange(what, {.gte = low, .lte = high}));
    }
    if (what.measure == Measure::kValue) {
      ALIDADE_ASSIGN_OR_RETURN(const bool in, TakeWord("IN"));
      if (in) {
        ALIDADE_ASSIGN_OR_RETURN(std::vector<Value> values, ParseValues());
        return Negated(negated, Filter{In{what.key, std::move(values)}});
      }
    }
    if (negated || next().kind != TokenKind::kSymbol) {
      return Expected(negated ? "IN or BETWEEN" : "a comparison");
    }
    const Token sign = next();
    const bool unequal = sign.text == "!=";
    if (unequal || sign.text == "=") {
      ALIDADE_RETURN_IF_ERROR(Advance());
      ALIDADE_ASSIGN_OR_RETURN(const Literal literal, ParseLiteral());
      if (what.measure != Measure::kValue) {
        return Negated(unequal, MakeRange(what, {.gte = literal, .lte = literal}));
      }
      ALIDADE_ASSIGN_OR_RETURN(Value value, ValueOf(literal));
      return Negated(unequal, Filter{In{what.key, {std::move(value)}}});
    }
    LiteralBounds bounds;
    std::optional<Literal>* bound = sign.text == "<"    ? &bounds.lt
                                    : sign.text == "<=" ? &bounds.lte
                                    : sign.text == ">"  ? &bounds.gt
                                    : sign.text == ">=" ? &bounds.gte
                                                        : nullptr;
    if (bound == nullptr) {
      return Expected("a comparison");
    }
    ALIDADE_RETURN_IF_ERROR(Advance());
    ALIDADE_ASSIGN_OR_RETURN(*bound, ParseLiteral());
    return MakeRange(what, bounds);
  }

  // low < key, low < key <= high
  StatusOr<Filter> ParseChain() {
    ALIDADE_ASSIGN_OR_RETURN(Literal low, ParseLiteral());
    LiteralBounds bounds;
    if (!NextIs("<") && !NextIs("<=")) {
      return Expected("< or <= after a literal (keys stand bare or in `backquotes`)");
    }
    (NextIs("<") ? bounds.gt : bounds.gte) = std::move(low);
    ALIDADE_RETURN_IF_ERROR(Advance());
    Measured what;
    const std::optional<Measure> measure =
        next().kind == TokenKind::kWord ? MeasureOf(next().text) : std::nullopt;
    ALIDADE_ASSIGN_OR_RETURN(what.key, ParseKey());
    if (measure.has_value() && NextIs("(")) {
      ALIDADE_ASSIGN_OR_RETURN(what, ParseMeasured(*measure));
    }
    if (NextIs("<") || NextIs("<=")) {
      std::optional<Literal>& high = NextIs("<") ? bounds.lt : bounds.lte;
      ALIDADE_RETURN_IF_ERROR(Advance());
      ALIDADE_ASSIGN_OR_RETURN(high, ParseLiteral());
    }
    return MakeRange(what, bounds);
  }

  StatusOr<Filter> ParseIds() {
    ALIDADE_ASSIGN_OR_RETURN(const bool negated, TakeWord("NOT"));
    ALIDADE_ASSIGN_OR_RETURN(const bool in, TakeWord("IN"));
    IdIn condition;
    bool unequal = negated;
    if (in) {
      ALIDADE_ASSIGN_OR_RETURN(const std::vector<Literal> literals, ParseList());
      for (const Literal& literal : literals) {
        ALIDADE_ASSIGN_OR_RETURN(PointId id, IdOf(literal));
        condition.ids.push_back(std::move(id));
      }
    } else if (!negated && (NextIs("=") || NextIs("!="))) {
      unequal = NextIs("!=");
      ALIDADE_RETURN_IF_ERROR(Advance());
      ALIDADE_ASSIGN_OR_RETURN(const Literal literal, ParseLiteral());
      ALIDADE_ASSIGN_OR_RETURN(PointId id, IdOf(literal));
      condition.ids.push_back(std::move(id));
    } else {
      return Expected("=, !=, IN or NOT IN after id (a payload key of that name: `id`)");
    }
    return Negated(unequal, Filter{std::move(condition)});
  }

  // ---- functions: from behind the opening parenthesis ----

  StatusOr<Filter> ParseCall(const Token& name, uint32_t depth) {
    if (name.text == "all_of" || name.text == "any_of" || name.text == "none_of") {
      ALIDADE_ASSIGN_OR_RETURN(std::vector<Filter> parts, ParseFilters(depth));
      return name.text == "all_of"   ? Filter{AllOf{std::move(parts)}}
             : name.text == "any_of" ? Filter{AnyOf{std::move(parts)}}
                                     : Filter{NoneOf{std::move(parts)}};
    }
    if (name.text == "has_vector") {
      ALIDADE_ASSIGN_OR_RETURN(std::string field, ParseString());
      ALIDADE_RETURN_IF_ERROR(Take(")", ")"));
      return Filter{HasVector{std::move(field)}};
    }
    if (name.text == "nested") {
      ALIDADE_ASSIGN_OR_RETURN(std::string key, ParseKey());
      ALIDADE_RETURN_IF_ERROR(Take(",", "a comma"));
      if (NextIs(")")) {
        return Expected("a condition");
      }
      ALIDADE_ASSIGN_OR_RETURN(std::vector<Filter> parts, ParseFilters(depth));
      return Filter{Nested{std::move(key), std::move(parts)}};
    }
    using Make = StatusOr<Filter> (Parser::*)(std::string);
    static const std::vector<std::pair<std::string, Make>> functions = {
        {"exists", &Parser::MakeKeyOnly<Exists>},
        {"is_null", &Parser::MakeKeyOnly<IsNull>},
        {"is_empty", &Parser::MakeKeyOnly<IsEmpty>},
        {"missing", &Parser::MakeMissing},
        {"starts_with", &Parser::MakeMatch<StringMatchKind::kPrefix>},
        {"contains", &Parser::MakeMatch<StringMatchKind::kSubstring>},
        {"icontains", &Parser::MakeMatch<StringMatchKind::kFolded>},
        {"match", &Parser::MakeTextMatch<TextMatchKind::kAllWords>},
        {"match_any", &Parser::MakeTextMatch<TextMatchKind::kAnyWord>},
        {"match_phrase", &Parser::MakeTextMatch<TextMatchKind::kPhrase>},
        {"contains_any", &Parser::MakeListed<In>},
        {"contains_all", &Parser::MakeListed<ContainsAll>},
        {"geo_radius", &Parser::MakeRadius},
        {"geo_box", &Parser::MakeBox},
        {"geo_polygon", &Parser::MakePolygon}};
    std::vector<std::string> names = {
        "all_of", "any_of", "none_of", "has_vector", "nested", "count", "datetime"};
    for (const auto& [known, make] : functions) {
      if (known == name.text) {
        ALIDADE_ASSIGN_OR_RETURN(std::string key, ParseKey());
        ALIDADE_ASSIGN_OR_RETURN(Filter filter, (this->*make)(std::move(key)));
        ALIDADE_RETURN_IF_ERROR(Take(")", ")"));
        return filter;
      }
      names.push_back(known);
    }
    const std::string nearest = NearestName(name.text, names, /*edits_max=*/3);
    return TextError(
        name.column,
        fmt::format("there is no function {}{}",
                    name.text,
                    nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
  }

  template <typename Condition>
  StatusOr<Filter> MakeKeyOnly(std::string key) {
    return Filter{Condition{std::move(key)}};
  }
  StatusOr<Filter> MakeMissing(std::string key) { return Not(Filter{Exists{std::move(key)}}); }
  template <StringMatchKind kind>
  StatusOr<Filter> MakeMatch(std::string key) {
    ALIDADE_RETURN_IF_ERROR(Take(",", "a comma"));
    ALIDADE_ASSIGN_OR_RETURN(std::string text, ParseString());
    return Filter{StringMatch{std::move(key), kind, std::move(text)}};
  }
  template <TextMatchKind kind>
  StatusOr<Filter> MakeTextMatch(std::string key) {
    ALIDADE_RETURN_IF_ERROR(Take(",", "a comma"));
    TextMatch match{.key = std::move(key), .kind = kind, .text = {}};
    ALIDADE_ASSIGN_OR_RETURN(match.text, ParseString());
    if (NextIs(",")) {
      ALIDADE_RETURN_IF_ERROR(Advance());
      const size_t column = next().column;
      ALIDADE_ASSIGN_OR_RETURN(const std::string analyzer, ParseString());
      const auto parsed = ParseAnalyzerText(analyzer);
      if (!parsed.ok()) {
        return TextError(column, MessageOf(parsed.status()));
      }
      match.analyzer = *parsed;
    }
    return Filter{std::move(match)};
  }
  template <typename Condition>
  StatusOr<Filter> MakeListed(std::string key) {
    ALIDADE_RETURN_IF_ERROR(Take(",", "a comma"));
    ALIDADE_ASSIGN_OR_RETURN(std::vector<Value> values, ParseValues());
    return Filter{Condition{std::move(key), std::move(values)}};
  }
  StatusOr<Filter> MakeRadius(std::string key) {
    GeoRadius radius{.key = std::move(key), .center = {}};
    ALIDADE_RETURN_IF_ERROR(ParseNumbers({&radius.center.lat, &radius.center.lon, &radius.metres}));
    return Filter{std::move(radius)};
  }
  StatusOr<Filter> MakeBox(std::string key) {
    GeoBox box{.key = std::move(key), .south_west = {}, .north_east = {}};
    ALIDADE_RETURN_IF_ERROR(ParseNumbers(
        {&box.south_west.lat, &box.south_west.lon, &box.north_east.lat, &box.north_east.lon}));
    return Filter{std::move(box)};
  }
  StatusOr<Filter> MakePolygon(std::string key) {
    GeoPolygon polygon{.key = std::move(key), .exterior = {}};
    ALIDADE_RETURN_IF_ERROR(Take(",", "a comma"));
    ALIDADE_ASSIGN_OR_RETURN(polygon.exterior, ParseRing());
    while (NextIs(",")) {
      ALIDADE_RETURN_IF_ERROR(Advance());
      ALIDADE_ASSIGN_OR_RETURN(auto hole, ParseRing());
      polygon.holes.push_back(std::move(hole));
    }
    return Filter{std::move(polygon)};
  }

  static StatusOr<Filter> Negated(bool negated, StatusOr<Filter> filter) {
    if (!negated || !filter.ok()) {
      return filter;
    }
    return Not(*std::move(filter));
  }
};

}  // namespace

StatusOr<Filter> ParseFilterText(std::string_view text) { return Parser(text).Parse(); }

}  // namespace alidade
