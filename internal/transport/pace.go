package transport

import (
	"math"
	"time"
)

const (
	slack                 = 1.02         // requests that are sent evenly do not arrive evenly
	leastLimit, mostLimit = 0.01, 10_000 // of requests per second, whatever a header says
	quiet                 = time.Second  // without a waiting request, before requests may be sent back to back again

	cutTo     = 0.75 // the part of the rate that a 429 leaves
	leastPart = 0.1  // the part of the limit that is always used
	regained  = 0.04 // the part of the limit that each second without a 429 restores
)

// A pace decides when requests may be sent under one limit. It reads no clock and keeps no queue.
//
// At most ceil(limit) requests are sent in each window of 1.02 × ceil(limit) ÷ limit seconds. Within that bound, the
// first requests after a second of quiet are sent back to back, and all others evenly.
type pace struct {
	ceiling float64 // of the limit, in requests per second
	share   float64 // the part of each limit to use
	limit   float64
	part    float64 // the part of the limit that is the rate: less than 1 after a 429

	sent   []time.Time // the newest at the end
	keep   int         // how many of them any limit can need
	due    time.Time   // when the last request was due, which can be before it was sent
	burst  int         // requests that may still be sent back to back
	idle   time.Time   // since when nothing is waiting
	paused time.Time   // until when nothing is sent

	cut       time.Time // when the rate was last cut
	recovered time.Time // until when part has been restored
}

func newPace(ceiling, share float64) pace {
	p := pace{ceiling: ceiling, share: share, part: 1}
	p.setLimit(ceiling)
	p.keep = p.size()
	return p
}

// setLimit follows the limit of a header, up to the ceiling.
func (p *pace) setLimit(limit float64) {
	p.limit = min(max(min(limit, p.ceiling)*p.share, leastLimit), mostLimit)
	p.burst = min(p.burst, p.mostBurst())
}

func (p *pace) size() int { return int(math.Ceil(p.limit)) } // of a window

func (p *pace) window() time.Duration { return seconds(slack * math.Ceil(p.limit) / p.limit) }

func (p *pace) spacing(part float64) time.Duration { return seconds(slack / (p.limit * part)) }

func (p *pace) mostBurst() int { return max(1, int(p.limit/2)) }

// demand notes that a request waits after none did.
func (p *pace) demand(now time.Time) {
	if now.Sub(later(p.idle, p.paused)) >= quiet {
		p.burst = p.mostBurst()
	}
}

// next returns when the first of those that wait may be sent, which waits since then.
func (p *pace) next(since, now time.Time) time.Time {
	p.recover(now)
	return p.estimate(since, 0, p.part)
}

// estimate returns when a request that waits since then may be sent behind others, at a part of the limit.
func (p *pace) estimate(since time.Time, ahead int, part float64) time.Time {
	first := later(since, p.paused)
	if p.burst == 0 {
		first = later(first, p.due.Add(p.spacing(part)))
	}
	even := first.Add(time.Duration(max(0, ahead-max(0, p.burst-1))) * p.spacing(part))

	// The ring: a request comes a window after the one that is as many requests before as a window may hold.
	windows, place := ahead/p.size(), ahead%p.size()
	if i := len(p.sent) - p.size() + place; i >= 0 && i < len(p.sent) {
		first = later(first, p.sent[i].Add(p.window()))
	}
	return later(even, first.Add(time.Duration(windows)*p.window()))
}

// send notes that a request is sent now that was due before.
func (p *pace) send(due, now time.Time) {
	p.due = due
	p.burst = max(0, p.burst-1)
	if len(p.sent) == 2*p.keep {
		p.sent = p.sent[:copy(p.sent, p.sent[p.keep:])]
	}
	p.sent = append(p.sent, now)
}

// pause sends nothing until then. What comes after it is sent evenly.
func (p *pace) pause(until time.Time) {
	p.paused = later(p.paused, until)
	p.burst = 0
}

// refuse notes a 429 for a request that was sent then. It reports whether that was after the last cut.
func (p *pace) refuse(sent, now time.Time) (news bool) {
	p.recover(now)
	p.recovered = now
	if !sent.After(p.cut) {
		return false
	}
	p.part = max(leastPart, p.part*cutTo)
	p.cut = now
	return true
}

// recover restores the rate for the time since the last 429, pauses aside.
func (p *pace) recover(now time.Time) {
	if from := later(p.recovered, p.paused); from.Before(now) {
		p.part = min(1, p.part+regained*now.Sub(from).Seconds())
		p.recovered = now
	}
}

// alone reports whether the requests around one that was sent then can have used up the limit without others. The ring
// then waits for as long as the server does.
func (p *pace) alone(sent time.Time, limit float64) bool {
	const around = time.Second * 5 / 4 // requests can be counted late or early
	i := len(p.sent) - int(math.Ceil(limit))
	return i >= 0 && sent.Sub(p.sent[i]) < around
}

func seconds(s float64) time.Duration { return time.Duration(math.Ceil(s * float64(time.Second))) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
