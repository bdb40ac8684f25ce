package program

import (
	"encoding/json"
	"flag"
	"io"
)

// JSONFlag adds -json to a program's flags: it has the same name in all of
// them, and usage says what the JSON is.
func JSONFlag(flags *flag.FlagSet, usage string) *bool {
	return flags.Bool("json", false, usage)
}

// WriteJSON writes a document as both people and programs can read it.
func WriteJSON(w io.Writer, document any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}
