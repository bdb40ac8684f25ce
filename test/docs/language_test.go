package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notPlain are words that this project does not use, with what to write instead. A
// sentence with one of them has to be read twice, or names a thing in another way than
// the rest of the project.
var notPlain = []struct {
	words   *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(?i)\bwhoever\b`), "the user who, each user who"},
	{regexp.MustCompile(`(?i)\bnobody\b`), "no user, or another sentence"},
	{regexp.MustCompile(`(?i)\bwherever\b`), "if, when"},
	{regexp.MustCompile(`(?i)\bforetells?\b`), "returns what would happen"},
	{regexp.MustCompile(`(?i)\bbesides?\b`), "next to, with, except for"},
	{regexp.MustCompile(`(?i)\b(mishaps?|ambush(es)?|fate)\b`), "failure, fault, outcome"},
	{regexp.MustCompile(`(?i)\b(is|are) no\b`), "is not a"},
	{regexp.MustCompile(`(?i)\b(what|that|which) is none\b`), "is not a"},
	{regexp.MustCompile(`(?i)\b(to tell|tells? whether|be told|told)\b`), "to report, reports whether, determined"},
	{regexp.MustCompile(`(?i)\bwhat cannot\b`), "a value that cannot"},
	{regexp.MustCompile(`(?i)\bshares out\b`), "divides"},
	{regexp.MustCompile(`(?i)\banswer(s|ed)?\b`), "response, responds"},
	{regexp.MustCompile(`(?i)\b(e-)?mail(s|ed|ing)?\b`), "email, sends email"},
	{regexp.MustCompile(`(?i)\bsecond factors?\b`), "MFA"},
	{regexp.MustCompile(`(?i)\bhouse\b`), "repository, layout"},
}

// plain are phrases with such words that are plain.
var plain = regexp.MustCompile(`(?i)\b(there (is|are) no|(is|are) no longer|answers the question)\b`)

// complaints returns what is not plain English in a text.
func complaints(text string) []string {
	text = plain.ReplaceAllString(strings.Join(strings.Fields(text), " "), "…")
	var found []string
	for _, n := range notPlain {
		for _, at := range n.words.FindAllStringIndex(text, -1) {
			found = append(found, fmt.Sprintf("…%s… (write: %s)", text[max(0, at[0]-30):min(len(text), at[1]+20)], n.instead))
		}
	}
	return found
}

// report fails the test for the complaints about files, by their names.
func report(t *testing.T, all map[string][]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, complaint := range all[name] {
			t.Errorf("%s: %s", name, complaint)
		}
	}
}

// Comments and texts of errors are in plain English.
func TestCommentsArePlainEnglish(t *testing.T) {
	t.Parallel()
	packages, err := filepath.Glob(root + "/internal/*")
	if err != nil || len(packages) == 0 {
		t.Fatalf("found no internal packages, %v", err)
	}
	for _, pattern := range []string{"/cmd/*/*.go", "/cmd/*/*/*.go", "/examples/*/*.go", "/examples/*/*/*.go", "/bench/*.go"} {
		files, err := filepath.Glob(root + pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no file is %s, %v", pattern, err)
		}
		for _, file := range files {
			packages = append(packages, filepath.Dir(file))
		}
	}
	slices.Sort(packages)
	packages = slices.Compact(packages)
	packages = append(packages, root, root+"/orguserstest", root+"/test/operations")
	all := map[string][]string{}
	for _, directory := range packages {
		directory, err := filepath.Rel(root, directory)
		if err != nil {
			t.Fatal(err)
		}
		for name, file := range parse(t, directory, token.NewFileSet(), parser.ParseComments) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			var found []string
			for _, comment := range file.Comments {
				found = append(found, complaints(comment.Text())...)
			}
			ast.Inspect(file, func(node ast.Node) bool {
				if text, ok := node.(*ast.BasicLit); ok && text.Kind == token.STRING && strings.Contains(text.Value, " ") {
					found = append(found, complaints(text.Value)...)
				}
				return true
			})
			all[filepath.Join(directory, name)] = found
		}
	}
	report(t, all)
}

// Doc comments say what functions return, verb first, as those of other Go packages do.
func TestCommentsSayWhatIsReturned(t *testing.T) {
	t.Parallel()
	const least = 10.0 // per thousand words; other Go packages have 3 to 41
	returns := regexp.MustCompile(`(?i)^\W*return(s|ed|ing)?\W*$`)
	words, found := 0, 0
	count := func(comments ...*ast.CommentGroup) {
		for _, comment := range comments {
			for word := range strings.FieldsSeq(comment.Text()) {
				words++
				if returns.MatchString(word) {
					found++
				}
			}
		}
	}
	for name, file := range parse(t, ".", token.NewFileSet(), parser.ParseComments) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		count(file.Doc)
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.FuncDecl:
				count(node.Doc)
			case *ast.GenDecl:
				count(node.Doc)
			case *ast.TypeSpec:
				count(node.Doc)
			case *ast.ValueSpec:
				count(node.Doc, node.Comment)
			case *ast.Field:
				count(node.Doc, node.Comment)
			}
			return true
		})
	}
	if share := float64(found) * 1000 / float64(words); share < least {
		t.Errorf("doc comments have %q %.1f times per thousand words, want at least %.0f", "return", share, least)
	}
}
