package docs_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the list of the API")

// The exported names are those of testdata/api.txt, so that a review shows a change of
// the API.
func TestAPI(t *testing.T) {
	t.Parallel()
	const golden = root + "/testdata/api.txt"
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
		t.Errorf("the API has changed. If it is meant, run go test ./test/docs -run TestAPI -update and say so in CHANGELOG.md\n-want +got:\n%s", diff)
	}
}

// exportedAPI returns the exported declarations of a package, sorted.
func exportedAPI(t *testing.T, directory string) string {
	t.Helper()
	layout := printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 8}
	var listed []string
	name := ""
	for path, file := range parse(t, directory, token.NewFileSet(), parser.SkipObjectResolution) {
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
				if d.Tok == token.IMPORT {
					continue
				}
			}
			var text bytes.Buffer
			// An empty file set: comments would change positions, and so the layout.
			if err := layout.Fprint(&text, token.NewFileSet(), declaration); err != nil {
				t.Fatal(err)
			}
			listed = append(listed, text.String()+"\n")
		}
	}
	slices.Sort(listed)
	return "package " + name + "\n\n" + strings.Join(listed, "")
}

// ofExportedType reports whether a function is not a method, or that of an exported
// type.
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
