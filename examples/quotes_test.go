package examples_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
)

// What pages quote of the programs is compiled and tested there.
func TestPagesQuoteThePrograms(t *testing.T) {
	t.Parallel()
	var programs strings.Builder
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		source, err := os.ReadFile(path)
		programs.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	quotes := 0
	for _, page := range pages(t) {
		for _, code := range snippets(t, page) {
			if packageClause.MatchString(code) || page == "../README.md" {
				continue // it is compiled as it is
			}
			if quotes++; !strings.Contains(programs.String(), code) {
				t.Errorf("%s prints what is in none of the programs:\n%s", page, code)
			}
		}
	}
	if quotes == 0 {
		t.Error("no page quotes a program")
	}
}
