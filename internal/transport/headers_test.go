package transport

import (
	"math"
	"net/http"
	"strconv"
	"testing"
	"time"
)

func TestRateHeaders(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name             string
		limit, remaining []string
		wantLimit, want  float64
	}{
		{"none", nil, nil, 0, -1},
		{"both", []string{"10"}, []string{"3"}, 10, 3},
		{"spaces", []string{" 10 "}, []string{" 0"}, 10, 0},
		{"sent twice", []string{"200", "200"}, []string{"7", "7"}, 200, 7},
		{"twice in one", []string{"200, 200"}, []string{"7,7"}, 200, 7},
		{"the least of two", []string{"200, 50"}, []string{"9", "4"}, 50, 4},
		{"one that is readable", []string{"x, 50"}, []string{"", "4"}, 50, 4},
		{"a fraction", []string{"0.5"}, []string{"0"}, 0.5, 0},
		{"no limit", nil, []string{"3"}, 0, -1},
		{"a limit of zero", []string{"0"}, []string{"0"}, 0, -1},
		{"a negative limit", []string{"-10"}, []string{"3"}, 0, -1},
		{"more than the limit remains", []string{"10"}, []string{"11"}, 10, -1},
		{"less than nothing remains", []string{"10"}, []string{"-1"}, 10, -1},
		{"no numbers", []string{"ten"}, []string{"three"}, 0, -1},
		{"not numbers", []string{"NaN"}, []string{"Inf"}, 0, -1},
		{"beyond all numbers", []string{"1e999"}, []string{"3"}, 0, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limit, remaining := rateHeaders(http.Header{"X-Ratelimit-Limit": tt.limit, "X-Ratelimit-Remaining": tt.remaining})
			if limit != tt.wantLimit || remaining != tt.want {
				t.Errorf("got %v of %v, want %v of %v", remaining, limit, tt.want, tt.wantLimit)
			}
		})
	}
}

// Whatever a server sends, a pause is not negative and not longer than allowed,
// and a limit stays within its bounds.
func FuzzHeaders(f *testing.F) {
	const date = "Sat, 21 Nov 2026 22:00:00 GMT"
	for _, seed := range []string{
		"", "0", "1", "-1", "1.5", " 3 ", "1e3", "1e400", "-1e400", "Inf", "NaN", "0x1p-2", "1_0", "3600", "soon", "200, 200", ",",
		"9223372036", "9223372036.854775807", "9223372036.9", "9223372037", "99999999999999999999",
		date, "Sat, 21 Nov 2026 22:00:30 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Saturday, 21-Nov-26 22:00:10 GMT",
	} {
		f.Add(429, seed, date, "", "10", "0")
		f.Add(503, seed, "", "1795298400", "10", "9")
		f.Add(429, "", seed, seed, seed, seed)
	}
	f.Add(429, "", "", strconv.FormatInt(math.MaxInt64, 10), strconv.FormatInt(math.MaxInt64, 10), "0")
	f.Add(429, "", "", strconv.FormatInt(math.MinInt64, 10), "-5", "-5")
	f.Add(200, "", "", "", "1", "2")

	f.Fuzz(func(t *testing.T, status int, after, date, reset, limit, remaining string) {
		header := http.Header{
			"Retry-After": {after}, "Date": {date}, "X-Ratelimit-Reset": {reset},
			"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {remaining},
		}
		now := time.Unix(1795298400, 0)
		if pause := retryAfter(header, now); pause < 0 {
			t.Errorf("the pause is %v", pause)
		}
		if pause := pauseAsked(header, now); pause < 0 || retryAfter(header, now) == 0 && pause > time.Hour {
			t.Errorf("the pause until the reset is %v", pause)
		}
		perSecond, left := rateHeaders(header)
		if perSecond < 0 || left < -1 || left > perSecond {
			t.Errorf("the headers say %v of %v", left, perSecond)
		}

		const longest = 3 * time.Second
		b := newBudget(7, 1, nil)
		b.observe(time.Now(), status, header, longest)
		if left := b.pauseLeft(); left > longest {
			t.Errorf("the pause is %v", left)
		}
		if b.pace.limit < leastLimit || b.pace.limit > 7 {
			t.Errorf("the limit is %v", b.pace.limit)
		}
	})
}
