package transport

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter is the pause that an answer asks for: Retry-After in seconds,
// with or without a fraction, or as a date, or else, with a 429,
// X-RateLimit-Reset, which other answers have too and mean nothing by. What is
// none of these is no pause. Dates are read by the server's own clock where the
// answer tells it.
func retryAfter(status int, header http.Header, now time.Time) time.Duration {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	if value := strings.TrimSpace(header.Get("Retry-After")); value != "" {
		if pause, ok := seconds(value); ok {
			return pause
		}
		if date, err := http.ParseTime(value); err == nil {
			return max(0, date.Sub(now))
		}
	}
	if status != http.StatusTooManyRequests {
		return 0
	}
	if reset, err := strconv.ParseInt(strings.TrimSpace(header.Get("X-RateLimit-Reset")), 10, 64); err == nil && reset > 0 {
		return max(0, time.Unix(reset, 0).Sub(now))
	}
	return 0
}

func seconds(value string) (time.Duration, bool) {
	number, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(number) || number < 0 {
		return 0, false
	}
	if number >= math.MaxInt64/float64(time.Second) { // as a float64, MaxInt64 is one too many
		return math.MaxInt64, true
	}
	return time.Duration(number * float64(time.Second)), true
}

// rateHeaders are what an answer says of the current second. ok is false
// where it says nothing that makes sense.
func rateHeaders(header http.Header) (limit, remaining int, ok bool) {
	limit, err := strconv.Atoi(strings.TrimSpace(header.Get("X-RateLimit-Limit")))
	if err != nil || limit <= 0 {
		return 0, 0, false
	}
	remaining, err = strconv.Atoi(strings.TrimSpace(header.Get("X-RateLimit-Remaining")))
	if err != nil || remaining < 0 || remaining > limit {
		return limit, -1, true
	}
	return limit, remaining, true
}
