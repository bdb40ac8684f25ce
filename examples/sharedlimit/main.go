// Command sharedlimit lists users from four programs at once, within limits that they share through Redis.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/sharedlimit/redislimit"
	"github.com/orgusers/orgusers/orguserstest"
)

const reads, writes, bulk = 10, 10, 1 // the organization's limits per second, the same in all programs

func main() {
	server := orguserstest.NewServer(orguserstest.WithUsers(900), orguserstest.WithRateLimit(reads, writes)) // a fake organization
	defer server.Close()
	var programs sync.WaitGroup
	for range 4 {
		programs.Go(func() {
			if err := list(context.Background(), server, os.Stdout); err != nil {
				log.Print(err)
			}
		})
	}
	programs.Wait()
	refused := 0
	for _, request := range server.Requests() {
		if request.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	fmt.Printf("%d of %d requests were refused\n", refused, len(server.Requests()))
}

// list is what each program does.
func list(ctx context.Context, server *orguserstest.Server, w io.Writer) error {
	redis, err := redislimit.Connect(cmp.Or(os.Getenv("REDIS_URL"), "redis://127.0.0.1:6379"))
	if err != nil {
		return err
	}
	defer func() { _ = redis.Close() }()
	key := "orgusers:" + server.OrganizationUID
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithRateLimiters(orgusers.RateLimiters{
		Reads:  redislimit.New(redis, key+":reads", reads),
		Writes: redislimit.New(redis, key+":writes", writes),
		Bulk:   redislimit.New(redis, key+":bulk", bulk),
	}))...)
	if err != nil {
		return err
	}
	began := time.Now()
	users, err := orgusers.Collect(client.Users(ctx, nil))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%d users in %v\n", len(users), time.Since(began).Round(time.Millisecond))
	return err
}
