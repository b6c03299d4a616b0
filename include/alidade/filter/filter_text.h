// The readable form of filters, e.g.
//
//   year >= 2020 AND lang IN ["en", "de"] AND NOT exists(deleted)
//
// Groups:    NOT binds tighter than AND, AND tighter than OR; parentheses; all_of(...), any_of(...)
//            and none_of(...) of any number of filters. Words are taken in any case.
// Compare:   = != < <= > >= with null, true, false, integers, numbers with a point or an exponent
//            (doubles) and "strings"; IN [...], NOT IN [...]; BETWEEN low AND high (both belong to
//            it); 1 < key <= 5 (both bounds for one element of a list).
// Measure:   count(key) and datetime(key) compared likewise, but for IN.
// Functions: exists(k) missing(k) is_null(k) is_empty(k) contains_any(k, [...])
//            contains_all(k, [...]) starts_with(k, "x") contains(k, "x") icontains(k, "x")
//            match(k, "words") match_any(k, "words") match_phrase(k, "words"), each with how text
//            is analysed as a third: match(k, "words", "english stop_words=default") (analyzer.h)
//            nested(k, filter, ...) has_vector("field") geo_radius(k, lat, lon, metres)
//            geo_box(k, south, west, north, east) geo_polygon(k, [[lat, lon], ...], [a hole], ...)
// Points:    id = 7, id != "a", id IN [7, "a"], id NOT IN [...]
// Keys:      letters, digits, "_", "-" and "." (a letter or "_" first) as they are, unless they are
//            one of the words and, or, not, in, between, true, false, null, id; others in
//            `backquotes`.
// Escapes:   in strings and backquotes \" \\ \` \/ \b \f \n \r \t \uXXXX and \xHH (a byte).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "alidade/common/status.h"
#include "alidade/filter/filter.h"

namespace alidade {

// Deepest nesting of a text (chosen: beyond every limit of a server).
inline constexpr uint32_t kFilterTextDepthMax = 64;

// `!=`, NOT IN, NOT BETWEEN and missing(k) are none_of around their opposite, contains_any is IN.
// Ensures:  ParseFilterText(FilterText(x)) == x for every x that passed ValidateFilter and holds
//           finite numbers and UTF-8 only.
// Errors:   INVALID_ARGUMENT with the column (in bytes, from 1) and what was expected there.
//           What it takes may still fail ValidateFilter.
StatusOr<Filter> ParseFilterText(std::string_view text);

// The whole filter in one line of UTF-8.
std::string FilterText(const Filter& filter);

// The same for plans and logs: long strings and lists are cut ("..."), and so is the whole.
std::string DescribeFilter(const Filter& filter);

}  // namespace alidade
