package orgusers_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	gotoken "go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAPI compares what the packages export with testdata/api.txt, so that a
// change of the API is meant, and shows in a review.
func TestAPI(t *testing.T) {
	t.Parallel()
	const golden = "testdata/api.txt"
	listing := exportedAPI(t, ".") + "\n" + exportedAPI(t, "orguserstest")
	if *update {
		if err := os.WriteFile(golden, []byte(listing), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(listing, "\n")); diff != "" {
		t.Errorf("the API has changed. If it is meant, run go test -run TestAPI -update . and say so in CHANGELOG.md\n-want +got:\n%s", diff)
	}
}

// exportedAPI lists the exported declarations of a package, sorted.
func exportedAPI(t *testing.T, directory string) string {
	t.Helper()
	layout := printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 8}
	var listed []string
	name := ""
	for path, file := range sources(t, gotoken.NewFileSet(), directory, parser.SkipObjectResolution) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		name = file.Name.Name
		ast.FileExports(file)
		ast.Inspect(file, func(node ast.Node) bool {
			if structure, ok := node.(*ast.StructType); ok {
				structure.Incomplete = false // or a comment says so, in an odd place
			}
			return true
		})
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if !ofExportedType(d) {
					continue
				}
				d.Body = nil
			case *ast.GenDecl:
				if d.Tok == gotoken.IMPORT {
					continue
				}
			}
			var text bytes.Buffer
			// Without the positions in the file, which comments change too.
			if err := layout.Fprint(&text, gotoken.NewFileSet(), declaration); err != nil {
				t.Fatal(err)
			}
			listed = append(listed, text.String()+"\n")
		}
	}
	slices.Sort(listed)
	return "package " + name + "\n\n" + strings.Join(listed, "")
}

// ofExportedType tells whether a function is one, or a method of a type that is.
func ofExportedType(function *ast.FuncDecl) bool {
	if function.Recv == nil {
		return true
	}
	receiver := function.Recv.List[0].Type
	if pointer, ok := receiver.(*ast.StarExpr); ok {
		receiver = pointer.X
	}
	name, ok := receiver.(*ast.Ident)
	return ok && name.IsExported()
}
