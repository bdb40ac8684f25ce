package programtest

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

var columnPattern = regexp.MustCompile(`[A-Z]+( [A-Z]+)*`)

// Table is what a table of outcomes says, row by row and by column.
func Table(t *testing.T, stdout string) []map[string]string {
	t.Helper()
	header, rest, _ := strings.Cut(stdout, "\n")
	columns := columnPattern.FindAllStringIndex(header, -1)
	var rows []map[string]string
	for line := range strings.Lines(rest) {
		cells := []rune(strings.TrimRight(line, "\n"))
		row := map[string]string{}
		for i, column := range columns {
			from, to := min(column[0], len(cells)), len(cells)
			if i+1 < len(columns) {
				to = min(columns[i+1][0], len(cells))
			}
			row[header[column[0]:column[1]]] = strings.TrimSpace(string(cells[from:to]))
		}
		rows = append(rows, row)
	}
	return rows
}

// Outcomes are those of a table by address. An address with several rows has
// them separated by commas.
func Outcomes(t *testing.T, stdout string) map[string]string {
	t.Helper()
	outcomes := map[string]string{}
	for _, row := range Table(t, stdout) {
		if earlier := outcomes[row["EMAIL"]]; earlier != "" {
			row["OUTCOME"] = earlier + ", " + row["OUTCOME"]
		}
		outcomes[row["EMAIL"]] = row["OUTCOME"]
	}
	return outcomes
}

// Counts counts the outcomes of a table.
func Counts(t *testing.T, stdout string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, row := range Table(t, stdout) {
		counts[row["OUTCOME"]]++
	}
	return counts
}

// Document is the JSON of a program that does something to many users.
type Document struct {
	DryRun   bool             `json:"dry_run"`
	Outcomes []map[string]any `json:"outcomes"`
	Counts   []struct {
		Status string `json:"status"`
		Count  int    `json:"count"`
	} `json:"counts"`
}

// ParseDocument reads a document, and nothing after it.
func ParseDocument(t *testing.T, stdout string) *Document {
	t.Helper()
	document := new(Document)
	if err := json.Unmarshal([]byte(stdout), document); err != nil {
		t.Fatalf("stdout is no JSON: %v\n%s", err, stdout)
	}
	return document
}
