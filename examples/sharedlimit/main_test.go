package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/examples/internal/redistest"
	"github.com/orgusers/orgusers/examples/sharedlimit/redislimit"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

// nowhere is the URL of a Redis that is not there.
const nowhere = "unix:///nowhere/redis.sock"

// exporting is the program with a fake's organization and a Redis.
func exporting(t *testing.T, fake *orguserstest.Server, redisURL string, args ...string) *exec.Cmd {
	t.Helper()
	return programtest.Command(t, append(programtest.Environment(fake), redisVariable+"="+redisURL), args...)
}

func newFake(t *testing.T, options ...orguserstest.Option) *orguserstest.Server {
	t.Helper()
	fake := orguserstest.NewServer(options...)
	t.Cleanup(fake.Close)
	return fake
}

// useUp takes the next places of an organization's reads, for a quarter of an
// hour. Whoever waits for so long must not have many a second themselves.
func useUp(t *testing.T, redis *redistest.Server, organizationUID string) {
	t.Helper()
	if err := redislimit.New(redis.Client(), "orgusers:"+organizationUID+":reads", 0.001).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestFourProcessesShareOneLimit(t *testing.T) {
	t.Parallel()
	const processes, users, limit = 4, 3000, 20
	redis := redistest.Start(t)
	fake := newFake(t, orguserstest.WithUsers(users), orguserstest.WithRateLimit(limit, limit))
	var exports []*exec.Cmd
	for range processes {
		cmd := exporting(t, fake, redis.URL, "-reads", "20", "-o", "users.csv")
		cmd.Stderr = new(bytes.Buffer)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		exports = append(exports, cmd)
	}
	var files []string
	for _, cmd := range exports {
		if status := programtest.Status(t, cmd.Wait()); status != 0 {
			t.Fatalf("exit status %d: %s", status, cmd.Stderr)
		}
		file, err := os.ReadFile(filepath.Join(cmd.Dir, "users.csv"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, string(file))
	}
	for i, file := range files {
		if file != files[0] {
			t.Errorf("the files of process %d and the first are not the same", i)
		}
	}
	for _, user := range fake.Users() {
		if !strings.Contains(files[0], user.Email) {
			t.Errorf("%s is not in the file", user.Email)
		}
	}

	requests := fake.Requests()
	refused := 0
	served := map[int64]int{} // by second
	for _, request := range requests {
		if request.Status == http.StatusTooManyRequests {
			refused++
		} else {
			served[request.Time.Unix()]++
		}
	}
	// None are on a quiet machine. On one with many times the work that it can
	// do, requests arrive late, and one in seven has been seen refused. Of
	// processes that do not share, more than half are.
	if most := len(requests) / 4; refused > most {
		t.Errorf("%d of %d requests were refused, want %d at the most", refused, len(requests), most)
	}
	places := redis.Calls("set")
	if places < len(requests) || places > len(requests)+processes {
		t.Errorf("%d places for %d requests, want one each", places, len(requests))
	}
	var full []int
	for second := requests[0].Time.Unix() + 1; second < requests[len(requests)-1].Time.Unix(); second++ {
		full = append(full, served[second])
	}
	t.Logf("%d requests, %d refused; served in the whole seconds: %d", len(requests), refused, full)
}

func TestOrganizationsHaveLimitsOfTheirOwn(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	fake := newFake(t)
	useUp(t, redis, fake.OrganizationUID)
	other := exporting(t, fake, redis.URL)
	other.Env = append(other.Env, "CONTENTSTACK_ORGANIZATION_UID="+fake.SecondOrganizationUID)
	if result := programtest.Run(t, other); result.Status != 0 {
		t.Errorf("exit status %d: %s", result.Status, result.Stderr)
	}
}

func TestInterruptWhileWaiting(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	fake := newFake(t)
	useUp(t, redis, fake.OrganizationUID)
	waiting := redis.Written("rate:orgusers:" + fake.OrganizationUID + ":reads")
	result := programtest.Interrupt(t, exporting(t, fake, redis.URL, "-reads", "0.1"), waiting)
	if result.Status != 130 || result.Stdout != "" || len(fake.Requests()) != 0 {
		t.Errorf("exit status %d, stdout %q, %d requests, want 130 and none", result.Status, result.Stdout, len(fake.Requests()))
	}
}

func TestWithoutRedis(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	cmd := exporting(t, fake, nowhere, "-o", "users.csv", "-patience", "1s")
	result := programtest.Run(t, cmd)
	if result.Status != 1 || len(fake.Requests()) != 0 {
		t.Errorf("exit status %d and %d requests, want 1 and none", result.Status, len(fake.Requests()))
	}
	for _, says := range []string{"ListUsers", "no such file or directory", "nothing is sent", "start Redis"} {
		if !strings.Contains(result.Stderr, says) {
			t.Errorf("stderr is %q, want %q in it", result.Stderr, says)
		}
	}
	if files, err := os.ReadDir(cmd.Dir); err != nil || len(files) > 0 {
		t.Errorf("left behind are %v, %v", files, err)
	}
}

func TestAloneWithoutRedis(t *testing.T) {
	t.Parallel()
	fake := newFake(t, orguserstest.WithUsers(250))
	result := programtest.Run(t, exporting(t, fake, nowhere, "-patience", "1s", "-alone", "2", "-reads", "100"))
	if result.Status != 0 || !strings.Contains(result.Stdout, fake.Email) {
		t.Errorf("exit status %d, want 0 and the users: %s", result.Status, result.Stderr)
	}
	if says := "going on alone with 50 reads a second: no answer from Redis"; strings.Count(result.Stderr, says) != 1 {
		t.Errorf("stderr is %q, want %q in it once", result.Stderr, says)
	}
}

func TestOnItsOwnFake(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	result := programtest.Run(t, programtest.Command(t, nil, "-redis", redis.URL, "-users", "250"))
	if result.Status != 0 || !strings.Contains(result.Stderr, "250 rows to stdout") {
		t.Errorf("exit status %d: %s", result.Status, result.Stderr)
	}
}

// What the limiter says reaches whoever calls the client, and no request that
// it held back counts as sent.
func TestClientAndLimiter(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	fake := newFake(t)
	useUp(t, redis, fake.OrganizationUID)
	for name, test := range map[string]struct {
		url      string
		patience time.Duration
		want     error
	}{
		"deadline before the next place": {redis.URL, time.Minute, context.DeadlineExceeded},
		"without Redis":                  {nowhere, time.Second, redislimit.ErrAway},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shared := &budget{url: test.url, prefix: "orgusers:", patience: &test.patience, limits: orgusers.RateLimits{Reads: 0.1, Writes: 0.1, Bulk: 0.1}}
			connection, err := shared.connect()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = connection.Close() })
			limiters := shared.limiters(connection, fake.OrganizationUID, io.Discard)
			client, err := orgusers.New(fake.OrganizationUID, append(fake.Options(), orgusers.WithRateLimiters(limiters))...)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			if _, err = client.GetOrganization(ctx, nil); !errors.Is(err, test.want) || ctx.Err() != nil {
				t.Errorf("got %v, want %v at once", err, test.want)
			}
			if sent := len(fake.Requests()); sent != 0 {
				t.Errorf("%d requests were sent", sent)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	programtest.ExpectHelp(t, "-redis", redisVariable, defaultRedis, "-reads number", "-patience time", "(default 5s)")
	if help := programtest.Run(t, programtest.Command(t, nil, "-h")).Stdout; strings.Contains(help, "Unless sorted") {
		t.Error("-h speaks of an order, and there is no -sort")
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		environment []string
		args        []string
		says        string
	}{
		"no reads":                   {nil, []string{"-reads", "0"}, "-reads 0"},
		"negative writes":            {nil, []string{"-writes", "-1"}, "-writes -1"},
		"bulk actions without end":   {nil, []string{"-bulk", "inf"}, "-bulk +Inf"},
		"reads that are no number":   {nil, []string{"-reads", "nan"}, "-reads NaN"},
		"no patience":                {nil, []string{"-patience", "0"}, "-patience 0s"},
		"patience without a unit":    {nil, []string{"-patience", "5"}, `"5" for flag -patience: it is a time with its unit, such as 200ms or 5s`},
		"fewer than no processes":    {nil, []string{"-alone", "-1"}, "-alone -1"},
		"output without a name":      {nil, []string{"-o", ""}, "-o"},
		"another kind of URL":        {nil, []string{"-redis", "http://user:secret@127.0.0.1"}, "no URL of Redis"},
		"host and port":              {nil, []string{"-redis", "127.0.0.1:6379"}, "no URL of Redis"},
		"URL that is broken":         {[]string{redisVariable + "=redis://user:secret@[::1"}, nil, redisVariable},
		"database that is no number": {[]string{redisVariable + "=redis://user:secret@127.0.0.1/secret"}, nil, redisVariable},
		"token alone":                {[]string{"CONTENTSTACK_AUTHTOKEN=secret"}, nil, "CONTENTSTACK_ORGANIZATION_UID is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := programtest.Run(t, programtest.Command(t, test.environment, test.args...))
			programtest.ExpectMisuse(t, result, test.says)
			if strings.Contains(result.Stderr, "secret") {
				t.Errorf("stderr has a secret: %q", result.Stderr)
			}
		})
	}
}
