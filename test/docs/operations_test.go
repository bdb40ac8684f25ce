package docs_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/test/operations"
)

// The table in docs/operations.md is that of package operations.
func TestOperationsPage(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- begin of the table: go test ./test/docs -run TestOperationsPage -update -->\n", "<!-- end of the table -->\n"
	path := root + "/docs/operations.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(page), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	// Methods that read by the same request are in one row.
	type row struct{ methods, request, counts, contract string }
	var rows []*row
	for _, op := range operations.All {
		if op.Custom {
			continue
		}
		method, detail, _ := strings.Cut(op.Name, ",")
		r := &row{"`" + method + "`" + detail, fmt.Sprintf("`%s %s`", op.Method, strings.TrimPrefix(op.Path, "/v3")), string(op.Kind) + " of " + services[op.Service], cmp.Or(op.Known, "documented")}
		if op.Endpoint {
			r.request = "of an endpoint"
		}
		same := slices.IndexFunc(rows, func(other *row) bool {
			return op.Kind == operations.Read && op.Known == "" && other.request == r.request
		})
		if same >= 0 {
			rows[same].methods += ", " + r.methods
		} else {
			rows = append(rows, r)
		}
	}
	var table strings.Builder
	table.WriteString("| method | request | counts as | contract |\n|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", r.methods, r.request, r.counts, r.contract)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+table.String()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table.String() {
		t.Errorf("the table is not that of package operations: run go test ./test/docs -run TestOperationsPage -update\ngot %s\nwant %s", old, table.String())
	}
}

var services = map[operations.Service]string{operations.Organization: "the organization", operations.Stack: "stacks", operations.User: "users"}
