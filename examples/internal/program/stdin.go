package program

import (
	"context"
	"io"
	"os"
)

// Stdin is what is typed or piped into the program. Reading ends with ctx,
// though nobody types.
func Stdin(ctx context.Context) io.Reader { return &interruptibleReader{ctx: ctx, from: os.Stdin} }

type interruptibleReader struct {
	ctx  context.Context
	from io.Reader
}

func (r *interruptibleReader) Read(p []byte) (int, error) {
	type result struct {
		data []byte
		err  error
	}
	read := make(chan result, 1)
	go func() { // left behind when ctx ends, and then the program ends too
		data := make([]byte, len(p)) // p is the caller's again by then
		n, err := r.from.Read(data)
		read <- result{data[:n], err}
	}()
	select {
	case got := <-read:
		return copy(p, got.data), got.err
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	}
}
