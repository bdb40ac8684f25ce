package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

//go:embed js
var sdkFiles embed.FS

const sdkName = "official JavaScript SDK 1.30.2"

// sdkRows are those of the vendor's SDK, whose users list one page after
// another.
func sdkRows(size sizes) []measurement {
	var lists []paced
	rate := 0
	for _, p := range combinations(size) {
		if !p.export {
			lists = append(lists, p)
			rate += int(time.Second / p.latency)
		}
	}
	return []measurement{{rate, []func(context.Context) ([]row, error){
		func(ctx context.Context) ([]row, error) { return listWithSDK(ctx, lists) },
	}}}
}

func listWithSDK(ctx context.Context, lists []paced) ([]row, error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return []row{{What: sdkName, Remark: "no " + program + ": left out"}}, nil
		}
	}
	folder, err := os.MkdirTemp("", "orgusers-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is a temporary one
	if err := installSDK(ctx, folder); err != nil {
		return []row{{What: sdkName, Remark: "npm could not install it: left out"}}, nil // the other rows need no registry
	}
	rows := make([]row, len(lists))
	running, ctx := errgroup.WithContext(ctx)
	for i, p := range lists {
		running.Go(func() (err error) {
			rows[i], err = p.runSDK(ctx, folder)
			return err
		})
	}
	return rows, running.Wait()
}

// installSDK puts what js/package-lock.json pins into a folder, and runs
// nothing of it.
func installSDK(ctx context.Context, folder string) error {
	files, err := fs.Sub(sdkFiles, "js")
	if err != nil {
		return err
	}
	if err := os.CopyFS(folder, files); err != nil {
		return err
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = folder
	return npm.Run()
}

func (p paced) runSDK(ctx context.Context, folder string) (row, error) {
	server, err := startFake(ctx, setting{Users: p.users, Limit: p.limit, Latency: p.latency})
	if err != nil {
		return row{}, err
	}
	node := exec.CommandContext(ctx, "node", filepath.Join(folder, "list.mjs"), server.URL, server.Organization, server.AuthToken) //nolint:gosec // it is a fake's token
	said, err := node.Output()
	if err != nil {
		return row{}, fmt.Errorf("the SDK at %d/s: %w", p.limit, err)
	}
	var came struct {
		Seconds  float64 `json:"seconds"`
		Listed   int     `json:"listed"`
		Distinct int     `json:"distinct"`
		Failed   string  `json:"failed"`
	}
	if err := json.Unmarshal(said, &came); err != nil {
		return row{}, err
	}
	seen, err := server.stop()
	r := p.row(came.Seconds, seen, nil)
	r.What, r.AtMost = sdkName+": "+r.What, 0
	if came.Failed != "" {
		r.remark("it failed: " + came.Failed)
	}
	r.remark(fmt.Sprintf("%d users lost, %d listed twice", p.users-came.Distinct, came.Listed-came.Distinct))
	return r, err
}
