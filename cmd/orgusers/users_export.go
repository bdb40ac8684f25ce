package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

// exportFlags are the flags of users export.
type exportFlags struct {
	cmd                   *cobra.Command
	filter                *filterFlags
	sort                  *sortFlags
	columns               []string
	csdx, keepFormulas    bool
	bom                   bool
	withAccess            bool
	separator, outputFile string
}

func newUsersExportCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write users as CSV or JSON",
		Long: `Write members and pending invitations as CSV or, with --output json, as JSON. The
output is complete, or the command fails; with -o, the file is then as it was.
With --with-access, the JSON is that of 'orgusers access list'.

A cell that a spreadsheet would run as a formula begins with an apostrophe unless
--keep-formulas is given. For exactly the cells of 'csdx cm:export-to-csv' give
--csdx --keep-formulas, and --sort created for its order.`,
		Args: noArgs,
	}
	f := &exportFlags{cmd: cmd, filter: addFilterFlags(cmd), sort: addSortFlags(cmd)}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.columns, "columns", nil, "write these `columns`, in this order: "+strings.Join(columnNames(orgusers.DefaultColumns()), ",")+"; and with --with-access "+strings.Join(columnNames(orgusers.AccessColumns()), ","))
	flags.BoolVar(&f.csdx, "csdx", false, "write the columns of the vendor's csdx cm:export-to-csv")
	flags.BoolVar(&f.withAccess, "with-access", false, "add the stacks with their roles, the teams and the owned stacks; it reads the roles of every stack")
	flags.BoolVar(&f.keepFormulas, "keep-formulas", false, "leave cells that a spreadsheet would run as formulas as they are")
	flags.BoolVar(&f.bom, "bom", false, "begin with a byte order mark, by which some spreadsheets recognize UTF-8")
	flags.StringVar(&f.separator, "separator", ",", "separate cells with this `character`, or with tab")
	flags.StringVarP(&f.outputFile, "output-file", "o", "", "write to this `file`, which only you can read")
	cmd.MarkFlagsMutuallyExclusive("csdx", "columns")
	cmd.MarkFlagsMutuallyExclusive("csdx", "with-access")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return t.exportUsers(cmd.Context(), f) }
	return cmd
}

func (t *tool) exportUsers(ctx context.Context, f *exportFlags) error {
	options, err := f.options(t.output)
	if err != nil {
		return err
	}
	o, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	if err := f.filter.checkRoles(ctx, o); err != nil {
		return err
	}
	started := time.Now()
	var written int
	if t.output == "json" {
		written, err = t.exportJSON(ctx, o, f, options.Sort)
	} else {
		written, err = t.exportCSV(ctx, o, f.outputFile, options)
	}
	if err != nil {
		return err
	}
	t.note("%s to %s in %.1f s", count(written, "user"), cmp.Or(f.outputFile, "stdout"), time.Since(started).Seconds())
	return nil
}

// options checks the flags before anything is read.
func (f *exportFlags) options(output string) (*orgusers.ExportOptions, error) {
	set := f.cmd.Flags().Changed
	if output == "table" && set("output") {
		return nil, badInput("--output table: 'orgusers users export' writes CSV or JSON; 'orgusers users list' writes tables")
	}
	for _, name := range []string{"columns", "csdx", "keep-formulas", "bom", "separator"} {
		if output == "json" && set(name) {
			return nil, badInput("--%s is for CSV: leave out that or --output json", name)
		}
	}
	if set("output-file") && f.outputFile == "" {
		return nil, badInput("--output-file: the name of the file is empty")
	}
	order, err := f.sort.order()
	if err != nil {
		return nil, err
	}
	columns, err := f.pickColumns()
	if err != nil {
		return nil, err
	}
	comma, size := utf8.DecodeRuneInString(f.separator)
	if f.separator == "tab" || f.separator == `\t` {
		comma, size = '\t', len(f.separator)
	}
	if size == 0 || size < len(f.separator) || strings.ContainsRune("\"\r\n\x00\ufffd", comma) {
		return nil, badInput("--separator %q: want tab, or one character other than a quote and a line break", f.separator)
	}
	return &orgusers.ExportOptions{
		Columns:      columns,
		Access:       f.withAccess,
		Filter:       f.filter.keep,
		Sort:         order,
		KeepFormulas: f.keepFormulas,
		BOM:          f.bom,
		Comma:        comma,
	}, f.filter.check()
}

// columnNames returns headers as they are written in a flag.
func columnNames(columns []orgusers.Column) []string {
	var names []string
	for _, column := range columns {
		names = append(names, columnName(column.Header))
	}
	return names
}

func columnName(header string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(header), " ", "-"))
}

func (f *exportFlags) pickColumns() ([]orgusers.Column, error) {
	all := orgusers.DefaultColumns()
	if f.withAccess {
		all = append(all, orgusers.AccessColumns()...)
	}
	switch {
	case f.csdx:
		all = orgusers.CSDXColumns()
	case f.cmd.Flags().Changed("columns"):
		names := columnNames(all)
		var picked []orgusers.Column
		for _, name := range f.columns {
			i := slices.Index(names, columnName(name))
			if i < 0 {
				if !f.withAccess && slices.Contains(columnNames(orgusers.AccessColumns()), columnName(name)) {
					return nil, badInput("--columns: the column %q needs --with-access", name)
				}
				return nil, badInput("--columns: there is no column %q; there are %s", name, strings.Join(names, ", "))
			}
			picked = append(picked, all[i])
		}
		return picked, nil
	}
	return all, nil
}

func (t *tool) exportCSV(ctx context.Context, o *organization, path string, options *orgusers.ExportOptions) (rows int, err error) {
	p := t.newProgress("users")
	defer p.Clear()
	options.Progress = func(at orgusers.ExportProgress) {
		if at.Rows == 0 {
			p.Set(at.Users, at.Count)
		}
	}
	var summary *orgusers.ExportSummary
	var shown bytes.Buffer
	switch {
	case path != "":
		if summary, err = o.client.ExportCSVFile(ctx, path, options); errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			err = misuse{err} // the file cannot be created
		}
	case isTerminal(os.Stdout): // which must not act on names
		if summary, err = o.client.ExportCSV(ctx, &shown, options); err == nil {
			p.Clear()
			_, err = io.WriteString(t.stdout, printable(shown.String()))
		}
	default:
		summary, err = o.client.ExportCSV(ctx, t.stdout, options)
	}
	return summary.Rows, err
}

func (t *tool) exportJSON(ctx context.Context, o *organization, f *exportFlags, order orgusers.Sort) (rows int, err error) {
	users, err := t.readUsers(ctx, o, order, f.filter.keep)
	if err != nil {
		return 0, err
	}
	document := map[string]any{"users": append([]*orgusers.User{}, users...)}
	if f.withAccess {
		of := map[string]*orgusers.UserAccess{}
		for a, err := range o.client.Access(ctx, nil) {
			if err != nil {
				return 0, err
			}
			of[a.User.ShareUID] = a
		}
		access := []*orgusers.UserAccess{}
		for _, u := range users {
			if a := of[u.ShareUID]; a != nil { // who has not left meanwhile
				access = append(access, a)
			}
		}
		document = map[string]any{"access": access}
	}
	if f.outputFile == "" {
		return len(users), t.writeJSON(o, document)
	}
	text, err := t.marshal(o, document)
	if err != nil {
		return 0, err
	}
	return len(users), replaceFile(f.outputFile, text)
}

// marshal returns what writeJSON writes.
func (t *tool) marshal(o *organization, document map[string]any) ([]byte, error) {
	var text bytes.Buffer
	into := *t
	into.stdout = &text
	err := into.writeJSON(o, document)
	return text.Bytes(), err
}
