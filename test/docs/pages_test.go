package docs_test

import (
	"fmt"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/test/operations"
)

var (
	codeBlock = regexp.MustCompile("(?s)```.*?```")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	testName  = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	fileName  = regexp.MustCompile("`((?:[\\w.-]+/)*[\\w.-]+\\.go)`")
	link      = regexp.MustCompile(`\]\(([^)#:]+)[)#]`) // not a URL
)

// repository returns the Go files of all modules by base name, and the directories of
// their tests and fuzz targets by name.
func repository(t *testing.T) (files map[string]bool, tests map[string][]string) {
	t.Helper()
	files, tests = map[string]bool{}, map[string][]string{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		files[entry.Name()] = true
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		for _, match := range function.FindAllStringSubmatch(string(source), -1) {
			tests[match[1]] = append(tests[match[1]], filepath.Base(filepath.Dir(path)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, tests
}

// pages returns the texts of the documentation, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	var paths []string
	for _, directory := range []string{"*.md", ".github/*.md", "docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, directory))
		if err != nil || len(found) == 0 {
			t.Fatalf("no page is %s, %v", directory, err)
		}
		paths = append(paths, found...)
	}
	texts := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(root, path)
		texts[name] = string(text)
	}
	return texts
}

// Pages are in plain English.
func TestPagesArePlainEnglish(t *testing.T) {
	t.Parallel()
	all := map[string][]string{}
	for name, text := range pages(t) {
		all[name] = complaints(codeSpan.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), "x"))
	}
	report(t, all)
}

// Pages name tests and files that exist, and prove each promise by a test.
func TestPages(t *testing.T) {
	t.Parallel()
	files, tests := repository(t)
	all := map[string][]string{}
	for name, text := range pages(t) {
		prose := codeBlock.ReplaceAllString(text, "")
		var found []string
		for _, match := range testName.FindAllStringSubmatch(prose, -1) {
			if tests[match[1]] == nil {
				found = append(found, "the test "+match[1]+" does not exist")
			}
		}
		for _, match := range fileName.FindAllStringSubmatch(prose, -1) {
			if !files[filepath.Base(match[1])] {
				found = append(found, "the file "+match[1]+" does not exist")
			}
		}
		all[name] = append(found, unproven(name, text)...)
	}
	report(t, all)
}

// promises are how many promises a page has at least, so that another layout of the page
// does not go unnoticed.
var promises = map[string]int{"docs/guarantees.md": 30, "docs/comparison.md": 9}

// unproven returns the promises of a page for which it names no test. They are the rows
// of tables whose last column is the proof.
func unproven(page, text string) []string {
	var found []string
	n := 0
	proof := false // the line is in such a table
	for line := range strings.Lines(text) {
		switch line = strings.TrimSpace(line); {
		case !strings.HasPrefix(line, "|"):
			proof = false
		case strings.HasSuffix(line, "| proof |") || strings.HasSuffix(line, "| proven here by |"):
			proof = true
		case proof && !strings.HasPrefix(line, "|--"):
			n++
			if !testName.MatchString(line) {
				found = append(found, "no test proves "+line)
			}
		}
	}
	if n < promises[page] {
		found = append(found, fmt.Sprintf("only %d promises are read, want %d: does the page have another layout?", n, promises[page]))
	}
	return found
}

// docs/conformance.md has every request of the package, with tests of the client and tests
// of the fake.
func TestConformanceIsComplete(t *testing.T) {
	t.Parallel()
	_, tests := repository(t)
	requests := map[string]bool{}
	for line := range strings.Lines(pages(t)["docs/conformance.md"]) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.HasPrefix(line, "|--") {
			continue
		}
		for _, request := range codeSpan.FindAllString(cells[1], -1) {
			requests[strings.Trim(request, "`")] = true
		}
		for i, ofFake := range []bool{false, true} {
			for _, match := range testName.FindAllStringSubmatch(cells[3+i], -1) {
				if !slices.ContainsFunc(tests[match[1]], func(directory string) bool { return (directory == "orguserstest") == ofFake }) {
					t.Errorf("%s is in the wrong column of %s", match[1], cells[1])
				}
			}
		}
	}
	for _, o := range operations.All {
		request := o.Method + " " + strings.Replace(strings.TrimPrefix(o.Path, "/v3"), "/organizations/{organization_uid}", "…", 1)
		if !o.Custom && !o.Endpoint && !requests[request] {
			t.Errorf("no row has %s, the request of %s", request, o.Name)
		}
	}
}

// CHANGELOG.md names every method, and every change has an example.
func TestOperationsAreAnnounced(t *testing.T) {
	t.Parallel()
	changes, examples := pages(t)["CHANGELOG.md"], map[string]bool{}
	for _, example := range doc.Examples(slices.Collect(maps.Values(parse(t, ".", token.NewFileSet(), parser.ParseComments)))...) {
		examples[example.Name] = true
	}
	for _, o := range operations.All {
		if name := o.MethodName(); !strings.Contains(changes, "`"+name+"`") {
			t.Errorf("CHANGELOG.md does not name %s", name)
		} else if o.Change != nil && !examples["Client_"+name] {
			t.Errorf("there is no ExampleClient_%s", name)
		}
	}
}

// Links between pages lead to files.
func TestPagesLinkToFiles(t *testing.T) {
	t.Parallel()
	links := 0
	for name, text := range pages(t) {
		for _, to := range link.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			links++
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), to[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if links < 15 {
		t.Errorf("only %d links are found", links)
	}
}

// The layout in CONTRIBUTING.md has every file of the package.
func TestLayoutIsComplete(t *testing.T) {
	t.Parallel()
	page := pages(t)["CONTRIBUTING.md"]
	files, err := filepath.Glob(root + "/*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("found %v, %v", files, err)
	}
	for _, file := range files {
		if name := filepath.Base(file); !strings.HasSuffix(name, "_test.go") && !strings.Contains(page, "`"+name+"`") {
			t.Errorf("CONTRIBUTING.md does not say what %s is for", name)
		}
	}
}
