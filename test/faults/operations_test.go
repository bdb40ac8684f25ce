package faults_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/test/operations"
)

// TestOperations sends each operation into three failures, each once, and reads nothing
// back, so that the error is that of the request alone. What is made of it is the subject
// of TestWritesUnderFaults.
func TestOperations(t *testing.T) {
	t.Parallel()
	failures := []struct {
		name string
		fail func(server http.RoundTripper) roundTripper
		is   error // for writes, which are sent once; nil: they are retried
	}{
		{"429", func(http.RoundTripper) roundTripper { return status(429) }, nil},
		{"503", func(http.RoundTripper) roundTripper { return status(503) }, orgusers.ErrServer},
		{"lost after the server acted", func(server http.RoundTripper) roundTripper {
			return func(r *http.Request) (*http.Response, error) {
				if response, err := server.RoundTrip(r); err == nil {
					response.Body.Close()
				}
				return nil, syscall.ECONNRESET
			}
		}, syscall.ECONNRESET},
	}
	for _, o := range operations.All {
		if o.Custom {
			continue // TestMatrix has them
		}
		for _, f := range failures {
			t.Run(o.Name+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					fake := newCrowd(t)
					var sent, failed atomic.Int64
					a := newArguments(t, o, fake, roundTripper(func(r *http.Request) (*http.Response, error) {
						switch {
						case o.Matches(r.Method, r.URL.Path):
							if sent.Add(1) == 1 {
								failed.Add(1)
								return f.fail(fake.Transport())(r)
							}
						case o.Writes() && f.is != nil && failed.Load() > 0:
							return status(http.StatusTeapot)(r) // nothing is read back
						}
						return fake.Transport().RoundTrip(r)
					}))
					_, err := o.Run(t.Context(), a)
					time.Sleep(time.Minute) // fake time: no request must follow
					if o.Writes() && f.is != nil {
						if sent.Load() != 1 || !errors.Is(err, orgusers.ErrOutcomeUnknown) || !errors.Is(err, f.is) {
							t.Errorf("it was sent %d times and returned %v, want once and an unknown outcome", sent.Load(), err)
						}
					} else if sent.Load() != 2 || err != nil {
						t.Errorf("it was sent %d times and returned %v, want a second time and success", sent.Load(), err)
					}
					if o.Change != nil && operations.EmailsTo(fake, o.Change.Targets[0]) > 1 {
						t.Error("two emails were sent to one address")
					}
				})
			})
		}
	}
}
