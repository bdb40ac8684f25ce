package transport

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// epoch is when the tests of a pace begin.
var epoch = time.Date(2026, 3, 13, 9, 0, 0, 0, time.UTC)

// A paceModel drives a pace with a queue, and checks each request that is sent
// against all that were sent before.
type paceModel struct {
	pace  pace
	now   time.Time
	queue []modelRequest

	sent      []time.Time
	due       time.Time
	busy      time.Time // when something was last waiting
	unchanged int       // counts what can make an estimate too late
}

type modelRequest struct {
	since, earliest time.Time
	unchanged       int
}

func (m *paceModel) arrive(t *rapid.T) {
	if len(m.queue) == 0 {
		before := m.pace.burst
		m.pace.demand(m.now)
		if quietFor := m.now.Sub(later(m.busy, m.pace.paused)); m.pace.burst > before && quietFor < time.Second {
			t.Fatalf("a burst of %d after %v of quiet", m.pace.burst, quietFor)
		}
	}
	earliest := m.pace.estimate(m.now, len(m.queue), 1)
	m.queue = append(m.queue, modelRequest{m.now, earliest, m.unchanged})
	m.busy = m.now
	m.pass(t, 0, 0)
}

func (m *paceModel) leave(i int) {
	m.queue = append(m.queue[:i], m.queue[i+1:]...)
	m.busy = m.now
	m.unchanged++
	if len(m.queue) == 0 {
		m.pace.idle = m.now
	}
}

// pass lets time pass, in which requests are sent up to so late.
func (m *paceModel) pass(t *rapid.T, d, lateness time.Duration) {
	end := m.now.Add(d)
	for len(m.queue) > 0 {
		head := m.queue[0]
		due := m.pace.next(head.since, m.now)
		longest := m.pace.window() + m.pace.spacing(m.pace.part)
		if wait := due.Sub(later(m.now, m.pace.paused)); wait > longest {
			t.Fatalf("the next request waits %v, longer than %v", wait, longest)
		}
		if due.After(end) {
			break
		}
		if due.After(m.now) {
			m.now = due.Add(min(lateness, end.Sub(due)))
		}
		m.send(t, head, due)
	}
	m.now = end
	if len(m.queue) > 0 {
		m.busy = m.now
	}
}

func (m *paceModel) send(t *rapid.T, r modelRequest, due time.Time) {
	size, window := int(math.Ceil(m.pace.limit)), time.Duration(1.02*math.Ceil(m.pace.limit)/m.pace.limit*float64(time.Second))
	if i := len(m.sent) - size; i >= 0 && m.now.Sub(m.sent[i]) < window {
		t.Fatalf("%d requests in %v, at a limit of %v", size+1, m.now.Sub(m.sent[i]), m.pace.limit)
	}
	if m.now.Before(m.pace.paused) {
		t.Fatalf("sent %v before the pause ended", m.pace.paused.Sub(m.now))
	}
	spacing := time.Duration(1.02 / (m.pace.limit * m.pace.part) * float64(time.Second))
	if m.pace.burst == 0 && due.Sub(m.due) < spacing {
		t.Fatalf("due %v after the last one, want %v", due.Sub(m.due), spacing)
	}
	if r.unchanged == m.unchanged && m.now.Before(r.earliest) {
		t.Fatalf("sent %v before the earliest time", r.earliest.Sub(m.now))
	}
	m.pace.send(due, m.now)
	m.sent = append(m.sent, m.now)
	m.due = due
	m.queue = m.queue[1:]
	m.busy = m.now
	if len(m.queue) == 0 {
		m.pace.idle = m.now
	}
}

// Whatever arrives, is refused, paused, limited, late or cancelled, no window
// holds more requests than its limit.
func TestNoWindowHoldsMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limits := rapid.OneOf(rapid.SampledFrom([]float64{0.01, 0.5, 1, 2.5, 10, 50, 200}), rapid.Float64Range(0.2, 30))
		durations := rapid.OneOf(rapid.Just(time.Duration(0)), rapid.Map(rapid.IntRange(0, 3_000_000), func(us int) time.Duration {
			return time.Duration(us) * time.Microsecond
		}))
		m := &paceModel{
			pace: newPace(limits.Draw(t, "ceiling"), rapid.SampledFrom([]float64{1, 0.5, 0.3}).Draw(t, "share")),
			now:  epoch,
		}
		t.Repeat(map[string]func(*rapid.T){
			"arrive": func(t *rapid.T) {
				for range rapid.IntRange(1, 30).Draw(t, "requests") {
					m.arrive(t)
				}
			},
			"leave": func(t *rapid.T) {
				if len(m.queue) == 0 {
					t.Skip()
				}
				m.leave(rapid.IntRange(0, len(m.queue)-1).Draw(t, "place"))
				m.pass(t, 0, 0)
			},
			"pass": func(t *rapid.T) {
				m.pass(t, durations.Draw(t, "time"), durations.Draw(t, "lateness")/100)
			},
			"limit": func(t *rapid.T) {
				m.pace.setLimit(limits.Draw(t, "limit"))
				m.unchanged++
				m.pass(t, 0, 0)
			},
			"refuse": func(t *rapid.T) {
				if len(m.sent) == 0 {
					t.Skip()
				}
				sent := m.sent[rapid.IntRange(max(0, len(m.sent)-20), len(m.sent)-1).Draw(t, "request")]
				before := m.pace.part
				m.pace.refuse(sent, m.now)
				if m.pace.part < 0.1 || m.pace.part < before*0.74 {
					t.Fatalf("one refusal cuts the rate from %v to %v of the limit", before, m.pace.part)
				}
				m.pace.pause(m.now.Add(durations.Draw(t, "pause")))
			},
			"": func(t *rapid.T) {
				if m.pace.part < leastPart || m.pace.part > 1 || m.pace.limit > m.pace.ceiling*m.pace.share && m.pace.limit > leastLimit {
					t.Fatalf("%v of a limit of %v", m.pace.part, m.pace.limit)
				}
			},
		})
	})
}

// run sends requests that all wait from now on, and returns when each was sent.
func (p *pace) run(n int, now time.Time) []time.Duration {
	p.demand(now)
	began, since := now, now
	var sent []time.Duration
	for range n {
		due := p.next(since, now)
		now = later(now, due)
		p.send(due, now)
		sent = append(sent, now.Sub(began))
	}
	p.idle = now
	return sent
}

func TestPaceOfRequestsThatWait(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		limit float64
		want  []time.Duration
	}{
		{"half of the limit at once, then evenly, within the ring", 10, []time.Duration{
			0, 0, 0, 0, 0, 102 * ms, 204 * ms, 306 * ms, 408 * ms, 510 * ms,
			1020 * ms, 1122 * ms, 1224 * ms, 1326 * ms, 1428 * ms, 1530 * ms,
		}},
		{"one per second", 1, []time.Duration{0, 1020 * ms, 2040 * ms}},
		{"two per second", 2, []time.Duration{0, 510 * ms, 1020 * ms}},
		{"one in two seconds", 0.5, []time.Duration{0, 2040 * ms, 4080 * ms}},
		{"a limit that is not whole", 2.5, []time.Duration{0, 408 * ms, 816 * ms, 1224 * ms}},
		{"four per second", 4, []time.Duration{0, 0, 255 * ms, 510 * ms, 1020 * ms, 1275 * ms}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPace(tt.limit, 1)
			sent := p.run(len(tt.want), epoch)
			for i, want := range tt.want {
				if sent[i] != want {
					t.Errorf("request %d was sent at %v, want %v", i, sent[i], want)
				}
			}
		})
	}
}

// The estimate for a place in the queue is never too late, and exact for the
// first window.
func TestEstimates(t *testing.T) {
	t.Parallel()
	for _, limit := range []float64{10, 4, 2.5, 1, 0.5, 100} {
		p := newPace(limit, 1)
		p.demand(epoch)
		estimates := make([]time.Duration, 3*p.size())
		for ahead := range estimates {
			estimates[ahead] = p.estimate(epoch, ahead, 1).Sub(epoch)
		}
		size := p.size()
		for ahead, sent := range p.run(len(estimates), epoch) {
			if estimates[ahead] > sent || ahead <= size && estimates[ahead] != sent {
				t.Errorf("at %v per second the request behind %d was sent at %v, and was estimated for %v", limit, ahead, sent, estimates[ahead])
			}
		}
	}
}

// The ring keeps enough times, however many requests came before a burst.
func TestRingKeepsEnoughTimes(t *testing.T) {
	t.Parallel()
	for before := range 60 {
		for _, quietFor := range []time.Duration{time.Second, 1010 * ms} {
			p := newPace(10, 1)
			sent := p.run(before, epoch)
			again := p.idle.Add(quietFor)
			for _, at := range p.run(12, again) {
				sent = append(sent, again.Add(at).Sub(epoch))
			}
			for i := 10; i < len(sent); i++ {
				if sent[i]-sent[i-10] < 1020*ms {
					t.Errorf("after %d requests, eleven were sent in %v", before, sent[i]-sent[i-10])
				}
			}
		}
	}
}

// A pause ends a burst that was not used up, and so does a lower limit.
func TestBurstThatIsNotUsedUp(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*pace){
		"a pause":       func(p *pace) { p.pause(epoch.Add(time.Second)) },
		"a lower limit": func(p *pace) { p.setLimit(2) },
	} {
		p := newPace(10, 1)
		p.run(1, epoch)
		change(&p)
		sent := p.run(3, epoch.Add(100*ms))
		if sent[1] == sent[0] && sent[2] == sent[1] || p.burst > 0 {
			t.Errorf("after %s requests were sent at %v", name, sent)
		}
	}
}

func TestPaceAtHighLimits(t *testing.T) {
	t.Parallel()
	for _, limit := range []float64{5000, 10_000, 1e9} {
		p := newPace(limit, 1)
		limit = min(limit, 10_000)
		sent := p.run(int(3*limit), epoch)
		last := sent[len(sent)-1].Seconds()
		if want := 3 * 1.02; last < want-0.55 || last > want+0.01 {
			t.Errorf("three seconds' requests at a limit of %v took %v seconds", limit, last)
		}
		if n := cap(p.sent); n > 4*int(limit) {
			t.Errorf("%d times are kept for a limit of %v", n, limit)
		}
	}
}

// A burst needs a second in which nothing waits, pauses aside.
func TestBurstAfterQuiet(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		quiet time.Duration
		pause time.Duration // from the end of the requests before
		burst int
	}{
		{"a second of quiet", time.Second, 0, 5},
		{"less than a second", 999 * ms, 0, 1},
		{"a pause for all of it", 5 * time.Second, 5 * time.Second, 1},
		{"a pause that ended less than a second ago", 5 * time.Second, 4001 * ms, 1},
		{"a pause that ended a second ago", 5 * time.Second, 4 * time.Second, 5},
		{"a pause that has not ended", 5 * time.Second, 6 * time.Second, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPace(10, 1)
			p.run(20, epoch)
			end := p.idle
			if tt.pause > 0 {
				p.pause(end.Add(tt.pause))
			}
			sent := p.run(6, end.Add(tt.quiet))
			burst := 0
			for _, at := range sent {
				if at == sent[0] {
					burst++
				}
			}
			if burst != tt.burst {
				t.Errorf("%d requests went back to back, want %d: %v", burst, tt.burst, sent)
			}
		})
	}
}

func TestRateAfterRefusals(t *testing.T) {
	t.Parallel()
	p := newPace(10, 1)
	at := func(seconds float64) time.Time { return epoch.Add(time.Duration(seconds * float64(time.Second))) }
	refuse := func(sent, now float64) {
		p.refuse(at(sent), at(now))
		p.pause(at(sent + 1))
	}
	check := func(now, want float64) {
		t.Helper()
		p.recover(at(now))
		if math.Abs(p.part-want) > 1e-9 {
			t.Errorf("after %v seconds the rate is %v of the limit, want %v", now, p.part, want)
		}
	}
	refuse(1, 1.1)
	check(1.1, 0.75)
	refuse(1.05, 1.2) // sent before the cut
	check(1.2, 0.75)
	check(2.05, 0.75) // the end of the pause
	check(3.05, 0.79)
	check(5.05, 0.87)
	refuse(5, 5.05)
	check(5.05, 0.6525)
	check(6, 0.6525)
	check(8.1875, 0.74)
	check(100, 1)
	for now := 100.0; now < 130; now++ {
		refuse(now, now+0.5)
	}
	check(129.5, 0.1)
	check(131, 0.14)
}

func TestLimitFollowsHeadersUpToItsCeiling(t *testing.T) {
	t.Parallel()
	tests := []struct {
		ceiling, share, header, want float64
	}{
		{10, 1, 5, 5},
		{10, 1, 100, 10},
		{10, 0.5, 100, 5},
		{10, 0.5, 4, 2},
		{10, 1, 1e-9, 0.01},
		{1e9, 1, 1e9, 10_000},
		{0.5, 1, 10, 0.5},
		{5000, 1, 6000, 5000},
	}
	for _, tt := range tests {
		p := newPace(tt.ceiling, tt.share)
		full := p.limit
		p.setLimit(tt.header)
		if p.limit != tt.want {
			t.Errorf("a header of %v with a ceiling of %v and a share of %v makes %v, want %v", tt.header, tt.ceiling, tt.share, p.limit, tt.want)
		}
		if p.setLimit(math.Inf(1)); p.limit != full {
			t.Errorf("the limit came back to %v, want %v", p.limit, full)
		}
	}
}
