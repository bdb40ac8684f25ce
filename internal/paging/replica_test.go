package paging_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers/internal/paging"
)

// inTurn makes another list and the list respond in turn, the list first if phase is 0.
func (s *server) inTurn(other []row, phase int) {
	s.replica = func(int) []row {
		if phase++; phase%2 == 1 {
			return s.rows
		}
		return other
	}
}

func without(rows []row, positions ...int) []row {
	left := slices.Clone(rows)
	for i, position := range slices.Sorted(slices.Values(positions)) {
		left = slices.Delete(left, position-i, position-i+1)
	}
	return left
}

// Two replicas respond in turn, and the second one lacks a row, wherever that is.
func TestAlternatingReplicas(t *testing.T) {
	t.Parallel()
	tests := []struct{ rows, pageSize, cap, step int }{
		{150, 100, 0, 7}, // two pages
		{250, 100, 0, 7}, // three
		{250, 100, 23, 13},
		{991, 100, 0, 83},
		{60, 10, 0, 1},
		{60, 10, 7, 1},
	}
	for _, test := range tests {
		for _, readAhead := range []int{1, 8, 32} {
			for _, told := range []bool{false, true} {
				t.Run(fmt.Sprintf("%+v, read ahead %d, told ties %t", test, readAhead, told), func(t *testing.T) {
					t.Parallel()
					for lacking := 0; lacking < test.rows; lacking += test.step {
						for phase := range 2 {
							synctest.Test(t, func(t *testing.T) {
								s := newServer(test.rows, 1)
								s.cap, s.told, s.latency = test.cap, told, unlike(uint64(lacking))
								s.inTurn(without(s.rows, lacking), phase)
								rows, err := read(t.Context(), s.list(test.pageSize, readAhead))
								if lost, doubled := s.losses(rows); lost+doubled > 0 || err != nil {
									t.Errorf("row %d is missing, phase %d: %d lost, %d doubled, error %v", lacking, phase, lost, doubled, err)
								}
							})
						}
					}
				})
			}
		}
	}
}

// Other differences between two replicas that respond in turn. A row that both have is in the sequence.
func TestReplicasThatDiffer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		first, second []int // missing rows of 250
		later         int   // request from which on the second one is like the first; 0: never
	}{
		{"the second one lacks the last rows", nil, []int{247, 248, 249}, 0},
		{"the second one lacks a whole page", nil, seq(80, 190), 0},
		{"the second one lacks three rows", nil, []int{17, 120, 241}, 0},
		{"the second one lacks the first row of every page", nil, []int{0, 99, 198}, 0},
		{"the second one lacks every tenth row", nil, every(10, 250), 0},
		{"each lacks another row", []int{30}, []int{200}, 0},
		{"each lacks other rows", []int{30, 31, 249}, []int{0, 200}, 0},
		{"the second one is empty", nil, seq(0, 250), 0},
		{"the second one catches up", nil, []int{120, 248, 249}, 3},
		{"the second one catches up at the end", nil, []int{98, 99, 100}, 5},
	}
	for _, test := range tests {
		for _, readAhead := range []int{1, 8} {
			for phase := range 2 {
				t.Run(fmt.Sprintf("%s, read ahead %d, phase %d", test.name, readAhead, phase), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						s := newServer(250, 1)
						s.latency = unlike(uint64(phase))
						all := s.rows
						s.rows = without(all, test.first...)
						other := without(all, test.second...)
						s.inTurn(other, phase)
						s.change = func(s *server, request, _ int) {
							if test.later > 0 && request >= test.later {
								s.replica = nil
							}
						}
						rows, err := read(t.Context(), s.list(100, readAhead))
						for _, r := range s.rows {
							if err == nil && slices.Contains(other, r) && !slices.Contains(rows, r) {
								t.Errorf("%s is missing, and there is no error", r.key)
							}
						}
						if _, doubled := s.losses(rows); doubled > 0 || err != nil && !errors.Is(err, paging.ErrIncomplete) {
							t.Errorf("%d rows doubled, error %v", doubled, err)
						}
						if s.requests > 120 {
							t.Errorf("%d requests for three pages", s.requests)
						}
					})
				})
			}
		}
	}
}

func seq(from, to int) []int {
	var positions []int
	for i := from; i < to; i++ {
		positions = append(positions, i)
	}
	return positions
}

func every(step, to int) []int {
	return slices.DeleteFunc(seq(0, to), func(i int) bool { return i%step != 0 })
}

// The count alternates, but the replicas have the same rows: rereading finds nothing, and the list is complete.
func TestOnlyTheCountAlternates(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{150, 250, 251, 1000} {
		for _, readAhead := range []int{1, 8} {
			for phase := range 2 {
				synctest.Test(t, func(t *testing.T) {
					s := newServer(rows, 1)
					s.latency = slow
					s.inTurn(s.rows, phase)
					responses := 0
					s.count = func(total, _ int) int {
						responses++
						return total + (responses+phase)%2
					}
					got, err := read(t.Context(), s.list(100, readAhead))
					if err != nil || !slices.Equal(got, s.rows) {
						t.Errorf("%d of %d rows, phase %d, read ahead %d: error %v after %d requests", len(got), rows, phase, readAhead, err, s.requests)
					}
				})
			}
		}
	}
}

// If the count falls and rises again while fewer rows were read than it once said, the list is read from its start again.
func TestCountThatFallsAndRises(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		change   func(s *server, request, reading int)
		readings int
		complete bool
	}{
		{"it only falls", func(s *server, request, _ int) {
			if request == 2 {
				s.remove(80, 10)
			}
		}, 1, true},
		{"it only rises", func(s *server, request, _ int) {
			if request == 2 || request == 4 {
				s.add(5)
			}
		}, 1, true},
		{"it falls and rises, and as many rows were read", func(s *server, request, _ int) {
			switch request {
			case 2:
				s.remove(80, 5)
			case 4:
				s.add(5)
			}
		}, 1, true},
		{"it falls and rises, and the second reading finds nothing", func(s *server, request, _ int) {
			switch request {
			case 2:
				s.remove(80, 10)
			case 4:
				s.add(1)
			}
		}, 2, true},
		{"it rises and falls, and the second reading finds nothing", func(s *server, request, _ int) {
			switch request {
			case 2:
				s.add(1)
			case 4:
				s.remove(80, 10)
			}
		}, 2, true},
		{"it falls and rises, the second reading finds the rest, and the third one nothing", func(s *server, _, reading int) {
			s.lackInTheMiddle(max(0, 20-10*reading))
		}, 3, true},
		{"it falls and rises, the second reading finds nothing though it alternates, and the third one finds the rest", func(s *server, _, reading int) {
			s.lackInTheMiddle(10 * (1 - reading/3))
		}, 3, true},
		{"it falls and rises, and the third reading finds the rest", func(s *server, _, reading int) {
			s.lackInTheMiddle(max(0, 15-5*reading))
		}, 3, true},
		{"it falls and rises, and three readings find more", func(s *server, _, reading int) {
			s.lackInTheMiddle(max(0, 12-3*reading))
		}, 3, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(100, 1)
			starts := 0 // requests at offset 0: one in the first reading, two in each other
			s.change = func(s *server, request, skip int) {
				if skip == 0 {
					starts++
				}
				test.change(s, request, 1+starts/2)
			}
			rows, err := read(t.Context(), s.list(10, 1))
			lost, doubled := s.losses(rows)
			if doubled > 0 || test.complete && (lost > 0 || err != nil) || !test.complete && !errors.Is(err, paging.ErrIncomplete) {
				t.Errorf("%d rows lost, %d doubled, error %v", lost, doubled, err)
			}
			if readings := 1 + starts/2; readings != test.readings {
				t.Errorf("%d readings, want %d", readings, test.readings)
			}
		})
	}
}

// lackInTheMiddle lets a replica without some rows respond to requests for the middle of the list.
func (s *server) lackInTheMiddle(rows int) {
	s.replica = func(request int) []row {
		if skip := s.skips[request]; skip < 36 || skip >= 60 {
			return s.rows
		}
		return without(s.rows, seq(46, 46+rows)...)
	}
}
