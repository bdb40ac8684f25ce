package main

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orgusers/orgusers/internal/transport"
)

// crowd is another client on the same limit. It sends evenly, at its own rate, whatever the responses are. It leaves out a
// turn if too many of its requests are on their way, which happens on a machine that is too slow.
type crowd struct {
	stop context.CancelFunc
	wait sync.WaitGroup

	responses, refused atomic.Int64
}

const otherAgent = "another client"

func (c *crowd) begin(ctx context.Context, at endpoint, rate float64) {
	sending, stop := context.WithCancel(ctx)
	c.stop = stop
	const most = 64 // twice what 100 requests per second over 300 ms need
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: most}}
	inFlight := make(chan struct{}, most)
	began := time.Now()
	c.wait.Go(func() {
		defer client.CloseIdleConnections()
		var sent sync.WaitGroup
		defer sent.Wait()
		for n := 0; ; n++ {
			turn := began.Add(time.Duration(float64(n) / rate * float64(time.Second)))
			if transport.Sleep(sending, time.Until(turn)) != nil {
				return
			}
			select {
			case inFlight <- struct{}{}:
				sent.Go(func() {
					c.send(ctx, client, at)
					<-inFlight
				})
			default:
			}
		}
	})
}

func (c *crowd) send(ctx context.Context, client *http.Client, at endpoint) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.URL+"/v3/organizations/"+at.Organization+"/roles", http.NoBody)
	if err != nil {
		return
	}
	request.Header.Set("authtoken", at.AuthToken)
	request.Header.Set("User-Agent", otherAgent)
	response, err := client.Do(request)
	if err != nil {
		return // the whole run has failed, and returns its own error
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // so that the connection can be used again
	c.responses.Add(1)
	if response.StatusCode == http.StatusTooManyRequests {
		c.refused.Add(1)
	}
}

// end stops the requests and waits for their responses. It may be called again, or without begin.
func (c *crowd) end() {
	if c.stop != nil {
		c.stop()
	}
	c.wait.Wait()
}

func (c *crowd) refusedShare() float64 {
	return float64(c.refused.Load()) / float64(max(1, c.responses.Load()))
}
