package examples_test

import (
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// pages are those that print code: the README and everything in docs.
func pages(t *testing.T) []string {
	t.Helper()
	found := []string{"../README.md", "../CONTRIBUTING.md", "../SECURITY.md"}
	err := filepath.WalkDir("../docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPagesCompileAsPrinted(t *testing.T) {
	t.Parallel()
	printed := 0
	for _, page := range pages(t) {
		for name, files := range byPackage(snippets(t, page)) {
			printed += len(files)
			t.Run(page+" "+name, func(t *testing.T) {
				t.Parallel()
				directory := t.TempDir()
				vet := []string{"vet"}
				for i, code := range files {
					file := filepath.Join(directory, strconv.Itoa(i)+".go")
					if strings.Contains(code, "*testing.T") {
						file = strings.TrimSuffix(file, ".go") + "_test.go"
					}
					if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
						t.Fatal(err)
					}
					vet = append(vet, file)
				}
				if said, err := exec.CommandContext(t.Context(), "go", vet...).CombinedOutput(); err != nil {
					t.Errorf("%v\n%s\n%s", err, said, strings.Join(files, "\n"))
				}
			})
		}
	}
	if printed < 2 {
		t.Errorf("only %d snippets are printed: have they another form now?", printed)
	}
}

var packageClause = regexp.MustCompile(`(?m)^package \w+$`)

// byPackage puts the files of a page together that belong together: each
// program is one of its own. What has no package is a quote.
func byPackage(files []string) map[string][]string {
	packages := map[string][]string{}
	for i, code := range files {
		name := packageClause.FindString(code)
		if name == "" {
			continue
		}
		if name == "package main" {
			name += strconv.Itoa(i)
		}
		packages[name] = append(packages[name], code)
	}
	return packages
}

// TestPackageDocsCompile compiles the code in the documentation of packages,
// with the variables declared that such fragments speak of.
func TestPackageDocsCompile(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{"../doc.go": 2, "../orguserstest/doc.go": 7} {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		compiled := 0
		for _, block := range new(comment.Parser).Parse(file.Doc.Text()).Content {
			code, ok := block.(*comment.Code)
			if !ok || !isGo.MatchString(code.Text) {
				continue
			}
			compiled++
			t.Run(path, func(t *testing.T) {
				t.Parallel()
				compileFragment(t, code.Text)
			})
		}
		if compiled != want {
			t.Errorf("%s has %d fragments of code, want %d", path, compiled, want)
		}
	}
}

const aroundFragment = `package fragment

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func _(ctx context.Context, t *testing.T, token string, leavers []string, server *orguserstest.Server, client *orgusers.Client) error {
	{
		FRAGMENT
	}
	return nil
}
`

// isGo tells code from requests, JSON and tables.
var isGo = regexp.MustCompile(`(client|server|orguserstest)\.`)

// notOfFragments is what the compiler says of fragments that are good.
var notOfFragments = regexp.MustCompile(`declared and not used|imported and not used|^#|^$`)

func compileFragment(t *testing.T, code string) {
	t.Helper()
	file := save(t, strings.Replace(aroundFragment, "FRAGMENT", code, 1), "fragment.go")
	said, err := exec.CommandContext(t.Context(), "go", "build", "-gcflags=-e", "-o", os.DevNull, file).CombinedOutput()
	if err == nil {
		return
	}
	for line := range strings.Lines(string(said)) {
		if !notOfFragments.MatchString(strings.TrimSpace(line)) {
			t.Errorf("%s\n%s", line, code)
		}
	}
}
