#include "alidade/filter/instant.h"

#include <chrono>

namespace alidade {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;
constexpr int kFractionDigits = 9;

// Reads from the front of a text; after the first mismatch everything fails.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool ok() const { return ok_; }
  bool done() const { return rest_.empty(); }

  bool NextIs(std::string_view any) const {
    return !rest_.empty() && any.find(rest_.front()) != std::string_view::npos;
  }
  char Take(std::string_view any) {
    if (!NextIs(any)) {
      ok_ = false;
      return '\0';
    }
    const char taken = rest_.front();
    rest_.remove_prefix(1);
    return taken;
  }
  // Exactly `digits` digits, a number of at most `max`.
  int Number(int digits, int max) {
    int number = 0;
    for (int i = 0; i < digits; ++i) {
      number = number * 10 + (Take("0123456789") - '0');
    }
    ok_ = ok_ && number <= max;
    return ok_ ? number : 0;
  }
  // One digit at least.
  uint32_t Nanoseconds() {
    uint32_t fraction = 0;
    int digits = 0;
    do {
      const char digit = Take("0123456789");
      if (digits < kFractionDigits) {
        fraction = fraction * 10 + static_cast<uint32_t>(digit - '0');
        ++digits;
      }
    } while (ok_ && NextIs("0123456789"));
    for (; digits < kFractionDigits; ++digits) {
      fraction *= 10;
    }
    return ok_ ? fraction : 0;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// Seconds that local time is ahead of UTC.
int64_t Offset(Reader& in) {
  if (in.done()) {
    return 0;
  }
  const char sign = in.Take("Zz+-");
  if (sign != '+' && sign != '-') {
    return 0;
  }
  const int hours = in.Number(2, 23);
  in.Take(":");
  const int minutes = in.Number(2, 59);
  const int64_t seconds = int64_t{hours} * 3'600 + int64_t{minutes} * 60;
  return sign == '-' ? -seconds : seconds;
}

}  // namespace

std::optional<Instant> ParseInstant(std::string_view text) {
  Reader in(text);
  const int year = in.Number(4, 9999);
  in.Take("-");
  const int month = in.Number(2, 12);
  in.Take("-");
  const int day = in.Number(2, 31);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!in.ok() || !date.ok()) {
    return std::nullopt;
  }
  Instant instant;
  instant.seconds = std::chrono::sys_days(date).time_since_epoch().count() * kSecondsPerDay;
  if (in.done()) {
    return instant;
  }
  in.Take("Tt ");
  const int hour = in.Number(2, 23);
  in.Take(":");
  const int minute = in.Number(2, 59);
  in.Take(":");
  const int second = in.Number(2, 60);
  if (in.NextIs(".")) {
    in.Take(".");
    instant.nanoseconds = in.Nanoseconds();
  }
  instant.seconds += int64_t{hour} * 3'600 + int64_t{minute} * 60 - Offset(in);
  if (!in.ok() || !in.done()) {
    return std::nullopt;
  }
  if (second == 60) {
    const int64_t of_day = (instant.seconds % kSecondsPerDay + kSecondsPerDay) % kSecondsPerDay;
    if (of_day != kSecondsPerDay - 60) {
      return std::nullopt;
    }
  }
  instant.seconds += second;
  return instant;
}

}  // namespace alidade
