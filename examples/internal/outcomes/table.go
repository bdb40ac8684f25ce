package outcomes

import (
	"bufio"
	"io"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// writeTable writes rows with aligned columns. It measures cells as a terminal
// shows them, which text/tabwriter does not: some letters are two places wide
// and some none.
func writeTable(to io.Writer, rows [][]string) error {
	widths := make([]int, len(rows[0]))
	shown := make([][]string, len(rows))
	for i, row := range rows {
		shown[i] = make([]string, len(row))
		for j, cell := range row {
			shown[i][j] = plain(cell)
			widths[j] = max(widths[j], uniseg.StringWidth(shown[i][j]))
		}
	}
	out := bufio.NewWriter(to)
	for _, row := range shown {
		var line strings.Builder
		for j, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[j]-uniseg.StringWidth(cell)+2))
		}
		_, _ = out.WriteString(strings.TrimRight(line.String(), " ") + "\n") // Flush tells
	}
	return out.Flush()
}

// plain makes a cell one line that does nothing to a terminal: names are
// whatever somebody has typed.
func plain(cell string) string {
	return strings.Join(strings.FieldsFunc(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			return unicode.ReplacementChar
		}
		return r
	}, cell), unicode.IsSpace), " ")
}
