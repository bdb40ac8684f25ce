// Package docs_test checks what the project says of itself: doc comments, examples,
// pages, and the list of the API.
package docs_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/test/operations"
)

// root is the directory of the module.
const root = "../.."

// parse returns the Go files of a directory of the module by name.
func parse(t *testing.T, directory string, set *token.FileSet, mode parser.Mode) map[string]*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, directory, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s has no Go files: %v", directory, err)
	}
	files := map[string]*ast.File{}
	for _, path := range paths {
		if files[filepath.Base(path)], err = parser.ParseFile(set, path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// functions returns the exported functions and the methods of Client that take a
// context and so can send requests, by name.
func functions(t *testing.T) map[string]*doc.Func {
	t.Helper()
	set := token.NewFileSet()
	files := slices.Collect(maps.Values(parse(t, ".", set, parser.ParseComments)))
	pkg, err := doc.NewFromFiles(set, files, "github.com/orgusers/orgusers")
	if err != nil {
		t.Fatal(err)
	}
	all := pkg.Funcs
	for _, typ := range pkg.Types {
		all = append(all, typ.Funcs...) // what returns the type
		if typ.Name == "Client" {
			all = append(all, typ.Methods...)
		}
	}
	byName := map[string]*doc.Func{}
	for _, function := range all {
		takesContext := slices.ContainsFunc(function.Decl.Type.Params.List, func(field *ast.Field) bool {
			selector, ok := field.Type.(*ast.SelectorExpr)
			return ok && selector.Sel.Name == "Context"
		})
		isMethod := function.Decl.Recv != nil
		if takesContext && function.Name != "AttemptFromContext" && (isMethod || byName[function.Name] == nil) {
			byName[function.Name] = function
		}
	}
	if len(byName) < 25 {
		t.Fatalf("only %d functions were found", len(byName))
	}
	return byName
}

// Every function that can send a request is in the table of operations, so that every
// suite tests it.
func TestEveryFunctionIsInTheTable(t *testing.T) {
	t.Parallel()
	for name := range functions(t) {
		if !slices.ContainsFunc(operations.All, func(o operations.Operation) bool { return o.MethodName() == name }) {
			t.Errorf("%s is not in operations.All", name)
		}
	}
}

var (
	requestInDoc = regexp.MustCompile(`\b(?:GET|POST|PUT|PATCH|DELETE) /[^\s,;.)]+`)
	linkToMethod = regexp.MustCompile(`(?:[Ss]ends what|[Rr]equest[^.]*|is) \[Client\.(\w+)\]`)
	namedError   = regexp.MustCompile(`\[Err[A-Z]\w+\]`)
)

// The doc comment of a function names each request that it sends and how sure the
// contract of it is, and its errors. It may leave that to a method that it links to.
func TestEveryRequestIsDocumented(t *testing.T) {
	t.Parallel()
	all := functions(t)
	for name, function := range all {
		text := oneLine(function.Doc)
		linked := withLinked(all, name, map[string]bool{})
		var own []string
		for _, op := range operations.All {
			if op.MethodName() != name || op.Custom {
				continue
			}
			if op.Endpoint {
				if !strings.Contains(linked, "[WithEndpoints]") {
					t.Errorf("%s does not say that its request is that of an endpoint", name)
				}
				continue
			}
			request := op.Method + " " + strings.TrimPrefix(op.Path, "/v3")
			own = append(own, request)
			if said := requestInDoc.FindAllString(linked, -1); !slices.Contains(said, request) {
				t.Errorf("%s does not say that it sends %s", name, request)
			}
			if !strings.Contains(linked, "documented") {
				t.Errorf("%s does not say how sure the contract of its request is", name)
			}
		}
		for _, request := range requestInDoc.FindAllString(text, -1) {
			if !slices.Contains(own, request) {
				t.Errorf("%s says that it sends %s, and operations.All does not", name, request)
			}
		}
		if !namedError.MatchString(linked) {
			t.Errorf("%s names none of its errors", name)
		}
	}
}

// withLinked returns the doc comment of a function, and those of the methods that have
// the same request.
func withLinked(all map[string]*doc.Func, name string, seen map[string]bool) string {
	if seen[name] || all[name] == nil {
		return ""
	}
	seen[name] = true
	text := oneLine(all[name].Doc)
	for _, link := range linkToMethod.FindAllStringSubmatch(text, -1) {
		text += " " + withLinked(all, link[1], seen)
	}
	return text
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Every example is a whole program: pkg.go.dev then shows all of it, with the
// declarations that it uses.
func TestEveryExampleIsAWholeProgram(t *testing.T) {
	t.Parallel()
	found := 0
	for _, directory := range []string{".", "orguserstest"} {
		files := slices.Collect(maps.Values(parse(t, directory, token.NewFileSet(), parser.ParseComments)))
		for _, example := range doc.Examples(files...) {
			found++
			if example.Play == nil {
				t.Errorf("%s: Example%s uses a name that its file does not declare: put it into its body or its file", directory, example.Name)
			}
			if example.Output == "" && !example.EmptyOutput {
				t.Errorf("%s: Example%s has no output, so go test does not run it", directory, example.Name)
			}
		}
	}
	if found == 0 {
		t.Error("no example was found")
	}
}
