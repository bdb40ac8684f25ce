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
)

//go:embed js
var sdkFiles embed.FS

// sdkPlan lists with the official JavaScript SDK, one page after another, as its documentation does.
func sdkPlan(size sizes) plan {
	return alone(func(ctx context.Context) (rows []row, err error) {
		folder, err := os.MkdirTemp("", "orgusers-bench-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(folder) //nolint:errcheck // it is a temporary one
		if err := installSDK(ctx, folder); err != nil {
			return []row{{What: "official JavaScript SDK", Note: "left out: npm could not install it"}}, nil // the other rows need no npm
		}
		for _, users := range []int{size.small[0].users, size.users} {
			r, err := paced{users: users, limit: size.limits[0], latency: size.latencies[0], clients: 1}.runSDK(ctx, folder)
			if err != nil {
				return nil, err
			}
			rows = append(rows, r)
		}
		return rows, nil
	})
}

// installSDK installs what js/package-lock.json pins into a folder, and runs none of it.
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
	printed, err := node.Output()
	if err != nil {
		return row{}, fmt.Errorf("the SDK at %d/s: %w", p.limit, err)
	}
	var result struct {
		Seconds  float64 `json:"seconds"`
		Listed   int     `json:"listed"`
		Distinct int     `json:"distinct"`
		Failed   string  `json:"failed"`
	}
	if err := json.Unmarshal(printed, &result); err != nil {
		return row{}, err
	}
	counted, err := server.stop()
	r := row{
		What: "official JavaScript SDK 1.30.2: " + p.name(), Measured: result.Seconds, Unit: "s",
		Refused: sample{tally: counted}.refusedShare(),
		Note:    fmt.Sprintf("%d users lost, %d listed twice", p.users-result.Distinct, result.Listed-result.Distinct),
	}
	if result.Failed != "" {
		r.Note = "failed: " + result.Failed + "; " + r.Note
	}
	return r, err
}
