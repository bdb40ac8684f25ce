package program

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReadingEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	silent, typing := io.Pipe()
	t.Cleanup(func() { _ = typing.Close() })
	go cancel()
	reader := &interruptibleReader{ctx: ctx, from: silent}
	if n, err := reader.Read(make([]byte, 9)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d bytes, %v, want none and the end of the context", n, err)
	}
	reader = &interruptibleReader{ctx: t.Context(), from: strings.NewReader("typed")}
	if text, err := io.ReadAll(reader); string(text) != "typed" || err != nil {
		t.Errorf("%q, %v, want what was typed", text, err)
	}
}
