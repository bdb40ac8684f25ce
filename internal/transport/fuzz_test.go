package transport

import (
	"math"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// Whatever a server asks for is a pause that is not negative, and holds nobody
// up for longer than the caller allows.
func FuzzPauses(f *testing.F) {
	const date = "Sat, 21 Nov 2026 22:00:00 GMT"
	for _, seed := range []string{
		"", "0", "1", "-1", "1.5", " 3 ", "1e3", "1e400", "-1e400", "Inf", "NaN", "0x1p-2", "1_0", "3600", "soon",
		"9223372036", "9223372036.854775807", "9223372036.9", "9223372037", "99999999999999999999",
		date, "Sat, 21 Nov 2026 22:00:30 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Saturday, 21-Nov-26 22:00:10 GMT",
	} {
		f.Add(429, seed, date, "", "10", "0")
		f.Add(503, seed, "", "1795298400", "10", "9")
		f.Add(429, "", seed, seed, seed, seed)
	}
	f.Add(429, "", "", strconv.Itoa(math.MaxInt64), strconv.Itoa(math.MaxInt64), "0")
	f.Add(429, "", "", strconv.Itoa(math.MinInt64), "-5", "-5")
	f.Add(200, "", "", "", "1", "2")

	f.Fuzz(func(t *testing.T, status int, after, date, reset, limit, remaining string) {
		header := http.Header{
			"Retry-After": {after}, "Date": {date}, "X-Ratelimit-Reset": {reset},
			"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {remaining},
		}
		now := time.Unix(1795298400, 0)
		if pause := retryAfter(status, header, now); pause < 0 {
			t.Errorf("the pause is %v", pause)
		} else if status != http.StatusTooManyRequests && after == "" && pause > 0 {
			t.Errorf("an answer of %d that asks for no pause gets one of %v", status, pause)
		}
		perSecond, left, ok := rateHeaders(header)
		if ok && (perSecond <= 0 || left < -1 || left > perSecond) || !ok && (perSecond != 0 || left != 0) {
			t.Errorf("the headers say %d of %d, %v", left, perSecond, ok)
		}

		const longest = 3 * time.Second
		pacer := NewPacer(10, 0)
		pacer.observe(Turn{at: time.Now()}, header, status, longest)
		if left := pacer.pauseLeft(); left > longest {
			t.Errorf("everybody waits for %v, and %v is the most", left, longest)
		}
		if rate := pacer.limiter.Limit(); rate < 0.49 || math.IsInf(float64(rate), 0) || math.IsNaN(float64(rate)) {
			t.Errorf("the pacer goes at %v a second", rate)
		}
		if wait := pacer.enter(); wait < 0 && pacer.pauseLeft() > 0 || wait > longest+time.Second {
			t.Errorf("the next request waits for %v", wait)
		}

		capped := NewPacer(10, 7)
		capped.observe(Turn{at: time.Now()}, header, status, longest)
		if rate := capped.limiter.Limit(); rate > 7 {
			t.Errorf("the pacer goes at %v a second above its ceiling", rate)
		}
	})
}
