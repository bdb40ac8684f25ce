package orgusers_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tests are the names of all tests and fuzz targets here.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range function.FindAllStringSubmatch(string(source), -1) {
			known[match[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// pages are those of the documentation.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir("docs", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestPagesNameTests keeps pages from naming proofs that do not exist, and
// their tables of promises from a promise without one.
func TestPagesNameTests(t *testing.T) {
	t.Parallel()
	known := tests(t)
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	promises := map[string]int{"docs/guarantees.md": 30, "README.md": 9} // that a page has at the least
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range named.FindAllStringSubmatch(string(text), -1) {
			if !known[name[1]] {
				t.Errorf("%s: there is no test %s", page, name[1])
			}
		}
		found := 0
		proof := false // within a table whose last column is the proof
		for line := range strings.Lines(string(text)) {
			switch line = strings.TrimSpace(line); {
			case !strings.HasPrefix(line, "|"):
				proof = false
			case strings.HasSuffix(line, "| proof |") || strings.HasSuffix(line, "| proven here by |"):
				proof = true
			case proof && !strings.HasPrefix(line, "|--"):
				found++
				if !named.MatchString(line) {
					t.Errorf("%s: no test proves %s", page, line)
				}
			}
		}
		if found < promises[page] {
			t.Errorf("%s: only %d promises are read, want %d: has the page another form now?", page, found, promises[page])
		}
	}
}

// TestPagesLinkToFiles keeps links between pages from leading nowhere.
func TestPagesLinkToFiles(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)[)#]`) // no URL
	code := regexp.MustCompile("(?s)```.*?```")
	links := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range link.FindAllStringSubmatch(code.ReplaceAllString(string(text), ""), -1) {
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), to[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
	if links < 15 {
		t.Errorf("only %d links are found", links)
	}
}

// TestTheHouseIsDescribed keeps CONTRIBUTING.md's list of files whole.
func TestTheHouseIsDescribed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("found %v, %v", files, err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") && !strings.Contains(string(page), "`"+file+"`") {
			t.Errorf("CONTRIBUTING.md does not say what %s is for", file)
		}
	}
}
