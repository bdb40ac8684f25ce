package orgusers_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	gotoken "go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// exported are the functions of this package and the methods of its client, as
// pkg.go.dev shows them.
func exported(t *testing.T) map[string]*doc.Func {
	t.Helper()
	set := gotoken.NewFileSet()
	var files []*ast.File
	for _, file := range sources(t, set, ".", parser.ParseComments) {
		files = append(files, file)
	}
	pkg, err := doc.NewFromFiles(set, files, "github.com/orgusers/orgusers")
	if err != nil {
		t.Fatal(err)
	}
	functions := pkg.Funcs
	for _, typ := range pkg.Types {
		functions = append(functions, typ.Funcs...) // what makes one
		if typ.Name == "Client" {
			functions = append(functions, typ.Methods...)
		}
	}
	byName := map[string]*doc.Func{}
	for _, function := range functions {
		byName[function.Name] = function
	}
	if len(byName) < 50 {
		t.Fatalf("only %d functions were found", len(byName))
	}
	return byName
}

// sources parses the Go files of a directory.
func sources(t *testing.T, set *gotoken.FileSet, directory string, mode parser.Mode) map[string]*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(directory, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, path := range paths {
		if files[path], err = parser.ParseFile(set, path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// takesContext tells functions that send requests from those that do not.
func takesContext(function *doc.Func) bool {
	return slices.ContainsFunc(function.Decl.Type.Params.List, func(field *ast.Field) bool {
		selector, ok := field.Type.(*ast.SelectorExpr)
		return ok && selector.Sel.Name == "Context"
	})
}

func TestEveryFunctionHasAnExample(t *testing.T) {
	t.Parallel()
	for name, function := range exported(t) {
		if name == "String" || name == "Format" {
			continue // for package fmt
		}
		if len(function.Examples) == 0 {
			t.Errorf("%s has no example that go test runs", name)
		}
	}
}

// TestEveryExampleIsAWholeProgram keeps examples readable on pkg.go.dev. It shows
// a whole program where go/doc can make one, and else a body with names in it
// that are declared nowhere on the page.
func TestEveryExampleIsAWholeProgram(t *testing.T) {
	t.Parallel()
	for _, directory := range []string{".", "orguserstest"} {
		files := slices.Collect(maps.Values(sources(t, gotoken.NewFileSet(), directory, parser.ParseComments)))
		examples := doc.Examples(files...)
		if len(examples) < 10 {
			t.Errorf("only %d examples were found in %s", len(examples), directory)
		}
		for _, example := range examples {
			if example.Play == nil {
				t.Errorf("%s: Example%s uses a name that its file does not declare: put what it needs into its body or its file", directory, example.Name)
			}
		}
	}
}

// TestEveryRequestIsDocumented keeps doc comments saying what is sent, how
// sure that is, and what the errors are: in their own words or by a link to a
// method that does.
func TestEveryRequestIsDocumented(t *testing.T) {
	t.Parallel()
	functions := exported(t)
	operations := operationsByName(t)
	table, err := os.ReadFile("docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, function := range functions {
		if !takesContext(function) || name == "AttemptFromContext" { // which sends nothing
			continue
		}
		if !strings.Contains(string(table), "`"+name+"`") {
			t.Errorf("%s is not in the table of docs/operations.md", name)
		}
		text := strings.Join(strings.Fields(function.Doc), " ")
		for _, request := range operations[name] {
			if !strings.Contains(text, request) {
				t.Errorf("%s does not say that it sends %s", name, request)
			}
		}
		for _, request := range requestInDoc.FindAllString(text, -1) {
			if request = strings.TrimRight(request, ".,;"); !slices.Contains(operations[name], request) {
				t.Errorf("%s says that it sends %s, and the table of operations does not", name, request)
			}
		}
		if name != "Do" && !documents(functions, name, operations, sureness) { // a call is the caller's to know
			t.Errorf("%s does not say what it sends and how sure that is", name)
		}
		if !documents(functions, name, operations, namedError) {
			t.Errorf("%s names none of its errors", name)
		}
	}
}

var (
	requestInDoc = regexp.MustCompile(`\b(GET|POST|PUT|DELETE) /\S+`)
	sureness     = regexp.MustCompile(`\b(GET|POST|PUT|DELETE) /.*\(.*documented|no public request`)
	namedError   = regexp.MustCompile(`\[Err[A-Z]\w+\]`)
	linkToMethod = regexp.MustCompile(`(?:sends what|[Rr]equest[^.]*) \[Client\.(\w+)\]`)
)

// documents tells whether the doc comment of a function says something. One that
// has no request of its own may leave it to a method that it links to.
func documents(functions map[string]*doc.Func, name string, operations map[string][]string, what *regexp.Regexp) bool {
	seen := map[string]bool{}
	var look func(string) bool
	look = func(name string) bool {
		if seen[name] || functions[name] == nil {
			return false
		}
		seen[name] = true
		text := strings.Join(strings.Fields(functions[name].Doc), " ")
		if what.MatchString(text) || len(operations[name]) > 0 {
			return what.MatchString(text)
		}
		return slices.ContainsFunc(linkToMethod.FindAllStringSubmatch(text, -1), func(link []string) bool {
			return look(link[1])
		})
	}
	return look(name)
}

// operationsByName reads the table of operations: method and path below /v3 of
// each.
func operationsByName(t *testing.T) map[string][]string {
	t.Helper()
	source, err := os.ReadFile("request.go")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`name: "(\w+)", +method: http\.Method(\w+), +path: "/v3([^"]+)"`)
	byName := map[string][]string{}
	rows := row.FindAllStringSubmatch(string(source), -1)
	for _, match := range rows {
		byName[match[1]] = append(byName[match[1]], strings.ToUpper(match[2])+" "+match[3])
	}
	if defined := strings.Count(string(source), "= define("); defined == 0 || defined != len(rows) {
		t.Fatalf("of %d operations these were read: %v", defined, byName)
	}
	return byName
}
