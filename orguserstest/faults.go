package orguserstest

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Fault makes some requests go wrong. The zero value of each selecting field
// selects everything. A request that [WithRateLimit] refuses meets no fault.
type Fault struct {
	// Method and Path select requests. Path is a pattern of the API, such as
	// "/v3/organizations/{organization_uid}/share", or the path of one request.
	Method, Path string
	// Skip lets so many of the selected requests pass first.
	Skip int
	// Times ends the fault after so many requests. Zero is for good.
	Times int
	// Probability is the share of the remaining requests that go wrong, up to 1,
	// from the server's seed. Zero is all of them.
	Probability float64
	// Effect is what happens to them. It must be there.
	Effect Effect
	// After handles the request first, so that its change is made although the
	// answer does not say so. It matters for the effects that say so.
	After bool
	// Partial handles the first so many addresses of a request that names
	// several, and not the others. It implies After. Zero is all of them.
	Partial int
	// Later handles the request so long after its answer, as a server does that
	// is still at work when a gateway has given up. It matters for the effects
	// that After matters for, and makes After needless.
	Later time.Duration
}

// activeFault is a fault and how far it has come.
type activeFault struct {
	Fault
	number      uint64
	seen, fired int
}

// AddFault adds faults, behind those that are there. Of several faults that
// select the same request the first decides, and the others do not see the
// request. It panics for a fault that could never strike, so that no test passes
// because of one: without an effect, or for a pattern that is none of the API's.
func (s *Server) AddFault(faults ...Fault) {
	for i := range faults {
		if complaint := faults[i].complaint(); complaint != "" {
			panic("orguserstest: a fault " + complaint)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		s.faults = append(s.faults, &activeFault{Fault: f, number: uint64(len(s.faults))})
	}
}

func (f *Fault) complaint() string {
	switch {
	case f.Effect.kind == 0:
		return "has no Effect"
	case f.Method != strings.ToUpper(f.Method):
		return "has a Method that is not in capital letters: " + f.Method
	case f.Path != "" && !strings.HasPrefix(f.Path, "/"):
		return "has a Path without a slash at its start: " + f.Path
	case strings.Contains(f.Path, "{") && !slices.ContainsFunc(routes, func(r route) bool { return r.pattern == f.Path }):
		return "is for a path that the API does not have: " + f.Path
	case f.Probability < 0 || f.Probability > 1:
		return "has a Probability that is not between 0 and 1"
	case f.Skip < 0 || f.Times < 0 || f.Partial < 0 || f.Later < 0:
		return "has a negative number"
	}
	return ""
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// pickFault is the fault that a request meets, or the zero one.
func (s *Server) pickFault(c *call) Fault {
	for _, f := range s.faults {
		if f.selects(c) && s.fires(f) {
			return f.Fault
		}
	}
	return Fault{}
}

func (f *activeFault) selects(c *call) bool {
	if f.Method != "" && f.Method != c.http.Method {
		return false
	}
	return f.Path == "" || f.Path == c.route.pattern || f.Path == c.http.URL.Path
}

func (s *Server) fires(f *activeFault) bool {
	if f.Times > 0 && f.fired == f.Times {
		return false
	}
	f.seen++
	if f.seen <= f.Skip {
		return false
	}
	if f.Probability > 0 {
		draw := float64(s.chance(f.number<<32+uint64(f.seen))) / math.MaxUint64
		if draw >= f.Probability {
			return false
		}
	}
	f.fired++
	return true
}

// chance is a random number that depends on the seed and n alone.
func (s *Server) chance(n uint64) uint64 {
	return scramble(s.cfg.seed ^ scramble(n))
}

// scramble is the finalizer of SplitMix64: neighbouring numbers come out far
// apart.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
