// Instant: a point in time, read from text.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace alidade {

struct Instant {
  int64_t seconds = 0;       // since 1970-01-01T00:00:00Z, without leap seconds
  uint32_t nanoseconds = 0;  // 0..999,999,999

  friend auto operator<=>(const Instant&, const Instant&) = default;
};

// RFC 3339, e.g. 2024-02-29T23:59:59.5+01:00: years 0000..9999, "T" or "t" or one space between
// date and time, "Z" or "z" or an offset. Besides: without an offset (then UTC), and the date alone
// (then its first instant in UTC). Digits of a fraction beyond the ninth are cut. A leap second
// (23:59:60 UTC) is the first second of the day that follows. Anything else: nothing.
std::optional<Instant> ParseInstant(std::string_view text);

}  // namespace alidade
