package transport

import (
	"math"
	"time"
)

const (
	// memory is how long what others did counts: after it, at a third of its
	// weight.
	memory = 2 * time.Second
	// firstLook is the least time that says how fast others are.
	firstLook = time.Second / 4
	// settling is how long after the server's second has begun requests sent
	// before may still be counted, or those sent after already.
	settling = 2*variance + 10*time.Millisecond
)

// others estimates how many requests a second others send on the same budget.
// The answers tell how much of the server's second is used; what was not used
// by requests of our own was used by others.
type others struct {
	last    reading   // that was learned from
	refused int       // requests of our own since then that were not counted
	crossed time.Time // when the server's second ended since then, about

	// What others sent, and the seconds it took them, both fading.
	requests, seconds float64

	// The round of a second in which readings are collected, and what those of
	// the last one allow: whatever others sent was used, and not by us.
	round struct {
		first   reading
		refused int // requests of our own that were not counted
		used    int // at the most
	}
	most float64 // a second
}

// learn takes a reading. Those that come out of order are left out.
func (o *others) learn(r reading) {
	if r.refused {
		o.refused++
	}
	o.bound(r)
	if r.number <= o.last.number {
		return
	}
	elapsed := r.at.Sub(o.last.at)
	own := r.number - o.last.number - o.refused
	switch {
	case o.last.number == 0 || elapsed >= time.Second || r.limit != o.last.limit:
		o.fade(elapsed)
		o.add(r.used-1, time.Second) // the server's second has lasted that long at the most
	case o.crossed.IsZero() && r.later(o.last):
		// It began since the last reading: halfway, for all that is known.
		o.crossed = r.at.Add(-elapsed / 2)
		return
	case o.crossed.IsZero():
		o.fade(elapsed)
		o.add(r.used-o.last.used-own+o.refused, elapsed) // a refusal is one too many as well
	case r.at.Sub(o.crossed) < settling:
		return
	default:
		o.fade(elapsed)
		o.add(r.used-own, r.at.Sub(o.crossed))
	}
	o.last, o.refused, o.crossed = r, 0, time.Time{}
}

// bound ends the round when it has lasted for a second. Some second of the
// server's has ended in it, with as many requests as were used at the most. Not
// all servers count like this one is known to: without the bound, an estimate
// that is wrong would confirm itself.
func (o *others) bound(r reading) {
	if r.refused {
		o.round.refused++
	}
	o.round.used = max(o.round.used, r.used)
	elapsed := r.at.Sub(o.round.first.at)
	if elapsed < time.Second {
		return
	}
	o.most = math.MaxFloat64
	if o.round.first.number > 0 && elapsed < 2*time.Second {
		own := r.number - o.round.first.number - o.round.refused
		o.most = max(0, float64(o.round.used)-float64(own)/elapsed.Seconds()) + o.few()
	}
	o.round.first, o.round.refused, o.round.used = r, 0, 0
}

func (o *others) fade(elapsed time.Duration) {
	weight := math.Exp(-elapsed.Seconds() / memory.Seconds())
	o.requests *= weight
	o.seconds *= weight
}

func (o *others) add(requests int, elapsed time.Duration) {
	o.requests += float64(requests)
	o.seconds += elapsed.Seconds()
}

// rate is the estimate, in requests a second.
func (o *others) rate() float64 {
	if o.requests < o.few() || o.seconds < firstLook.Seconds() {
		return 0
	}
	return min(o.requests/o.seconds, o.most)
}

// few requests prove nothing: it can look like so many when answers overtake
// each other.
func (o *others) few() float64 { return 1 + float64(o.last.limit)/40 }
