package transport

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// pauseAsked returns the pause that a response with status 429, or with nothing remaining, asks for: Retry-After or else
// X-RateLimit-Reset. It returns 0 if the response has neither, or if they are not readable.
func pauseAsked(header http.Header, now time.Time) time.Duration {
	if pause := retryAfter(header, now); pause > 0 {
		return pause
	}
	const farthest = time.Hour // beyond it, the time is in milliseconds or wrong
	reset, ok := number(header, "X-RateLimit-Reset")
	if !ok || reset > math.MaxUint32 {
		return 0
	}
	if pause := time.Unix(int64(reset), 0).Sub(serverTime(header, now)); pause <= farthest {
		return max(0, pause)
	}
	return 0
}

// retryAfter returns the pause in Retry-After, as seconds or as a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	if pause, ok := number(header, "Retry-After"); ok {
		return time.Duration(min(max(0, pause)*float64(time.Second), math.MaxInt64/2))
	}
	if date, err := http.ParseTime(header.Get("Retry-After")); err == nil {
		return max(0, date.Sub(serverTime(header, now)))
	}
	return 0
}

// serverTime returns the time of the server's own clock, by which its dates are meant, or now if it does not send it.
func serverTime(header http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		return date
	}
	return now
}

// rateHeaders returns the limit per second that a response states, or 0, and the requests that remain of it, or -1.
func rateHeaders(header http.Header) (limit, remaining float64) {
	limit, ok := number(header, "X-RateLimit-Limit")
	if !ok || limit <= 0 {
		return 0, -1
	}
	remaining, ok = number(header, "X-RateLimit-Remaining")
	if !ok || remaining < 0 || remaining > limit {
		return limit, -1
	}
	return limit, remaining
}

// number returns the value of a header, the least one if it is sent more than once, as in "200, 200".
func number(header http.Header, name string) (least float64, ok bool) {
	for value := range strings.SplitSeq(strings.Join(header.Values(name), ","), ",") {
		n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) && (!ok || n < least) {
			least, ok = n, true
		}
	}
	return least, ok
}
