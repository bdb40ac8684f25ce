package userexport

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/orgusers/orgusers"
)

// jsonOf makes what a client's ExportCSV is for CSV.
func jsonOf(client *orgusers.Client) func(context.Context, io.Writer, *orgusers.ExportOptions) (*orgusers.ExportSummary, error) {
	return func(ctx context.Context, w io.Writer, options *orgusers.ExportOptions) (*orgusers.ExportSummary, error) {
		started := time.Now()
		summary := new(orgusers.ExportSummary)
		sort := options.Sort
		sort.By = cmp.Or(sort.By, orgusers.SortByEmail) // as ExportCSV does
		out := bufio.NewWriter(w)
		between := "[\n"
		for u, err := range client.Users(ctx, &orgusers.ListUsersOptions{Sort: sort}) {
			if err != nil {
				return summary, err
			}
			summary.Users++
			options.Progress(orgusers.ExportProgress{Users: summary.Users, Count: -1})
			if !options.Filter(u) {
				continue
			}
			line, err := json.Marshal(u)
			if err == nil {
				_, err = fmt.Fprintf(out, "%s%s", between, line)
			}
			if err != nil {
				return summary, fmt.Errorf("only %d rows were written: %w", summary.Rows, err)
			}
			summary.Rows++
			between = ",\n"
		}
		end := "\n]\n"
		if summary.Rows == 0 {
			end = "[]\n"
		}
		_, _ = out.WriteString(end) // Flush tells
		summary.Duration = time.Since(started)
		if err := out.Flush(); err != nil {
			return summary, fmt.Errorf("not all of %d rows were written: %w", summary.Rows, err)
		}
		return summary, nil
	}
}
